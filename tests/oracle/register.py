"""The oracle's register: dated versions of units and schools, and who belongs to whom on a day.

Owns code comparison, versions in force, chains of units and activity; knows nothing of visits.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

FIRST_DAY = date(2018, 1, 1)
Record = dict[str, Any]


def canonical(code: str) -> str:
    """The one spelling under which school codes are compared: trimmed, digits without zeros."""
    text = unicodedata.normalize("NFC", code).strip()
    if text and all(letter in "0123456789" for letter in text):
        return text.lstrip("0") or "0"
    return text


def in_force(versions: dict[date, Record], day: date) -> Record:
    """The version that holds on the day; the first version also holds before its own day."""
    begun = [since for since in versions if since <= day]
    return versions[max(begun) if begun else min(versions)]


class Register:
    """All versions of units and schools, keyed (id, valid_from); the same key replaces."""

    def __init__(self) -> None:
        self.units: dict[str, dict[date, Record]] = {}
        self.schools: dict[str, dict[date, Record]] = {}
        self._chains: dict[tuple[str, date], tuple[str, ...]] = {}

    def put_unit(self, record: Record, put_on: date) -> None:
        """One record of a PUT /v1/units, stored on the server's day `put_on`."""
        self._put(self.units.setdefault(record["unit_id"], {}), record, put_on)

    def put_school(self, record: Record, put_on: date) -> None:
        """One record of a PUT /v1/schools, stored on the server's day `put_on`."""
        self._put(self.schools.setdefault(canonical(record["school_code"]), {}), record, put_on)

    def _put(self, versions: dict[date, Record], record: Record, put_on: date) -> None:
        since = record.get("valid_from")
        if since is not None:
            begins = date.fromisoformat(since)
        else:  # absent: the first day on first registration, the server's today afterwards
            begins = put_on if versions else FIRST_DAY
        versions[begins] = record
        self._chains.clear()

    def chain(self, code: str, day: date) -> tuple[str, ...]:
        """The school's own unit, its cluster and that cluster's parents, as all were that day."""
        if (code, day) not in self._chains:
            above: list[str] = []
            unit = in_force(self.schools[code], day).get("unit_id")
            while unit is not None and unit not in above:
                above.append(unit)
                versions = self.units.get(unit)
                unit = in_force(versions, day).get("parent_id") if versions else None
            self._chains[code, day] = (f"school:{code}", *above)
        return self._chains[code, day]

    def belongs(self, code: str, unit: str, day: date) -> bool:
        """Whether the school is the unit, or under it, on the day."""
        if unit.startswith("school:"):
            unit = "school:" + canonical(unit.removeprefix("school:"))
        return unit in self.chain(code, day)

    def directly_under(self, unit: str, day: date) -> tuple[list[str], list[str]]:
        """The units and the school codes directly under a unit on the day."""
        units = [u for u, held in self.units.items() if in_force(held, day)["parent_id"] == unit]
        codes = [c for c, held in self.schools.items() if in_force(held, day)["unit_id"] == unit]
        return units, codes

    def gone(self, unit: str, day: date) -> bool:
        """Whether the unit had ended before the day, and no school was left under it."""
        last = in_force(self.units[unit], day).get("valid_to")
        if last is None or date.fromisoformat(last) >= day:
            return False
        return not any(self.belongs(code, unit, day) for code in self.schools)

    def active(self, code: str, day: date) -> bool:
        """Neither closed nor merged on the day (non-functional is active)."""
        return in_force(self.schools[code], day).get("status") not in ("closed", "merged")

    def gender(self, code: str, day: date) -> str | None:
        """The school's gender on the day: boys, girls, mixed or unknown."""
        return in_force(self.schools[code], day).get("gender")
