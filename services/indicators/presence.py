"""Distinct schools, counted exactly from the records of who was visited when (04 §3).

Owns the joining of presence rows of any paths, quarters and writer slots, and the counting. The
bytes are `cells`' format; fetching them is `read_store`'s. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import PRESENCE
from services.indicators.figures import NEVER
from services.indicators.intervals import Integers
from services.indicators.measures import ANSWERED

_BITS = np.arange(len(ANSWERED), dtype=np.uint64)
_RECORD = PRESENCE.itemsize


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

    def and_also(self, other: "Present") -> "Present":
        """Both together."""
        return Present(
            np.concatenate([self.path, other.path]),
            np.concatenate([self.school, other.school]),
            np.concatenate([self.day, other.day]),
            np.concatenate([self.mask, other.mask]),
            np.concatenate([self.count, other.count]),
        )


def join(paths: Sequence[int], lengths: Sequence[int], data: bytes) -> Present:
    """Read presence rows laid end to end, each of one path and so many bytes.

    What a correction in another writer's slot took back cancels exactly.
    """
    records = np.frombuffer(data, PRESENCE)
    path = np.repeat(np.array(paths, np.int64), np.array(lengths, np.int64) // _RECORD)
    joined = Present(
        path,
        records["school"].astype(np.int64),
        records["day"].astype(np.int64),
        records["mask"].astype(np.uint64),
        records["count"].astype(np.int64),
    )
    # Only a subtraction leaves counts that are not positive; without one, nothing can cancel.
    return joined if bool((joined.count > 0).all()) else _cancelled(joined)


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


def _either(key: Integers, mask: NDArray[np.uint64]) -> tuple[Integers, NDArray[np.uint64]]:
    """The distinct keys in order, and all bits that any record of the key has."""
    if key.size == 0:
        return key, mask
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.bitwise_or.reduceat(mask[order], starts)


def distinct(
    present: Present, groupings: Sequence[Integers], sizes: Sequence[int]
) -> list[Integers]:
    """Distinct schools for each answer: one (rows, ANSWERED) array for each grouping.

    A grouping maps a path to its row (-1: none); `sizes` are the numbers of rows. A school that was
    seen under two paths of one row counts once.
    """
    schools = int(present.school.max()) + 1 if present.school.size else 1
    key, mask = _either(present.path * schools + present.school, present.mask)
    path, school = np.divmod(key, schools)
    counts = []
    for grouping, size in zip(groupings, sizes, strict=True):
        row = grouping[path]
        inside = row >= 0
        found, bits = _either(row[inside] * schools + school[inside], mask[inside])
        counts.append(_by_row(found // schools, bits, size))
    return counts


def _by_row(row: Integers, mask: NDArray[np.uint64], rows: int) -> Integers:
    """How many of the masks of each row have each bit; `row` is in order."""
    counts = np.zeros((rows, _BITS.size), np.int64)
    if row.size:
        bits = ((mask[:, None] >> _BITS) & np.uint64(1)).astype(np.int64)
        starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
        counts[row[starts]] = np.add.reduceat(bits, starts, axis=0)
    return counts


def newest(present: Present, grouping: Integers, size: int) -> Integers:
    """The last day with a counted visit for each row of a grouping of paths; NEVER without one."""
    days = np.full(size, NEVER, np.int64)
    row = grouping[present.path]
    np.maximum.at(days, row[row >= 0], present.day[row >= 0])
    return days


def covered(present: Present, grouping: Integers, size: int) -> tuple[Integers, Integers]:
    """Schools seen and visits made there, for each row of a grouping of *schools* (-1: none)."""
    row = grouping[present.school]
    inside = row >= 0
    visits = np.bincount(row[inside], present.count[inside], size).astype(np.int64)
    seen = np.unique(present.school[inside])
    return np.bincount(grouping[seen], minlength=size).astype(np.int64), visits
