"""What is wrong with a body that msgspec refused: 400 when it is no JSON, else 422 with pointers.

Owns the slow, exact pass over a body by its type: it reads its rules from the same structs that
decode. How strictly any JSON is read is left to `shared.strict_json`.
"""

import json
import re
from typing import Any

import msgspec
from msgspec import inspect

from services.ingest.leaves import leaf_error
from shared.errors import FieldError, Problem
from shared.strict_json import (
    DUPLICATE,
    HUGE,
    MAX_ERRORS,
    NOT_FINITE,
    PARSER,
    Huge,
    Members,
    NotFinite,
    not_json,
    pointer_to,
    refused,
    text_fault,
    text_of,
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
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(FieldError(pointer, code, detail))

    def check(self, value: Any, kind: inspect.Type, pointer: str) -> None:
        kind = _bare(kind)
        if isinstance(kind, inspect.UnionType):
            if value is None and kind.includes_none:
                return
            kind = _bare(next(t for t in kind.types if not isinstance(t, inspect.NoneType)))
        if isinstance(value, NotFinite):
            self.say(pointer, *NOT_FINITE)
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
                self.say(pointer_to(pointer, key), *DUPLICATE)
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
                if fault := text_fault(key):
                    self.say(pointer, *fault)
                self.check(member, inner, pointer_to(pointer, key))
        elif isinstance(kind, inspect.DictType):
            self.say(pointer, "not_an_object", "An object is expected.")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.check(item, inner, f"{pointer}/{index}")
        elif isinstance(value, Huge):
            self.say(pointer, *HUGE)
        elif isinstance(value, str) and (fault := text_fault(value)):
            self.say(pointer, *fault)

    def _leaf(self, value: Any, kind: inspect.Type, pointer: str) -> None:
        if isinstance(value, Huge) and isinstance(kind, inspect.IntType | inspect.FloatType):
            fault: tuple[str, str] | None = HUGE
        else:
            fault = text_fault(value) if isinstance(value, str) else None
            fault = fault or leaf_error(value, kind)
        if fault is not None:
            self.say(pointer, *fault)


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind
