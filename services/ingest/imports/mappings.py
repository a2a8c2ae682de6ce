"""Mappings: which column of a foreign table is which field, and how its cells are written.

Owns the wire form and what must hold before a mapping is kept; applying one to rows is left to
`rows`. Without a mapping the columns bear the names of the fields, as in an export.
"""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from services.ingest.cleaning.rows import PAKISTAN, Area
from services.ingest.imports.fields import field_named, fields_of
from services.ingest.imports.refusal import FileRefused
from services.ingest.imports.text_files import DELIMITERS, named_encoding
from shared.errors import FieldError, Problem

Kind = Literal["visits", "schools", "units", "officers", "targets"]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Words = Annotated[list[Name], Meta(max_length=100)]
Order = Literal["ymd", "dmy", "mdy"]
OnFault = Literal["row", "cell"]
Leaf = Literal["text", "code", "integer", "number", "date", "instant", "boolean"]


class FieldMapping(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a field's value stands (a column, several joined by a space, or a constant).

    `words` says what spellings stand for, `missing` which mean "not measured", `units` by what to
    multiply a number that carries a unit, `on_fault` whether a bad cell costs its row or itself.
    """

    column: Name | None = None
    columns: Annotated[list[Name], Meta(min_length=1, max_length=10)] | None = None
    value: Name | None = None
    type: Leaf | None = None
    words: Annotated[dict[str, str], Meta(max_length=5_000)] | None = None
    missing: Words | None = None
    units: Annotated[dict[str, float], Meta(max_length=100)] | None = None
    order: Order | None = None
    zone: Name | None = None
    on_fault: OnFault | None = None


class Mapping(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one kind of foreign table is read.

    `key` names the columns that tell visits apart where the table has no ids; `level` the level
    on which names of units are looked up; `area` the box in which every point lies (south, north,
    west, east in degrees, or `pakistan`).
    """

    kind: Kind
    fields: Annotated[dict[str, FieldMapping], Meta(max_length=1_000)] = {}
    key: Annotated[list[Name], Meta(max_length=20)] = []
    missing: Words = []
    on_fault: OnFault = "row"
    order: Order | None = None
    zone: Name | None = None
    level: Annotated[str, Meta(max_length=100)] | None = None
    area: Literal["pakistan"] | Annotated[list[float], Meta(min_length=4, max_length=4)] | None = (
        None
    )
    mend_swapped: bool = False
    sheet: Name | None = None
    header_row: Annotated[int, Meta(ge=1, le=1_000)] = 1
    encoding: Name | None = None
    delimiter: Name | None = None

    def box(self) -> Area | None:
        """The area in which points lie, if one is declared."""
        if self.area == "pakistan":
            return PAKISTAN
        return None if self.area is None else Area(*(float(side) for side in self.area))


def check(mapping: Mapping) -> None:
    """Raise Problem 422 with pointers when a mapping cannot be applied to any table."""
    errors: list[FieldError] = []

    def say(pointer: str, code: str, detail: str) -> None:
        errors.append(FieldError(pointer, code, detail))

    for name, given in mapping.fields.items():
        _check_field(mapping.kind, name, given, say)
    if mapping.fields:
        missing = [
            item.name
            for item in fields_of(mapping.kind).values()
            if item.required and item.name not in mapping.fields
        ]
        if mapping.key and "visit_id" in missing:
            missing.remove("visit_id")
        for name in missing:
            detail = "The field is required and not mapped."
            if name == "visit_id":
                detail = "Map visit_id, or name the columns that tell visits apart in key."
            say(f"/fields/{name}", "missing", detail)
    if mapping.key and mapping.kind != "visits":
        say("/key", "no_key_here", "Only visits take their identity from key columns.")
    _check_format(mapping, say)
    if errors:
        raise Problem(422, errors[0].code, errors[0].detail, errors=errors[:100])


def _check_field(kind: str, name: str, given: FieldMapping, say: Any) -> None:
    pointer = "/fields/" + name.replace("~", "~0").replace("/", "~1")
    if field_named(kind, name) is None:
        say("/fields", "unknown_field", "A mapped field is none of this kind of table.")
        return
    if sum(place is not None for place in (given.column, given.columns, given.value)) != 1:
        say(pointer, "one_place", "Give one of column, columns and value.")
    if given.zone is not None and not _is_zone(given.zone):
        say(f"{pointer}/zone", "unknown_zone", "There is no such time zone.")
    if given.type is not None and not name.startswith("attributes."):
        say(f"{pointer}/type", "fixed_type", "Only attributes may be given a type.")


def _check_format(mapping: Mapping, say: Any) -> None:
    if mapping.zone is not None and not _is_zone(mapping.zone):
        say("/zone", "unknown_zone", "There is no such time zone.")
    if mapping.delimiter is not None and mapping.delimiter not in DELIMITERS:
        say("/delimiter", "unknown_delimiter", "A comma, a semicolon or a tab is expected.")
    if mapping.encoding is not None:
        try:
            named_encoding(mapping.encoding)
        except FileRefused as error:
            say("/encoding", error.loss.fault.code, error.loss.fault.fix)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
