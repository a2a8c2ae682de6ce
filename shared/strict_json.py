"""JSON that means one thing: no duplicate keys, no NaN, no infinite numbers, no broken text.

Owns the reading of request bodies into plain values with a pointer for everything refused; what a
body must contain is left to each route's own schema. The input is never echoed.
"""

import json
from typing import Any

from shared.errors import FieldError, Problem

MAX_DEPTH = 32
MAX_TEXT = 64 * 1024
_MAX_ERRORS = 50
_MAX_DIGITS = 19


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, in order, before anybody decided which of two equal keys counts."""


class _Refused:
    """A value that Python's reader lets pass and we do not."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


def _constant(_: str) -> _Refused:
    return _Refused("not_a_number", "NaN and Infinity are no JSON numbers.")


def _integer(text: str) -> int | _Refused:
    if len(text.removeprefix("-")) > _MAX_DIGITS:
        return _Refused("number_out_of_range", "The number is too large.")
    return int(text)


def _float(text: str) -> float | _Refused:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return _Refused("number_out_of_range", "The number is too large.")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
)


def _not_json(detail: str) -> Problem:
    return Problem(400, "not_json", detail)


def parse(body: bytes) -> Any:
    """The value of a JSON text; raises Problem 400 when it is none, 422 with pointers otherwise."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_json("The body is not UTF-8.") from error
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise _not_json("The body is nested too deeply.") from error
    except ValueError as error:
        raise _not_json("The body is not a JSON text.") from error
    errors: list[FieldError] = []
    plain = _plain(value, "", 0, errors)
    if errors:
        raise Problem(422, errors[0].code, errors[0].detail, errors=errors[:_MAX_ERRORS])
    return plain


def escaped(token: str) -> str:
    """One token of an RFC 6901 pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def _plain(value: Any, pointer: str, depth: int, errors: list[FieldError]) -> Any:
    if depth > MAX_DEPTH:
        errors.append(FieldError(pointer, "too_deep", f"Nested deeper than {MAX_DEPTH} levels."))
        return None
    if isinstance(value, str):
        _check_text(value, pointer, errors)
        return value
    if isinstance(value, _Refused):
        errors.append(FieldError(pointer, value.code, value.detail))
        return None
    if isinstance(value, _Pairs):
        return _object(value, pointer, depth, errors)
    if isinstance(value, list):
        return [
            _plain(item, f"{pointer}/{place}", depth + 1, errors)
            for place, item in enumerate(value)
        ]
    return value


def _object(pairs: _Pairs, pointer: str, depth: int, errors: list[FieldError]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in pairs:
        if broken_text(key):
            errors.append(FieldError(pointer, "broken_key", "No key may hold such characters."))
            continue
        here = f"{pointer}/{escaped(key)}"
        if key in plain:
            errors.append(FieldError(here, "duplicate_key", "The key stands twice in one object."))
        plain[key] = _plain(item, here, depth + 1, errors)
    return plain


def broken_text(text: str) -> bool:
    """Whether a text holds lone surrogates, U+0000 or other controls than tab and line ends."""
    if text.isascii():
        return not text.isprintable() and any(c < " " and c not in "\t\n\r" for c in text)
    return any((c < " " and c not in "\t\n\r") or "\ud800" <= c <= "\udfff" for c in text)


def _check_text(text: str, pointer: str, errors: list[FieldError]) -> None:
    if len(text) > MAX_TEXT:
        errors.append(FieldError(pointer, "too_long", f"Longer than {MAX_TEXT} characters."))
    elif broken_text(text):
        errors.append(
            FieldError(
                pointer, "broken_text", "Control characters and lone surrogates are refused."
            )
        )
