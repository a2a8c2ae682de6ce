"""Who was visited, quarter by quarter, by school and month: what a country's card is counted from.

Owns records of presence joined by school and month, those of single days of the few quarters in
which windows begin or end within a month, and what of both lies in a window. What a record means
and how schools are counted is `presence`'s, keeping quarters between answers is `visited_memory`'s.
Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.indicators import presence
from services.indicators.figures import NEVER
from services.indicators.intervals import Integers
from services.indicators.measures import LEFT_OVER
from services.indicators.presence import Present
from services.indicators.spans import Span, month_begin, month_end
from shared.domain.days import day_number, month_first

_MONTHS = 3
Rows = NDArray[np.void]
ROW = np.dtype([("quarter", ">i4"), ("path", ">i4"), ("slot", ">i4"), ("written", ">u4")])
_SHORT = NDArray[np.int32]
Number = TypeVar("Number", np.int32, np.uint64)
_NEVER = np.int32(NEVER)


@dataclass(frozen=True, slots=True, eq=False)
class Quarter:
    """The visits of a quarter by school: arrays (schools), or (3 months, schools).

    `path`: where the school was visited, -1: nowhere; `mask`: all that it answered; `count`:
    visits; `newest`: the last day of one. `several` holds the schools visited under more than one
    path, with a record for each path and month. `rows` are those it was made from.
    """

    number: int
    rows: Rows
    path: _SHORT
    mask: NDArray[np.uint64]
    count: _SHORT
    newest: _SHORT
    several: Present

    def within(self, first: int, last: int) -> tuple[NDArray[np.uint64], _SHORT, _SHORT]:
        """Masks, counts and newest days of the months that lie between two days."""
        begin = month_days(self.number)
        chosen = slice(
            sum(day < first for day in begin[:_MONTHS]), sum(day - 1 <= last for day in begin[1:])
        )
        if chosen.stop <= chosen.start:
            nothing = np.zeros(self.path.size, np.int32)
            return np.zeros(self.path.size, np.uint64), nothing, nothing + _NEVER
        if chosen.stop - chosen.start == 1:
            at = chosen.start
            return self.mask[at], self.count[at], self.newest[at]
        return (
            np.bitwise_or.reduce(self.mask[chosen], axis=0),
            self.count[chosen].sum(axis=0, dtype=np.int32),
            self.newest[chosen].max(axis=0, initial=_NEVER),
        )


def month_days(quarter: int) -> list[int]:
    """The first days of a quarter's months, and of the month after them."""
    month = quarter * _MONTHS
    return [day_number(month_first(month + place)) for place in range(_MONTHS + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """The visits of a quarter day by day, one array each, in no order; `rows` as in `Quarter`."""

    rows: Rows
    path: _SHORT
    school: _SHORT
    day: _SHORT
    mask: NDArray[np.uint64]
    count: _SHORT

    @classmethod
    def of(cls, rows: Rows, read: Present) -> "Days":
        """Those of a read, in half the memory."""
        short = (read.path, read.school, read.day)
        path, school, day = (values.astype(np.int32) for values in short)
        return cls(rows, path, school, day, read.mask, read.count.astype(np.int32))

    def where(self, chosen: NDArray[np.bool_]) -> Present:
        """The visits for which `chosen` is true."""
        return Present(
            self.path[chosen].astype(np.int64),
            self.school[chosen].astype(np.int64),
            self.day[chosen].astype(np.int64),
            self.mask[chosen],
            self.count[chosen].astype(np.int64),
        )

    def renewed(self, rows: Rows, paths: Integers, read: Present) -> "Days":
        """With what was read now of these paths in the place of what was there."""
        kept = self.where(~np.isin(self.path, paths))
        return Days.of(rows, kept.and_also(read.where(np.isin(read.path, paths))))


@dataclass(frozen=True, slots=True, eq=False)
class Visited:
    """The visits of some windows, as `Present` to those who count.

    `days` are given of the quarters in which one of the windows begins or ends within a month;
    `paths`: where each school's visits are counted, instead of where they were made.
    """

    quarters: tuple[Quarter, ...]
    days: tuple[Days, ...] = ()
    paths: Integers | None = None

    def marked(self, _: Sequence[str]) -> "Visited":
        """The same: every derived answer is marked in what is kept."""
        return self

    def placed(self, paths: Integers) -> "Visited":
        """The same visits, each under the path that `paths` gives its school."""
        return replace(self, paths=paths)

    def without(self, numbers: Sequence[int]) -> "Visited":
        """The same without the quarters of these numbers."""
        return replace(
            self,
            quarters=tuple(each for each in self.quarters if each.number not in numbers),
            days=tuple(
                each for each in self.days if not np.isin(each.rows["quarter"], numbers).any()
            ),
        )

    def between(self, first: int, last: int) -> Present:
        """One record of each path and school (the last visit's day) of whole months, and days."""
        size = max((each.path.size for each in self.quarters), default=0)
        path = np.full(size, -1, np.int32)
        mask, count = np.zeros(size, np.uint64), np.zeros(size, np.int32)
        newest = np.full(size, _NEVER, np.int32)
        parts: list[Present] = []
        for quarter in self.quarters:
            days = month_days(quarter.number)
            if days[-1] <= first or days[0] > last:
                continue
            bits, visits, day = quarter.within(first, last)
            here = slice(0, quarter.path.size)
            own = np.where(visits > 0, quarter.path, -1)
            moved = (own >= 0) & (path[here] >= 0) & (own != path[here])
            if moved.any():
                at = np.flatnonzero(moved)
                parts.append(_present(own, bits, visits, day, at))
                own = np.where(moved, -1, own)
                visits = np.where(moved, 0, visits)
                bits = np.where(moved, np.uint64(0), bits)
                day = np.where(moved, _NEVER, day)
            np.maximum(path[here], own, out=path[here])
            mask[here] |= bits
            count[here] += visits
            np.maximum(newest[here], day, out=newest[here])
            if quarter.several.path.size:
                parts += [quarter.several.between(*run) for run in _whole_months(first, last)]
        parts.insert(0, _present(path, mask, count, newest, np.flatnonzero(path >= 0)))
        for run in Span(first, last, last).edges:
            for each in self.days:
                single = each.where((each.day >= run[0]) & (each.day <= run[1]))
                parts.append(single.marked(tuple(LEFT_OVER)))
        found = presence.together(parts)
        return found if self.paths is None else found.placed(self.paths)


def _present(
    path: _SHORT, mask: NDArray[np.uint64], count: _SHORT, newest: _SHORT, at: NDArray[np.intp]
) -> Present:
    return Present(
        path[at].astype(np.int64),
        at.astype(np.int64),
        newest[at].astype(np.int64),
        mask[at],
        count[at].astype(np.int64),
    )


def _whole_months(first: int, last: int) -> list[tuple[int, int]]:
    """The days of the whole months between two days, as one run, if there are any."""
    months = Span(first, last, last).whole_months
    return [] if months is None else [(month_begin(months[0]), month_end(months[1]))]


def empty(number: int) -> Quarter:
    """A quarter of which nothing was read yet."""
    none = np.zeros(0, np.int32)
    wide = np.zeros((_MONTHS, 0), np.int32)
    return Quarter(
        number,
        np.zeros(0, ROW),
        none,
        np.zeros((_MONTHS, 0), np.uint64),
        wide,
        wide,
        presence.join([], [], b""),
    )


def exchanged(held: Quarter, rows: Rows, paths: Integers, read: Present, schools: int) -> Quarter:
    """Take out what was recorded under these paths and put in what is recorded now."""
    read = read.where(np.isin(read.path, paths))
    fresh = _by_month(held.number, read.marked(tuple(LEFT_OVER)))
    size = max(schools, held.path.size, int(fresh.school.max(initial=-1)) + 1)
    path = _longer(held.path, size, -1)
    mask, count = _longer(held.mask, size, 0), _longer(held.count, size, 0)
    newest = _longer(held.newest, size, _NEVER)
    gone = np.flatnonzero(np.isin(path, paths))
    path[gone], mask[:, gone], count[:, gone] = -1, 0, 0
    newest[:, gone] = _NEVER
    several = held.several.where(~np.isin(held.several.path, paths))
    # A school under one path only stands in the arrays; one under several nowhere but beside them.
    pairs = np.unique(np.stack((fresh.school, fresh.path)), axis=1)
    twice = np.bincount(pairs[0], minlength=size) > 1
    twice[several.school] = True
    twice |= (path >= 0) & (np.bincount(pairs[0], minlength=size) > 0)
    out = np.flatnonzero(twice & (path >= 0))
    beside = twice[fresh.school]
    parts = [several, fresh.where(beside)]
    for place in range(_MONTHS):
        at = out[count[place, out] > 0]
        parts.append(_present(path, mask[place], count[place], newest[place], at))
    path[out], mask[:, out], count[:, out] = -1, 0, 0
    newest[:, out] = _NEVER
    own = fresh.where(~beside)
    month = np.searchsorted(month_days(held.number)[1:_MONTHS], own.day, side="right")
    path[own.school] = own.path
    mask[month, own.school], count[month, own.school] = own.mask, own.count
    newest[month, own.school] = own.day
    return Quarter(held.number, rows, path, mask, count, newest, presence.together(parts))


def _longer(values: NDArray[Number], size: int, fill: int | np.int32) -> NDArray[Number]:
    """A copy with room for `size` schools."""
    made = np.full((*values.shape[:-1], size), fill, values.dtype)
    made[..., : values.shape[-1]] = values
    return made


def _by_month(quarter: int, read: Present) -> Present:
    """One record of each path, school and month: all that was answered, the last visit's day."""
    if read.path.size == 0:
        return read
    month = np.searchsorted(month_days(quarter)[1:_MONTHS], read.day, side="right")
    order = np.lexsort((month, read.school, read.path))
    path, school, month = read.path[order], read.school[order], month[order]
    new = np.ones(order.size, np.bool_)
    new[1:] = (path[1:] != path[:-1]) | (school[1:] != school[:-1]) | (month[1:] != month[:-1])
    starts = np.flatnonzero(new)
    return Present(
        path[starts],
        school[starts],
        np.maximum.reduceat(read.day[order], starts),
        np.bitwise_or.reduceat(read.mask[order], starts),
        np.add.reduceat(read.count[order], starts),
    )
