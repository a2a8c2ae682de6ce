"""The fields that a table's columns may be mapped to, by kind of table.

Owns their names (the path in the record, with dots) and how each is read; types and ranges come
from the structs that decode the same records as JSON. Officers belong to another service, so that
theirs are listed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from services.ingest.registry.schemas import SchoolIn, TargetIn, UnitIn
from services.ingest.schemas import VisitIn

KINDS = ("visits", "schools", "units", "officers", "targets")
_STRUCTS: dict[str, Any] = {
    "visits": VisitIn,
    "schools": SchoolIn,
    "units": UnitIn,
    "targets": TargetIn,
}
_CODES = {"school_code", "head_school_code", "monitor_id", "officer_id"}
_PROSE = {"remarks"}
_OPEN = {"schools": ("attributes", "names"), "units": ("names",)}
_MAPS = {"attributes", "names"}
_LONGEST_ATTRIBUTE = 2_000


@dataclass(frozen=True)
class FieldKind:
    """One field: its path in the record, the kind of its cells, and that kind's options."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    required: bool = False

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The keys from the record down to the value; an attribute's name may hold dots."""
        head, _, rest = self.name.partition(".")
        if head in _MAPS and rest:
            return (head, rest)
        return tuple(self.name.split("."))


@lru_cache(maxsize=8)
def fields_of(kind: str) -> dict[str, FieldKind]:
    """All fields of a kind of table by name, in the order in which exports have them."""
    if kind == "officers":
        return {item.name: item for item in _OFFICER}
    found = sorted(
        _walked(inspect.type_info(_STRUCTS[kind]), ""), key=lambda item: item.name != "visit_id"
    )
    return {item.name: item for item in found}


def field_named(kind: str, name: str) -> FieldKind | None:
    """The field of a name: one of `fields_of`, or a member of the kind's open map."""
    known = fields_of(kind).get(name)
    if known is not None:
        return known
    head, _, rest = name.partition(".")
    if head in _OPEN.get(kind, ()) and rest:
        return FieldKind(name, "text", {"max_length": _LONGEST_ATTRIBUTE})
    return None


def _walked(struct: inspect.Type, prefix: str) -> Iterator[FieldKind]:
    assert isinstance(struct, inspect.StructType)  # noqa: S101 - the four structs above
    for item in struct.fields:
        kind = _bare(item.type)
        name = f"{prefix}{item.encode_name}"
        if isinstance(kind, inspect.StructType):
            yield from _walked(kind, f"{name}.")
        else:
            word, options = _read_as(item.encode_name, kind)
            yield FieldKind(name, word, options, item.required)


def _bare(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _bare(next(t for t in kind.types if not isinstance(t, inspect.NoneType)))
    return kind


def _read_as(name: str, kind: inspect.Type) -> tuple[str, dict[str, Any]]:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number(name, kind)
    if isinstance(kind, inspect.LiteralType):
        return "choice", {"choices": [str(value) for value in kind.values]}
    if isinstance(kind, inspect.ListType):
        return ("list" if isinstance(_bare(kind.item_type), inspect.StrType) else "json"), {}
    if isinstance(kind, inspect.StrType):
        options = {"max_length": kind.max_length} if kind.max_length is not None else {}
        word = "code" if name in _CODES else "prose" if name in _PROSE else "text"
        return word, options | ({"spaces": True} if word == "code" else {})
    plain: dict[type, str] = {
        inspect.BoolType: "boolean",
        inspect.DateTimeType: "instant",
        inspect.DateType: "date",
        inspect.UUIDType: "uuid",
        inspect.DictType: "json",
    }
    return plain[type(kind)], {}


def _number(name: str, kind: inspect.IntType | inspect.FloatType) -> tuple[str, dict[str, Any]]:
    if name in {"lat", "lon"}:
        return ("latitude" if name == "lat" else "longitude"), {}
    options = {"minimum": kind.ge, "maximum": kind.le}
    return ("integer" if isinstance(kind, inspect.IntType) else "number"), options


_TEXT = {"max_length": 300}
_OFFICER = (
    FieldKind("officer_id", "code", {"spaces": True}, required=True),
    FieldKind("name", "text", _TEXT, required=True),
    FieldKind("post", "text", _TEXT, required=True),
    FieldKind("language", "text", _TEXT),
    FieldKind("email", "text", _TEXT),
    FieldKind("phone", "text", _TEXT),
    FieldKind("channels", "list"),
    FieldKind("posting.unit_id", "text", _TEXT),
    FieldKind("posting.from", "date"),
    FieldKind("posting.to", "date"),
    FieldKind("posting.post", "text", _TEXT),
    FieldKind("posting.acting", "boolean"),
)


def flattened(kind: str, record: Any) -> dict[str, Any]:
    """The leaves of a record by field name, absent ones left out: what a row of a table says."""
    leaves: dict[str, Any] = {}
    for item in fields_of(kind).values():
        node: Any = record
        for step in item.path:
            node = node.get(step) if isinstance(node, dict) else None
        if isinstance(node, float) and node.is_integer():
            node = int(node)
        if node is not None:
            leaves[item.name] = node
    return leaves


def written(value: Any) -> str:
    """A leaf as the text of a cell; lists of texts and whole objects as `read_cell` reads them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) and _simple(item) for item in value):
        return "; ".join(value) if value else "[]"
    return msgspec.json.encode(value).decode()


def _simple(item: str) -> bool:
    """Whether a text may stand in a list without quotes."""
    return bool(item) and item.strip() == item and ";" not in item and item[0] not in "[{'"
