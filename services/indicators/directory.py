"""Names: what units and schools are called, and their dated versions as registered.

Owns the reading of the records that the register's events brought. Who belongs to whom on a day is
the register's; this module only words it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from shared.clients.figure_answers import School, Unit, UnitName, UnitVersion
from shared.db.transaction import Tx


class UnitRecord(msgspec.Struct, frozen=True):
    """One version of a unit as it was registered; dates are ISO."""

    unit_id: str
    name: str
    level: str
    valid_from: str
    names: dict[str, str] | None = None
    parent_id: str | None = None
    valid_to: str | None = None
    predecessors: list[str] | None = None
    aliases: list[str] | None = None
    head_school_code: str | None = None

    def short(self) -> UnitName:
        """The unit by name."""
        return {
            "unit_id": self.unit_id,
            "name": self.name,
            "names": self.names or {},
            "level": self.level,
        }

    def document(self) -> Unit:
        """The unit as it stands in lists."""
        return {
            "unit_id": self.unit_id,
            "name": self.name,
            "names": self.names or {},
            "level": self.level,
            "parent_id": self.parent_id,
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
            "head_school_code": self.head_school_code,
        }

    def version(self) -> UnitVersion:
        """The dates and the place in the tree."""
        return {
            "name": self.name,
            "level": self.level,
            "parent_id": self.parent_id,
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
        }


class SchoolRecord(msgspec.Struct, frozen=True):
    """One version of a school as it was registered; `school_code` as it was sent."""

    school_code: str
    valid_from: str
    name: str | None = None
    names: dict[str, str] | None = None
    unit_id: str | None = None
    level: str | None = None
    gender: str | None = None
    shift: str | None = None
    zone: str | None = None
    status: str | None = None
    lat: float | None = None
    lon: float | None = None

    def short(self) -> UnitName:
        """The school as a unit of the last level."""
        return {
            "unit_id": f"school:{self.school_code}",
            "name": self.name or self.school_code,
            "names": self.names or {},
            "level": "school",
        }

    def document(self) -> School:
        """The school as it stands in lists."""
        return {
            "school_code": self.school_code,
            "unit_id": self.unit_id,
            "name": self.name or self.school_code,
            "level": self.level,
            "gender": self.gender,
            "shift": self.shift,
            "zone": self.zone,
            "status": self.status or "open",
            "lat": self.lat,
            "lon": self.lon,
            "valid_from": self.valid_from,
        }

    def as_unit(self) -> Unit:
        """The school as a child of its cluster."""
        return {
            **self.short(),
            "parent_id": self.unit_id,
            "valid_from": self.valid_from,
            "valid_to": None,
            "head_school_code": None,
        }


Record = TypeVar("Record", UnitRecord, SchoolRecord)


@dataclass(frozen=True, slots=True)
class Dated(Generic[Record]):
    """The versions of a unit or school in order; each holds until the next one."""

    days: tuple[int, ...]
    records: tuple[Record, ...]

    def on(self, day: int) -> Record:
        """The version in force on a day number."""
        return self.records[max(bisect_right(self.days, day) - 1, 0)]


Units = Mapping[str, Dated[UnitRecord]]


class Directory:
    """The units' names, read once and again when a unit changed."""

    def __init__(self) -> None:
        self._change = -1
        self._units: Units = {}

    async def units(self, tx: Tx) -> Units:
        """All units by id, as this snapshot sees them."""
        row = await tx.fetch_one("SELECT MAX(change) FROM unit_versions")
        change = row[0] or 0
        if change != self._change:
            rows = await tx.fetch(
                "SELECT unit_id, valid_from, data FROM unit_versions "
                "ORDER BY unit_id, valid_from, version"
            )
            # An older snapshot may be read beside a newer one: what is kept is replaced whole.
            self._units, self._change = _dated(rows, UnitRecord), change
        return self._units


async def units_recorded(tx: Tx, until: int) -> Units:
    """All units by id, as far as they had been recorded by an instant (microseconds)."""
    rows = await tx.fetch(
        "SELECT unit_id, valid_from, data FROM unit_versions WHERE recorded <= $1 "
        "ORDER BY unit_id, valid_from, version",
        until,
    )
    return _dated(rows, UnitRecord)


def _dated(rows: Iterable[Sequence[Any]], kind: type[Record]) -> dict[str, Dated[Record]]:
    """Group rows (id, valid_from, data) in order; of equal (id, valid_from) the last one holds."""
    decoder = msgspec.json.Decoder(kind)
    found: dict[str, dict[int, Record]] = {}
    for key, day, data in rows:
        found.setdefault(key, {})[day] = decoder.decode(data)
    return {
        key: Dated(tuple(versions), tuple(versions.values())) for key, versions in found.items()
    }


async def schools(
    tx: Tx, codes: Sequence[str], until: int | None = None
) -> dict[str, Dated[SchoolRecord]]:
    """The versions of these schools by canonical code; `until`: those recorded by then."""
    recorded, bound = ("", []) if until is None else (" AND recorded <= $2", [until])
    rows = await tx.fetch(
        f"SELECT code, valid_from, data FROM school_versions WHERE code = ANY($1::text[]){recorded}"
        " ORDER BY code, valid_from, version",
        list(codes),
        *bound,
    )
    return _dated(rows, SchoolRecord)


async def schools_named(tx: Tx, part: str, most: int) -> list[str]:
    """Codes (in order) of schools whose name or code holds `part`, at most `most`."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", part.lower()) + "%"
    rows = await tx.fetch(
        "SELECT DISTINCT code FROM school_versions WHERE lower(name) LIKE $1 ESCAPE '\\' "
        "OR lower(code) LIKE $1 ESCAPE '\\' ORDER BY code LIMIT $2",
        pattern,
        most,
    )
    return [row[0] for row in rows]


def names_of(record: UnitRecord) -> list[str]:
    """Everything a unit is called, for searching."""
    return [
        record.unit_id,
        record.name,
        *(record.names or {}).values(),
        *(record.aliases or []),
    ]
