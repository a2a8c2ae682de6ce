"""JSON that means one thing: no duplicate keys, no NaN, no infinite numbers, no broken text.

Owns how strictly a body is read and the words for what is refused, with a pointer each; what a
body must contain is left to each route's own schema. The input is never echoed: a pointer names a
key only when it looks like a field's name.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from shared.errors import FieldError, Problem

MAX_DEPTH = 16
MAX_ERRORS = 100
MAX_TEXT = 64 * 1024
_MAX_VALUES = 50_000
_MAX_DIGITS = 19
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}:]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
Fault = tuple[str, str]
NOT_FINITE: Fault = ("not_finite", "NaN, infinities and numbers beyond range are refused.")
HUGE: Fault = ("out_of_range", "The number is out of range.")
DUPLICATE: Fault = ("duplicate_key", "The key is given twice.")


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object as it was written, duplicates included."""

    pairs: list[tuple[str, Any]]


class NotFinite:
    """A number that is none: NaN, an infinity, or one beyond the range of a double."""


class Huge:
    """A whole number of more digits than anything counted has."""


def pointer_to(parent: str, key: str | int) -> str:
    """The RFC 6901 pointer of a member; a key that is no field name stays unnamed."""
    if isinstance(key, int) or _FIELD.fullmatch(key):
        return f"{parent}/{key}"
    return parent


def not_json(detail: str = "The body is not JSON.") -> Problem:
    """A 400 for a body that is no JSON text in UTF-8."""
    return Problem(400, "not_json", detail)


def refused(errors: list[FieldError]) -> Problem:
    """A 422 that lists what is wrong, field by field."""
    return Problem(422, errors[0].code, errors[0].detail, errors=errors[:MAX_ERRORS])


def _float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else NotFinite()


def _int(text: str) -> Any:
    return int(text) if len(text.removeprefix("-")) <= _MAX_DIGITS else Huge()


PARSER = json.JSONDecoder(
    object_pairs_hook=Members,
    parse_constant=lambda _: NotFinite(),
    parse_float=_float,
    parse_int=_int,
)


def text_of(raw: bytes) -> str:
    """The body as text, refused when it is not UTF-8, too deep or of too many values."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise not_json("The body is not UTF-8.") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _refuse_depth(text)
    if raw.count(b",") > _MAX_VALUES:
        raise refused([FieldError("", "too_many_values", "The body holds too many values.")])
    return text


def _refuse_depth(text: str) -> None:
    depth, pointer, last = 0, "", ""
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == ":":
            if depth == 1:
                pointer = pointer_to("", last[1:-1])
        elif sign in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                detail = f"Values are nested deeper than {MAX_DEPTH} levels."
                raise refused([FieldError(pointer, "too_deep", detail)])
        elif sign in "]}":
            depth -= 1
        else:
            last = sign


def text_fault(text: str) -> Fault | None:
    """Why a text is refused: half a character, or a control other than a tab or a line's end."""
    if text.isascii() and text.isprintable():
        return None
    if _SURROGATE.search(text):
        return "lone_surrogate", "The text holds half a character."
    if _CONTROL.search(text):
        return "control_character", "The text holds a control character."
    return None


def parse(body: bytes) -> Any:
    """The value of a JSON text; raises Problem 400 when it is none, 422 with pointers otherwise."""
    try:
        value = PARSER.decode(text_of(body))
    except ValueError:
        raise not_json() from None
    errors: list[FieldError] = []
    plain = _plain(value, "", errors)
    if errors:
        raise refused(errors)
    return plain


def _plain(value: Any, pointer: str, errors: list[FieldError]) -> Any:
    if isinstance(value, Members):
        return _object(value, pointer, errors)
    if isinstance(value, list):
        return [_plain(item, f"{pointer}/{place}", errors) for place, item in enumerate(value)]
    fault: Fault | None = None
    if isinstance(value, str):
        fault = text_fault(value)
        if len(value) > MAX_TEXT:
            fault = ("too_long", f"Longer than {MAX_TEXT} characters.")
    elif isinstance(value, NotFinite):
        fault = NOT_FINITE
    elif isinstance(value, Huge):
        fault = HUGE
    if fault is not None:
        errors.append(FieldError(pointer, *fault))
    return value


def _object(members: Members, pointer: str, errors: list[FieldError]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in members.pairs:
        here = pointer_to(pointer, key)
        fault = DUPLICATE if key in plain else text_fault(key)
        if fault is not None:
            errors.append(FieldError(here, *fault))
        plain[key] = _plain(item, here, errors)
    return plain
