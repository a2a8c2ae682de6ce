"""What is wrong with a body that msgspec refused: 400 when it is no JSON, else 422 with pointers.

Owns the slow, exact pass that tells a not-a-number, a duplicate key, a lone surrogate or U+0000
from an ordinary mistake; it reads its rules from the same structs that decode. What a caller sent
is never repeated: pointers name keys only when they look like field names.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from services.ingest.leaves import leaf_error
from shared.errors import FieldError, Problem

MAX_DEPTH = 16
_MAX_VALUES = 50_000
_MAX_ERRORS = 100
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}:]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER_DIGITS = 30


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
    return Problem(422, errors[0].code, errors[0].detail, errors=errors[:_MAX_ERRORS])


def _float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else NotFinite()


def _int(text: str) -> Any:
    return int(text) if len(text) <= _NUMBER_DIGITS else Huge()


PARSER = json.JSONDecoder(
    object_pairs_hook=Members,
    parse_constant=lambda _: NotFinite(),
    parse_float=_float,
    parse_int=_int,
)


def has_duplicate_keys(raw: bytes) -> bool:
    """Whether any object of a JSON text names a key twice."""
    found = False

    def members(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        if len({key for key, _ in pairs}) != len(pairs):
            found = True

    json.loads(raw, object_pairs_hook=members)
    return found


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


def diagnose(raw: bytes, kind: Any, failure: Exception | None = None) -> Problem:
    """The refusal of `raw`, which could not be decoded as `kind` because of `failure`."""
    try:
        value = PARSER.decode(text_of(raw))
    except Problem as problem:
        return problem
    except ValueError:
        return not_json()
    return diagnose_value(value, kind, failure)


def diagnose_value(value: Any, kind: Any, failure: Exception | None = None) -> Problem:
    """The refusal of an already parsed value (by `PARSER`)."""
    errors = faults(value, kind)
    if not errors:
        errors = [FieldError(_msgspec_pointer(failure), "invalid", "The value does not fit.")]
    return refused(errors)


def faults(value: Any, kind: Any) -> list[FieldError]:
    """Everything that is wrong with a parsed value, with pointers."""
    walk = _Walk()
    walk.check(value, inspect.type_info(kind), "")
    return walk.errors


def _msgspec_pointer(failure: Exception | None) -> str:
    if not isinstance(failure, msgspec.ValidationError):
        return ""
    path = re.search(r"`\$((?:\.\w+|\[\d+\])*)`", str(failure))
    return "/" + "/".join(re.findall(r"\w+", path[1])) if path and path[1] else ""


class _Walk:
    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def say(self, pointer: str, code: str, detail: str) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(FieldError(pointer, code, detail))

    def check(self, value: Any, kind: inspect.Type, pointer: str) -> None:
        kind = _bare(kind)
        if isinstance(kind, inspect.UnionType):
            if value is None and kind.includes_none:
                return
            kind = _bare(next(t for t in kind.types if not isinstance(t, inspect.NoneType)))
        if isinstance(value, NotFinite):
            self.say(pointer, "not_finite", "NaN, infinities and numbers beyond range are refused.")
        elif isinstance(kind, inspect.StructType):
            self._struct(value, kind, pointer)
        elif isinstance(kind, inspect.ListType):
            self._list(value, kind, pointer)
        elif isinstance(kind, inspect.DictType | inspect.AnyType):
            self._open(value, kind, pointer)
        else:
            self._leaf(value, kind, pointer)

    def _members(self, value: Members, pointer: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, member in value.pairs:
            if key in seen:
                self.say(pointer_to(pointer, key), "duplicate_key", "The key is given twice.")
            seen[key] = member
        return seen

    def _struct(self, value: Any, kind: inspect.StructType, pointer: str) -> None:
        if not isinstance(value, Members):
            self.say(pointer, "not_an_object", "An object is expected.")
            return
        given = self._members(value, pointer)
        fields = {field.encode_name: field for field in kind.fields}
        for key, member in given.items():
            field = fields.pop(key, None)
            if field is None:
                self.say(pointer_to(pointer, key), "unknown_key", "The form has no such field.")
            else:
                self.check(member, field.type, f"{pointer}/{key}")
        for name, field in fields.items():
            if field.required:
                self.say(f"{pointer}/{name}", "missing", "The field is required.")

    def _list(self, value: Any, kind: inspect.ListType, pointer: str) -> None:
        if not isinstance(value, list):
            self.say(pointer, "not_a_list", "A list is expected.")
            return
        if kind.max_length is not None and len(value) > kind.max_length:
            self.say(pointer, "too_many_items", f"At most {kind.max_length} items are taken.")
            return
        for index, item in enumerate(value):
            self.check(item, kind.item_type, f"{pointer}/{index}")

    def _open(self, value: Any, kind: inspect.Type, pointer: str) -> None:
        inner = kind.value_type if isinstance(kind, inspect.DictType) else kind
        if isinstance(value, Members):
            for key, member in self._members(value, pointer).items():
                if _SURROGATE.search(key) or _CONTROL.search(key):
                    self.say(pointer, "control_character", "A key holds a character that is none.")
                self.check(member, inner, pointer_to(pointer, key))
        elif isinstance(kind, inspect.DictType):
            self.say(pointer, "not_an_object", "An object is expected.")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.check(item, inner, f"{pointer}/{index}")
        elif isinstance(value, Huge):
            self.say(pointer, "out_of_range", "The number has too many digits.")
        elif isinstance(value, str):
            self._text(value, pointer)

    def _text(self, value: str, pointer: str) -> bool:
        if _SURROGATE.search(value):
            self.say(pointer, "lone_surrogate", "The text holds half a character.")
        elif _CONTROL.search(value):
            self.say(pointer, "control_character", "The text holds a control character.")
        else:
            return True
        return False

    def _leaf(self, value: Any, kind: inspect.Type, pointer: str) -> None:
        if isinstance(value, str) and not self._text(value, pointer):
            return
        if isinstance(value, Huge) and isinstance(kind, inspect.IntType | inspect.FloatType):
            self.say(pointer, "out_of_range", "The number is out of range.")
            return
        fault = leaf_error(value, kind)
        if fault is not None:
            self.say(pointer, *fault)


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind
