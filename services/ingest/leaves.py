"""Single values against their declared types, with a code and a sentence for each kind of mistake.

Owns the words for leaves (numbers, texts, choices, dates); the walk over objects and lists is left
to `diagnosis`.
"""

import re
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

Fault = tuple[str, str]


def leaf_error(value: Any, kind: inspect.Type) -> Fault | None:
    """The code and sentence of what is wrong with a value, or None."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number(value, kind)
    if isinstance(kind, inspect.BoolType):
        return None if isinstance(value, bool) else ("not_a_boolean", "true or false is expected.")
    if isinstance(kind, inspect.LiteralType):
        words = ", ".join(str(word) for word in kind.values)
        known = isinstance(value, str) and value in kind.values
        return None if known else ("unknown_word", f"One of {words} is expected.")
    if not isinstance(value, str):
        return ("not_a_text", "A text is expected.")
    return _text(value, kind)


def _number(value: Any, kind: inspect.IntType | inspect.FloatType) -> Fault | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ("not_a_number", "A number is expected.")
    if isinstance(kind, inspect.IntType) and isinstance(value, float):
        return ("not_an_integer", "A whole number is expected.")
    low = kind.ge is not None and value < kind.ge
    high = kind.le is not None and value > kind.le
    if low or high:
        return ("out_of_range", f"A number from {kind.ge} to {kind.le} is expected.")
    return None


def _text(value: str, kind: inspect.Type) -> Fault | None:
    if isinstance(kind, inspect.DateTimeType):
        return _converted(value, datetime, "invalid_instant", "An RFC 3339 time with its offset")
    if isinstance(kind, inspect.DateType):
        return _converted(value, date, "invalid_date", "A date such as 2018-03-05")
    if isinstance(kind, inspect.UUIDType):
        return _converted(value, UUID, "invalid_uuid", "A UUID")
    if not isinstance(kind, inspect.StrType):
        return None
    if kind.max_length is not None and len(value) > kind.max_length:
        return ("too_long", f"At most {kind.max_length} characters are taken.")
    if kind.min_length is not None and len(value) < kind.min_length:
        return ("empty", "The text is empty.")
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return ("wrong_form", "The text does not have the expected form.")
    return None


def _converted(value: str, kind: Any, code: str, expected: str) -> Fault | None:
    try:
        result = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return (code, f"{expected} is expected.")
    if isinstance(result, datetime) and result.tzinfo is None:
        return (code, f"{expected} is expected.")
    return None
