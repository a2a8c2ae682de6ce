"""Versions of units and schools, and the stretches of days they make (02 §3).

Owns the reading of dated versions: each holds until the next of the same id, the first also
serves all days before it, of equal (id, valid_from) the greatest recorded version holds. Turns
them into timelines of units (the chain up to the root, from when) and segments of schools. Keeps
nothing; `register` holds the results. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.indicators.measures import GENDERS, UNKNOWN_GENDER

MIN_DAY = -100_000
"""The first day of every first segment: "since ever"."""
MAX_DAY = 3_000_000
"""The day after the last: no date of the calendar reaches it."""
INACTIVE = frozenset(("closed", "merged"))
_GENDER = {gender: code for code, gender in enumerate(GENDERS)}


class UnitVersion(NamedTuple):
    """A unit from `valid_from` (day number) on; `version` is the register's counter."""

    unit_id: str
    valid_from: int
    parent_id: str | None
    level: str
    version: int


class SchoolVersion(NamedTuple):
    """A school from `valid_from` (day number) on; `code` is canonical, `unit_id` its cluster."""

    code: str
    valid_from: int
    unit_id: str | None
    gender: str | None
    status: str
    version: int


class Segment(NamedTuple):
    """From `start` until the next segment: path, 1 when active, gender code."""

    start: int
    path: int
    active: int
    gender: int


Path = tuple[int, ...]
Timeline = tuple[tuple[int, Path], ...]
"""(start day, chain of unit integers from the unit itself up to the root), first at MIN_DAY."""


def merge_units(
    known: Mapping[str, tuple[UnitVersion, ...]], new: Iterable[UnitVersion]
) -> dict[str, tuple[UnitVersion, ...]]:
    """Return the changed units only, each with its versions in order of valid_from."""
    changed: dict[str, dict[int, UnitVersion]] = {}
    for version in new:
        days = changed.get(version.unit_id)
        if days is None:
            days = {v.valid_from: v for v in known.get(version.unit_id, ())}
            changed[version.unit_id] = days
        held = days.get(version.valid_from)
        if held is None or version.version > held.version:
            days[version.valid_from] = version
    return {key: tuple(days[day] for day in sorted(days)) for key, days in changed.items()}


def merge_schools(
    known: Mapping[str, tuple[SchoolVersion, ...]], new: Iterable[SchoolVersion]
) -> dict[str, tuple[SchoolVersion, ...]]:
    """Return the changed schools only, each with its versions in order of valid_from."""
    changed: dict[str, dict[int, SchoolVersion]] = {}
    for version in new:
        days = changed.get(version.code)
        if days is None:
            days = {v.valid_from: v for v in known.get(version.code, ())}
            changed[version.code] = days
        held = days.get(version.valid_from)
        if held is None or version.version > held.version:
            days[version.valid_from] = version
    return {
        key: tuple(days.values()) if len(days) == 1 else tuple(days[day] for day in sorted(days))
        for key, days in changed.items()
    }


def unit_timeline(
    unit_id: str, units: Mapping[str, tuple[UnitVersion, ...]], index: Mapping[str, int]
) -> Timeline:
    """Return the chain of a unit over time; it ends at the first parent that is not known.

    The chain is walked day by day of change, not by recursion: two units may each have been the
    other's parent, at different times. A loop on one day is cut where it closes.
    """
    ancestors = [unit_id]
    seen = {unit_id}
    days = {MIN_DAY}
    for ancestor in ancestors:
        versions = units.get(ancestor, ())
        days.update(version.valid_from for version in versions[1:])
        for version in versions:
            parent = version.parent_id
            if parent is not None and parent not in seen:
                seen.add(parent)
                ancestors.append(parent)
    timeline: list[tuple[int, Path]] = []
    for day in sorted(days):
        path = _chain(unit_id, day, units, index)
        if not timeline or timeline[-1][1] != path:
            timeline.append((day, path))
    return tuple(timeline)


def _chain(
    unit_id: str, day: int, units: Mapping[str, tuple[UnitVersion, ...]], index: Mapping[str, int]
) -> Path:
    chain: list[int] = []
    here: str | None = unit_id
    while here is not None:
        versions = units.get(here)
        if versions is None:
            break
        number = index[here]
        if number in chain:
            break
        chain.append(number)
        version = versions[0]
        if len(versions) > 1:
            place = bisect_right(versions, day, key=lambda held: held.valid_from)
            version = versions[max(place - 1, 0)]
        here = version.parent_id
    return tuple(chain)


def school_segments(
    versions: tuple[SchoolVersion, ...],
    timelines: Mapping[str, tuple[tuple[int, int], ...]],
) -> list[Segment]:
    """Return a school's segments; `timelines` gives (start, path integer) of each cluster.

    A school of an unknown cluster has the empty path, integer 0.
    """
    segments: list[Segment] = []
    last = len(versions) - 1
    for place, version in enumerate(versions):
        begin = MIN_DAY if place == 0 else version.valid_from
        end = MAX_DAY if place == last else versions[place + 1].valid_from
        active = 0 if version.status in INACTIVE else 1
        gender = _GENDER.get(version.gender or "", UNKNOWN_GENDER)
        timeline = timelines.get(version.unit_id or "", _NOWHERE)
        for number, (since, path) in enumerate(timeline):
            until = timeline[number + 1][0] if number + 1 < len(timeline) else MAX_DAY
            if until <= begin or since >= end:
                continue
            start = max(since, begin)
            if segments and segments[-1][1:] == (path, active, gender):
                continue
            segments.append(Segment(start, path, active, gender))
    return segments


_NOWHERE = ((MIN_DAY, 0),)
