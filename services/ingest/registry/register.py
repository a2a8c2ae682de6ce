"""The register in memory: what a school is on a day, and under which units it stands.

Owns the copy that rules and scopes are judged by. It follows the register's version: whoever
decides something inside a transaction calls `missing` first and applies what has changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from services.ingest.flags import SchoolFacts
from services.ingest.registry.versions import Version, in_force, merged
from shared.domain.codes import SCHOOL_PREFIX, canonical_unit

VERSION_SQL = "SELECT version FROM register_version WHERE id = 0"
UNITS_SQL = "SELECT id,valid_from,version,data FROM units WHERE version > $1 AND silent = 0"
SCHOOLS_SQL = "SELECT id,valid_from,version,data FROM schools WHERE version > $1 AND silent = 0"


@dataclass(frozen=True, slots=True)
class School:
    """What the register says of a school from a day on."""

    unit_id: str
    status: str
    facts: SchoolFacts


class Register:
    """Units and schools with their dated versions, by unit id and canonical code."""

    def __init__(self) -> None:
        self.version = 0
        self.parents: dict[str, list[Version[str | None]]] = {}
        self.schools: dict[str, list[Version[School]]] = {}

    def apply(self, version: int, units: Iterable[Any], schools: Iterable[Any]) -> None:
        """Take rows of `UNITS_SQL` and `SCHOOLS_SQL` in, up to the register's `version`."""
        parents: dict[str, list[Version[str | None]]] = {}
        for unit_id, day, _, data in units:
            record = msgspec.json.decode(data)
            parents.setdefault(unit_id, []).append(Version(day, record.get("parent_id")))
        known: dict[str, list[Version[School]]] = {}
        for code, day, _, data in schools:
            record = msgspec.json.decode(data)
            known.setdefault(code, []).append(Version(day, _school(record)))
        for unit_id, changed in parents.items():
            self.parents[unit_id] = merged(self.parents.get(unit_id, ()), changed)
        for code, records in known.items():
            self.schools[code] = merged(self.schools.get(code, ()), records)
        self.version = version

    def knows(self, code: str) -> bool:
        """Whether a school of this canonical code is registered."""
        return code in self.schools

    def facts(self, code: str, day: int) -> SchoolFacts | None:
        """What flags need to know of a school on a day; None when it is not registered."""
        versions = self.schools.get(code)
        if versions is None:
            return None
        facts = versions[0].content.facts
        if day < versions[0].day:
            return replace(facts, early=True)
        if len(versions) == 1:
            return facts
        school = in_force(versions, day)
        return school.content.facts if school is not None else None

    def chain(self, unit_id: str, day: int) -> list[str]:
        """A unit and those above it on a day; a school's begins with itself."""
        chain: list[str] = []
        current: str | None = unit_id
        while current is not None and current not in chain:
            chain.append(current)
            if current.startswith(SCHOOL_PREFIX):
                school = in_force(self.schools.get(current[len(SCHOOL_PREFIX) :], ()), day)
                current = school.content.unit_id if school is not None else None
            else:
                parent = in_force(self.parents.get(current, ()), day)
                current = parent.content if parent is not None else None
        return chain

    def under(self, unit_id: str, units: Iterable[str], day: int) -> bool:
        """Whether a unit is one of `units` or stands under one of them on a day."""
        wanted = {canonical_unit(unit) for unit in units}
        return not wanted.isdisjoint(self.chain(unit_id, day))

    def schools_under(self, units: Iterable[str], day: int) -> list[str]:
        """The canonical codes of all schools that stand under one of `units` on a day."""
        wanted = {canonical_unit(unit) for unit in units}
        within: dict[str, bool] = {}
        found = []
        for code, versions in self.schools.items():
            school = in_force(versions, day)
            cluster = school.content.unit_id if school is not None else ""
            if cluster not in within:
                within[cluster] = not wanted.isdisjoint(self.chain(cluster, day))
            if within[cluster] or SCHOOL_PREFIX + code in wanted:
                found.append(code)
        return found


def _school(record: dict[str, Any]) -> School:
    attributes = record.get("attributes") or {}
    sanctioned = attributes.get("sanctioned")
    whole = isinstance(sanctioned, int) and not isinstance(sanctioned, bool)
    return School(
        record["unit_id"],
        record["status"],
        SchoolFacts(
            gender=record.get("gender"),
            zone=record.get("zone"),
            lat=record.get("lat"),
            lon=record.get("lon"),
            sanctioned=sanctioned if whole else None,
        ),
    )
