"""Units, schools and targets on the wire.

Owns names, types and ranges; whether parents exist and trees have no cycles is left to `checks`.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=100)]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Word = Annotated[str, Meta(max_length=100)]
Gender = Literal["boys", "girls", "mixed"]
SchoolStatus = Literal["open", "closed", "merged", "non_functional"]


class UnitIn(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A unit above the schools, as it is from `valid_from` on."""

    unit_id: Id
    name: Name
    names: dict[str, str] | None = None
    level: Annotated[str, Meta(min_length=1, max_length=100)]
    parent_id: Id | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    predecessors: Annotated[list[Id], Meta(max_length=1000)] | None = None
    aliases: Annotated[list[Name], Meta(max_length=1000)] | None = None
    head_school_code: Id | None = None


class SchoolIn(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A school, as it is from `valid_from` on; `unit_id` is its cluster."""

    school_code: Id
    name: Name
    names: dict[str, str] | None = None
    unit_id: Id
    level: Word | None = None
    gender: Gender | None = None
    shift: Word | None = None
    zone: Word | None = None
    status: SchoolStatus | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    valid_from: date | None = None
    predecessors: Annotated[list[Id], Meta(max_length=1000)] | None = None
    aliases: Annotated[list[Name], Meta(max_length=1000)] | None = None
    attributes: dict[str, Any] | None = None


class TargetIn(
    Struct,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"from_": "from"},
):
    """What an indicator of a unit starts from and should reach within a span of days."""

    indicator: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,99}\Z")]
    split: Word | None = None
    unit_id: Id
    from_: date | None = None
    to: date | None = None
    baseline: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None
    target: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None
