"""The register as the fold sees it: where every school belongs, from when (02 §3, §4).

Owns the integers of units, schools and paths, and the segments: for each school the stretches of
days over which its path (unit integers from the cluster up to the root), its being active and its
gender do not change. A Register is a value: a change makes another one, so that a transaction that
fails leaves nothing behind. Storage and transactions are `registry_fold`'s. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.indicators.segments import (
    MAX_DAY,
    MIN_DAY,
    Path,
    SchoolVersion,
    Segment,
    Timeline,
    UnitVersion,
    merge_schools,
    merge_units,
    school_segments,
    unit_timeline,
)

Ints = NDArray[np.int32]
_NONE: Ints = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Ids:
    """Integers already given: an id's place in its sequence. Path 0 is the empty one."""

    units: Sequence[str] = ()
    schools: Sequence[str] = ()
    paths: Sequence[Path] = ((),)


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """All units and schools over all days.

    Segment arrays (`seg_*`) run in order of (school, start): segments of school s are the places
    first[s] .. first[s + 1]; each holds from its start until its `seg_end` (exclusive). A school
    without versions has none.
    """

    units: Mapping[str, tuple[UnitVersion, ...]]
    schools: Mapping[str, tuple[SchoolVersion, ...]]
    unit_ids: tuple[str, ...]
    unit_index: Mapping[str, int]
    school_codes: tuple[str, ...]
    school_index: Mapping[str, int]
    paths: tuple[Path, ...]
    path_index: Mapping[Path, int]
    timelines: Mapping[str, Timeline]
    seg_school: Ints
    seg_start: Ints
    seg_end: Ints
    seg_path: Ints
    seg_active: Ints
    seg_gender: Ints
    first: Ints
    seg_key: NDArray[np.int64]
    path_units: Ints
    levels: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, ids: Ids | None = None) -> "Register":
        """Return a register without versions that keeps the integers given before."""
        ids = ids or Ids()
        paths = tuple(ids.paths) or ((),)
        return cls(
            units={},
            schools={},
            unit_ids=tuple(ids.units),
            unit_index={unit: number for number, unit in enumerate(ids.units)},
            school_codes=tuple(ids.schools),
            school_index={code: number for number, code in enumerate(ids.schools)},
            paths=paths,
            path_index={path: number for number, path in enumerate(paths)},
            timelines={},
            seg_school=_NONE,
            seg_start=_NONE,
            seg_end=_NONE,
            seg_path=_NONE,
            seg_active=_NONE,
            seg_gender=_NONE,
            first=np.zeros(len(ids.schools) + 1, np.int32),
            seg_key=np.zeros(0, np.int64),
            path_units=_path_matrix(paths),
        )

    @classmethod
    def from_versions(
        cls,
        units: Iterable[UnitVersion],
        schools: Iterable[SchoolVersion],
        ids: Ids | None = None,
    ) -> "Register":
        """Build the register of these versions; `ids` keeps integers given before."""
        return cls.empty(ids).patched(units, schools)[0]

    def extended(self, ids: Ids) -> "Register":
        """Take more integers, given by another process, after the ones held here."""
        unit_ids = (*self.unit_ids, *ids.units)
        codes = (*self.school_codes, *ids.schools)
        paths = (*self.paths, *ids.paths)
        last = int(self.first[-1])
        return replace(
            self,
            unit_ids=unit_ids,
            unit_index={unit: number for number, unit in enumerate(unit_ids)},
            school_codes=codes,
            school_index={code: number for number, code in enumerate(codes)},
            paths=paths,
            path_index={path: number for number, path in enumerate(paths)},
            first=np.concatenate((self.first, np.full(len(ids.schools), last, np.int32))),
            path_units=_path_matrix(paths),
        )

    def patched(
        self, units: Iterable[UnitVersion], schools: Iterable[SchoolVersion]
    ) -> tuple["Register", Ints]:
        """Add versions; returns the new register and the schools whose segments differ (sorted).

        New units, schools and paths take the next integers in the order they are met.
        """
        changed_units = merge_units(self.units, units)
        changed_schools = merge_schools(self.schools, schools)
        draft = _Draft(self, changed_units, changed_schools)
        return draft.finish()

    def segment_at(self, schools: Ints, days: Ints) -> NDArray[np.intp]:
        """Return the segment of each (school, day); every school must have one."""
        keys = (schools.astype(np.int64) << 32) + (days.astype(np.int64) - MIN_DAY)
        return np.searchsorted(self.seg_key, keys, side="right") - 1

    def has_segments(self, schools: Ints) -> NDArray[np.bool_]:
        """Tell which of these schools have a version here; integers given later have none."""
        known = self.first.size - 1
        if schools.size and int(schools.max()) >= known:
            inside = schools < known
            inside[inside] = self.has_segments(schools[inside])
            return inside
        return self.first[schools + 1] > self.first[schools]

    def chain(self, school: int, day: int) -> Path:
        """Return the unit integers of a school on a day, from its cluster to the root."""
        begin, end = int(self.first[school]), int(self.first[school + 1])
        if begin == end:
            return ()
        place = begin + int(np.searchsorted(self.seg_start[begin:end], day, side="right")) - 1
        return self.paths[int(self.seg_path[max(place, begin)])]

    def known_schools(self) -> Ints:
        """Return the schools that have a version, sorted."""
        return np.flatnonzero(self.first[1:] > self.first[:-1]).astype(np.int32)

    def schools_under(self, unit: int, day: int, *, active: bool = False) -> Ints:
        """Return the schools that belong to a unit on a day; `active` leaves out closed ones."""
        schools = self.known_schools()
        at = self.segment_at(schools, np.full(schools.size, day, np.int32))
        wanted = self.has_unit(unit)[self.seg_path[at]]
        if active:
            wanted = wanted & (self.seg_active[at] == 1)
        return schools[wanted]

    def has_unit(self, unit: int) -> NDArray[np.bool_]:
        """Tell for every path whether it goes through a unit."""
        return np.asarray((self.path_units == unit).any(axis=1))

    def restated(self, today: int) -> "Register":
        """Return the same segments, each school's with the path it has today.

        Being active and gender stay those of each day (02 §4, small print); a closed school keeps
        the path of its last version.
        """
        schools = self.known_schools()
        path_now = np.zeros(len(self.school_codes), np.int32)
        at = self.segment_at(schools, np.full(schools.size, today, np.int32))
        path_now[schools] = self.seg_path[at]
        return replace(self, seg_path=path_now[self.seg_school])

    def steady(self, unit: int, today: int) -> bool:
        """Tell whether nothing ever entered or left a unit: its restated figures are as it was."""
        inside = self.has_unit(unit)
        now = self.restated(today).seg_path
        return bool((inside[self.seg_path] == inside[now]).all())

    def ids(self) -> Ids:
        """Return the integers given so far."""
        return Ids(self.unit_ids, self.school_codes, self.paths)


def _path_matrix(paths: Sequence[Path]) -> Ints:
    """Lay paths out as rows of unit integers, short ones filled with -1."""
    depth = max((len(path) for path in paths), default=0) or 1
    matrix = np.full((len(paths), depth), -1, np.int32)
    for number, path in enumerate(paths):
        matrix[number, : len(path)] = path
    return matrix


class _Draft:
    """One change of the register under way: new integers, timelines and segments."""

    def __init__(
        self,
        old: Register,
        units: dict[str, tuple[UnitVersion, ...]],
        schools: dict[str, tuple[SchoolVersion, ...]],
    ) -> None:
        self.old = old
        self.units = {**old.units, **units} if units else old.units
        self.schools = {**old.schools, **schools} if schools else old.schools
        self.unit_index = _numbered(old.unit_index, units)
        self.school_index = _numbered(old.school_index, schools)
        self.paths = list(old.paths)
        self.path_index = dict(old.path_index)
        self.timelines = old.timelines
        touched = set(schools)
        if units:
            moved = self._move_units(units)
            touched.update(
                code
                for code, versions in self.schools.items()
                if any(version.unit_id in moved for version in versions)
            )
        self.touched = touched

    def _move_units(self, changed: dict[str, tuple[UnitVersion, ...]]) -> set[str]:
        """Recompute the timelines at and under the changed units; returns those that differ."""
        children: dict[str, set[str]] = {}
        for unit_id, versions in self.units.items():
            for version in versions:
                if version.parent_id is not None:
                    children.setdefault(version.parent_id, set()).add(unit_id)
        reach = list(changed)
        seen = set(reach)
        for unit_id in reach:
            for child in children.get(unit_id, ()):
                if child not in seen:
                    seen.add(child)
                    reach.append(child)
        timelines = dict(self.old.timelines)
        moved = set()
        for unit_id in sorted(reach):
            timeline = unit_timeline(unit_id, self.units, self.unit_index)
            if timelines.get(unit_id) != timeline:
                timelines[unit_id] = timeline
                moved.add(unit_id)
        self.timelines = timelines
        return moved

    def _path(self, path: Path) -> int:
        number = self.path_index.get(path)
        if number is None:
            number = len(self.paths)
            self.path_index[path] = number
            self.paths.append(path)
        return number

    def _segments(self) -> tuple[list[int], list[Segment]]:
        """Make the segments of every touched school, schools in order of their integers."""
        timelines: dict[str, tuple[tuple[int, int], ...]] = {}
        owners: list[int] = []
        segments: list[Segment] = []
        index = self.school_index
        for code in sorted(self.touched, key=index.__getitem__):
            versions = self.schools[code]
            for version in versions:
                unit_id = version.unit_id
                if unit_id is not None and unit_id not in timelines and unit_id in self.timelines:
                    timelines[unit_id] = tuple(
                        (start, self._path(path)) for start, path in self.timelines[unit_id]
                    )
            made = school_segments(versions, timelines)
            owners += [index[code]] * len(made)
            segments += made
        return owners, segments

    def finish(self) -> tuple[Register, Ints]:
        """Return the new register and the schools whose segments differ."""
        old = self.old
        owners, segments = self._segments()
        made = np.array(segments, np.int32).reshape(len(segments), 4)
        owner = np.array(owners, np.int32)
        touched = np.zeros(len(self.school_index), bool)
        touched[[self.school_index[code] for code in self.touched]] = True
        stays = ~touched[old.seg_school]
        school = np.concatenate((old.seg_school[stays], owner))
        order = np.argsort(school, kind="stable")
        school = school[order]

        def joined(held: Ints, column: int) -> Ints:
            return np.concatenate((held[stays], made[:, column]))[order]

        start = joined(old.seg_start, 0)
        end = np.full(start.size, MAX_DAY, np.int32)
        if start.size:
            end[:-1] = np.where(school[1:] == school[:-1], start[1:], MAX_DAY)
        new = Register(
            units=self.units,
            schools=self.schools,
            unit_ids=tuple(self.unit_index),
            unit_index=self.unit_index,
            school_codes=tuple(self.school_index),
            school_index=self.school_index,
            paths=tuple(self.paths),
            path_index=self.path_index,
            timelines=self.timelines,
            seg_school=school,
            seg_start=start,
            seg_end=end,
            seg_path=joined(old.seg_path, 1),
            seg_active=joined(old.seg_active, 2),
            seg_gender=joined(old.seg_gender, 3),
            first=np.searchsorted(school, np.arange(len(self.school_index) + 1)).astype(np.int32),
            seg_key=(school.astype(np.int64) << 32) + (start.astype(np.int64) - MIN_DAY),
            path_units=_path_matrix(self.paths),
            levels={
                self.unit_index[unit_id]: versions[-1].level
                for unit_id, versions in self.units.items()
            },
        )
        return new, differing(old, new, np.flatnonzero(touched).astype(np.int32))


def _numbered(held: Mapping[str, int], met: Iterable[str]) -> Mapping[str, int]:
    """Give the next integers to the keys not held yet."""
    fresh = [key for key in met if key not in held]
    if not fresh:
        return held
    numbered = dict(held)
    for key in fresh:
        numbered[key] = len(numbered)
    return numbered


def differing(old: Register, new: Register, schools: Ints) -> Ints:
    """Keep the schools whose segments are not the same in both registers."""
    if schools.size == 0:
        return schools
    before = np.zeros(schools.size, np.int64)
    held = schools < len(old.school_codes)
    before[held] = old.first[schools[held] + 1] - old.first[schools[held]]
    count = (new.first[schools + 1] - new.first[schools]).astype(np.int64)
    differs = before != count
    same = schools[~differs]
    if same.size:
        at_old = _places(old.first[same], count[~differs])
        at_new = _places(new.first[same], count[~differs])
        unequal = (
            (old.seg_start[at_old] != new.seg_start[at_new])
            | (old.seg_path[at_old] != new.seg_path[at_new])
            | (old.seg_active[at_old] != new.seg_active[at_new])
            | (old.seg_gender[at_old] != new.seg_gender[at_new])
        )
        differs[np.isin(schools, new.seg_school[at_new[unequal]])] = True
    changed: Ints = schools[differs]
    return changed


def _places(first: Ints, count: NDArray[np.int64]) -> NDArray[np.int64]:
    """List first[i], first[i] + 1, … count[i] places for every i."""
    total = int(count.sum())
    before = np.cumsum(count) - count
    places: NDArray[np.int64] = np.repeat(first - before, count) + np.arange(total)
    return places
