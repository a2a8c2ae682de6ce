"""Distinct schools, counted exactly from the records of who was visited when (04 §3).

Owns the joining of presence rows of any paths, quarters and writer slots, and the counting. The
bytes are `cells`' format; fetching them is `read_store`'s. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import PRESENCE
from services.indicators.figures import NEVER
from services.indicators.intervals import Integers
from services.indicators.measures import LEFT_OVER, SEEN

_WIDTH = len(SEEN)
_RECORD = PRESENCE.itemsize


class Presence(Protocol):
    """Counted visits from which the schools of any window can be counted."""

    def marked(self, names: Sequence[str]) -> "Presence":
        """The same with a bit in the mask for each derived answer named."""

    def between(self, first: int, last: int) -> "Present":
        """The visits of a window."""

    def placed(self, paths: Integers) -> "Presence":
        """The same visits, each under the path that `paths` gives its school."""


@dataclass(frozen=True, slots=True)
class Present:
    """Counted visits: `count` (> 0) visits to `school` on `day` under `path` answering `mask`."""

    path: Integers
    school: Integers
    day: Integers
    mask: NDArray[np.uint64]
    count: Integers

    def between(self, first: int, last: int) -> "Present":
        """The visits on the days from `first` to `last`."""
        return self.where((self.day >= first) & (self.day <= last))

    def where(self, chosen: NDArray[np.bool_]) -> "Present":
        """The visits for which `chosen` is true."""
        if bool(chosen.all()):
            return self
        return Present(
            self.path[chosen],
            self.school[chosen],
            self.day[chosen],
            self.mask[chosen],
            self.count[chosen],
        )

    def marked(self, names: Sequence[str]) -> "Present":
        """The same with a bit in the mask for each derived answer named: what no word holds."""
        if not names:
            return self
        mask = self.mask.copy()
        for name in names:
            first, others = LEFT_OVER[name]
            left = (self.mask & np.uint64(first | others)) == np.uint64(first)
            mask[left] |= np.uint64(1 << SEEN.index(name))
        return replace(self, mask=mask)

    def placed(self, paths: Integers) -> "Present":
        """The same visits, each under the path that `paths` gives its school."""
        return replace(self, path=paths[self.school])

    def and_also(self, other: "Present") -> "Present":
        """Both together."""
        return Present(
            np.concatenate([self.path, other.path]),
            np.concatenate([self.school, other.school]),
            np.concatenate([self.day, other.day]),
            np.concatenate([self.mask, other.mask]),
            np.concatenate([self.count, other.count]),
        )


def join(
    paths: Sequence[int] | Integers, lengths: Sequence[int] | Integers, data: bytes
) -> Present:
    """Read presence rows laid end to end, each of one path and so many bytes.

    What a correction in another writer's slot took back cancels exactly.
    """
    records = np.frombuffer(data, PRESENCE)
    row, count = np.asarray(paths, np.int64), np.asarray(lengths, np.int64) // _RECORD
    if bool((row[1:] < row[:-1]).any()):
        # Paths in order make the counting faster, and ordering whole rows is cheap.
        order = np.argsort(row, kind="stable")
        begin = (np.cumsum(count) - count)[order]
        row, count = row[order], count[order]
        within = np.repeat(begin - (np.cumsum(count) - count), count)
        records = records[within + np.arange(records.size)]
    path = np.repeat(row, count)
    joined = Present(
        path,
        records["school"].astype(np.int64),
        records["day"].astype(np.int64),
        records["mask"].astype(np.uint64),
        records["count"].astype(np.int64),
    )
    # Only a subtraction leaves counts that are not positive; without one, nothing can cancel.
    return joined if bool((joined.count > 0).all()) else _cancelled(joined)


def together(parts: Sequence[Present]) -> Present:
    """Several together."""
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, np.int64)
    held = [Present(none, none, none, np.zeros(0, np.uint64), none), *parts]
    return Present(
        np.concatenate([part.path for part in held]),
        np.concatenate([part.school for part in held]),
        np.concatenate([part.day for part in held]),
        np.concatenate([part.mask for part in held]),
        np.concatenate([part.count for part in held]),
    )


def _cancelled(joined: Present) -> Present:
    order = np.lexsort((joined.mask, joined.day, joined.school, joined.path))
    path, school = joined.path[order], joined.school[order]
    day, mask = joined.day[order], joined.mask[order]
    new = np.ones(order.size, np.bool_)
    new[1:] = (
        (path[1:] != path[:-1])
        | (school[1:] != school[:-1])
        | (day[1:] != day[:-1])
        | (mask[1:] != mask[:-1])
    )
    starts = np.flatnonzero(new)
    count = np.add.reduceat(joined.count[order], starts)
    summed = Present(path[starts], school[starts], day[starts], mask[starts], count)
    return summed.where(count > 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window's visits amount to, once for all groupings of paths and schools.

    `count` (paths, SEEN): distinct schools of each path that were seen under no other path;
    `path`, `school`, `mask`: one entry for each path of the few schools that were seen under
    several, with everything they answered there; `newest`: the last day of a visit under each path,
    or NEVER; `visits`: visits to each school; `squares` (paths): the squared numbers of visits of
    the schools in `count`, added up; `times`: the visits of each entry of `path` and `school`.
    """

    count: Integers
    path: Integers
    school: Integers
    mask: NDArray[np.uint64]
    newest: Integers
    visits: Integers
    squares: Integers
    times: Integers


def seen(present: Present, paths: int, schools: int) -> Seen:
    """Count the visits of one window; `paths` and `schools` are how many there are."""
    key, mask = _either(present.path * schools + present.school, present.mask)
    path, school = np.divmod(key, schools)
    elsewhere = (np.bincount(school, minlength=schools) > 1)[school]
    newest = np.full(paths, NEVER, np.int64)
    np.maximum.at(newest, present.path, present.day)
    visits = np.bincount(present.school, present.count, schools).astype(np.int64)
    squares = np.bincount(path[~elsewhere], visits[school[~elsewhere]] ** 2, paths)
    return Seen(
        count=_by_row(path[~elsewhere], mask[~elsewhere], paths),
        path=path[elsewhere],
        school=school[elsewhere],
        mask=mask[elsewhere],
        newest=newest,
        visits=visits,
        squares=squares.astype(np.int64),
        times=_times(present, key[elsewhere], schools),
    )


def _times(present: Present, wanted: Integers, schools: int) -> Integers:
    """How many visits were made under each of these keys (path and school), which are in order.

    All keys of a school are wanted or none.
    """
    if wanted.size == 0:
        return wanted
    several = np.zeros(schools, np.bool_)
    several[wanted % schools] = True
    some = several[present.school]
    place = np.searchsorted(wanted, present.path[some] * schools + present.school[some])
    return np.bincount(place, present.count[some], wanted.size).astype(np.int64)


def _either(key: Integers, mask: NDArray[np.uint64]) -> tuple[Integers, NDArray[np.uint64]]:
    """The distinct keys in order, and all bits that any record of the key has."""
    if key.size == 0:
        return key, mask
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = _starts(ordered)
    return ordered[starts], np.bitwise_or.reduceat(mask[order], starts)


def _starts(ordered: Integers) -> NDArray[np.intp]:
    """Where each run of equal values begins."""
    new = np.ones(ordered.size, np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(new)


_LANES = 4
_LANE_BITS = 16


def _spread() -> NDArray[np.uint64]:
    """Of every half byte a word in which each of its bits has a lane of its own."""
    words = np.zeros(1 << _LANES, np.uint64)
    for half in range(1 << _LANES):
        words[half] = sum(((half >> bit) & 1) << (bit * _LANE_BITS) for bit in range(_LANES))
    return words


_SPREAD = _spread()


def _by_row(row: Integers, mask: NDArray[np.uint64], rows: int) -> Integers:
    """How many of the masks of each row have each bit; `row` is in order."""
    counts = np.zeros((rows, _WIDTH), np.int64)
    if row.size == 0:
        return counts
    starts = _starts(row)
    if int(np.diff(starts, append=row.size).max()) >= 1 << _LANE_BITS:
        octets = mask.astype("<u8").view(np.uint8).reshape(-1, 8)
        bits = np.unpackbits(octets, axis=1, bitorder="little", count=_WIDTH)
        counts[row[starts]] = np.add.reduceat(bits, starts, axis=0, dtype=np.int64)
        return counts
    # Four bits at a time, each counted in sixteen bits of one word: a tenth of the additions.
    found = np.zeros((starts.size, _WIDTH), np.int64)
    for first in range(0, _WIDTH, _LANES):
        half = (mask >> np.uint64(first)).astype(np.uint8) & np.uint8((1 << _LANES) - 1)
        sums = np.add.reduceat(_SPREAD[half], starts)
        for place in range(first, min(first + _LANES, _WIDTH)):
            shift = np.uint64((place - first) * _LANE_BITS)
            found[:, place] = (sums >> shift) & np.uint64((1 << _LANE_BITS) - 1)
    counts[row[starts]] = found
    return counts


def distinct(found: Seen, grouping: Integers, size: int) -> Integers:
    """Distinct schools of each answer in each row of a grouping of paths; (size, SEEN).

    A grouping maps a path to its row (-1: none). A school that was seen under two paths of one row
    counts once.
    """
    counts = np.zeros((size + 1, _WIDTH), np.int64)
    np.add.at(counts, grouping, found.count)
    row = grouping[found.path]
    inside = row >= 0
    if bool(inside.any()):
        schools = found.visits.size
        key, mask = _either(row[inside] * schools + found.school[inside], found.mask[inside])
        counts[:size] += _by_row(key // schools, mask, size)
    return counts[:size]


def repeats(found: Seen, grouping: Integers, size: int) -> Integers:
    """The squared number of visits of each distinct school, added up in each row of a grouping.

    With the visits and the schools of a row it says how unevenly they were spread (04 §6).
    """
    totals = np.zeros(size + 1, np.int64)
    np.add.at(totals, grouping, found.squares)
    row = grouping[found.path]
    inside = row >= 0
    if bool(inside.any()):
        schools = found.visits.size
        key, place = np.unique(row[inside] * schools + found.school[inside], return_inverse=True)
        times = np.bincount(place, found.times[inside], key.size).astype(np.int64)
        np.add.at(totals, key // schools, times**2)
    return totals[:size]


def newest(found: Seen, grouping: Integers, size: int) -> Integers:
    """The last day with a counted visit in each row of a grouping of paths; NEVER without one."""
    days = np.full(size + 1, NEVER, np.int64)
    np.maximum.at(days, grouping, found.newest)
    return days[:size]


def covered(found: Seen, grouping: Integers, size: int) -> tuple[Integers, Integers]:
    """Schools seen and visits made there, for each row of a grouping of *schools* (-1: none)."""
    # Row -1 is the last place, which nobody asks for.
    row = np.where(grouping < 0, size, grouping)
    visits = np.bincount(row, found.visits, size + 1)[:size].astype(np.int64)
    return np.bincount(row[found.visits > 0], minlength=size + 1)[:size].astype(np.int64), visits
