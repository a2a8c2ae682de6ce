"""Pieces: what each visit adds, where and for how long (02 §4, 04 §2).

A flow piece is a counted visit on its day, in the path and with the gender its school had that
day. A stock piece is the groups of a visit that stand over a stretch of days, cut where the
school's segments change and left out where it is not active. Pure and vectorised; summing pieces
over units is `contributions`'.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import STOCKS, Rows
from services.indicators.measures import (
    ENVIRONMENT,
    ENVIRONMENT_BITS,
    ENVIRONMENT_PLACE,
    ENVIRONMENT_PLACES,
    GROUP_COLUMNS,
    GROUPS,
    KNOWN,
    ROOMS_PLACE,
    ROOMS_PLACES,
)
from services.indicators.register import Ints, Register
from services.indicators.visits import Bools, Visits

Places = NDArray[np.intp]
_BITS_OF_A_NUMBER = 62
_BITS = np.array([1 << place for place in range(len(GROUPS))], np.int32)


def _standing_columns() -> Bools:
    """Tell for every mask of groups which stock columns it carries."""
    columns = np.zeros((1 << len(GROUPS), STOCKS), bool)
    for mask in range(1 << len(GROUPS)):
        for place, group in enumerate(GROUPS):
            if mask >> place & 1:
                columns[mask, list(GROUP_COLUMNS[group])] = True
    return columns


_COLUMNS = _standing_columns()


def _copy_by_gender(values: Rows, gender: Ints, source: int, targets: tuple[int, ...]) -> None:
    """Copy the three columns at `source` to those of each row's school gender."""
    for code, target in enumerate(targets):
        at = np.flatnonzero(gender == code)
        if at.size:
            values[at, target : target + 3] = values[at, source : source + 3]


@dataclass(frozen=True, slots=True, eq=False)
class FlowPieces:
    """Counted visits: the row in Visits, its path, gender and day, and the sign of the change."""

    row: Places
    sign: Ints
    path: Ints
    gender: Ints
    day: Ints

    def between(self, first: int, last: int) -> "FlowPieces":
        """Keep what lies on the days from `first` to `last`."""
        at = (self.day >= first) & (self.day <= last)
        if at.all():
            return self
        return FlowPieces(self.row[at], self.sign[at], self.path[at], self.gender[at], self.day[at])

    def values(self, visits: Visits) -> Rows:
        """Return signed flow rows with the columns by school gender filled."""
        values = visits.flow_rows(self.row)
        _copy_by_gender(values, self.gender, ENVIRONMENT_PLACE, ENVIRONMENT_PLACES)
        return values * self.sign[:, None] if (self.sign < 0).any() else values

    def masks(self, visits: Visits) -> NDArray[np.int64]:
        """Return the answer masks with the bit of the environment by school gender."""
        masks = visits.mask[self.row]
        for code, bit in enumerate(ENVIRONMENT_BITS):
            masks[(self.gender == code) & (masks & ENVIRONMENT != 0)] |= bit
        return masks


@dataclass(frozen=True, slots=True, eq=False)
class StockPieces:
    """Standing answers: row, groups (mask), sign, path, gender and the days [start, end)."""

    row: Places
    groups: Ints
    sign: Ints
    path: Ints
    gender: Ints
    start: Ints
    end: Ints

    def values(self, visits: Visits) -> Rows:
        """Return signed stock rows of the piece's groups, rooms by school gender filled."""
        values = visits.stock_rows(self.row) * _COLUMNS[self.groups]
        _copy_by_gender(values, self.gender, ROOMS_PLACE, ROOMS_PLACES)
        return values * self.sign[:, None] if (self.sign < 0).any() else values

    def on(self, day: int) -> "StockPieces":
        """Keep what stands on a day."""
        at = (self.start <= day) & (day < self.end)
        return StockPieces(
            self.row[at],
            self.groups[at],
            self.sign[at],
            self.path[at],
            self.gender[at],
            self.start[at],
            self.end[at],
        )


def flow_pieces(
    visits: Visits, rows: Places, register: Register, sign: Ints | None = None
) -> FlowPieces:
    """Place these rows (counted visits) in the units of their days; unplaced schools drop out."""
    if sign is None:
        sign = np.ones(rows.size, np.int32)
    placed = register.has_segments(visits.school[rows])
    if not placed.all():
        rows, sign = rows[placed], sign[placed]
    day = visits.day[rows]
    at = register.segment_at(visits.school[rows], day)
    return FlowPieces(rows, sign, register.seg_path[at], register.seg_gender[at], day)


def standing_ends(
    visits: Visits, order: Places, counted: Bools, register: Register, look_back: int
) -> Ints:
    """Return for each (row, group) the day its answer ceases; its own day where none stands.

    An answer stands from its day until the school's next counted answer of the group, at most
    `look_back` days; one made while the school was closed stands nowhere, but ends what stood.
    `known` needs no open school on the visit's day: any counted visit makes a school known.
    """
    ends = np.repeat(visits.day[:, None], len(GROUPS), axis=1)
    rows = order[counted[order]]
    if rows.size == 0:
        return ends
    school, day = visits.school[rows], visits.day[rows]
    groups = visits.groups[rows]
    over = day + np.int32(look_back)
    for place, bit in enumerate(_BITS.tolist()):
        at = np.flatnonzero(groups & bit)
        if at.size == 0:
            continue
        limit = over[at]
        after = np.flatnonzero(school[at[1:]] == school[at[:-1]])
        limit[after] = np.minimum(limit[after], day[at[after + 1]])
        ends[rows[at], place] = np.maximum(limit, day[at])
    placed = register.has_segments(school)
    shut = np.zeros(rows.size, bool)
    shut[placed] = register.seg_active[register.segment_at(school[placed], day[placed])] == 0
    if shut.any():
        stands_nowhere = rows[shut]
        keep = ends[stands_nowhere, KNOWN.bit_length() - 1]
        ends[stands_nowhere] = visits.day[stands_nowhere][:, None]
        ends[stands_nowhere, KNOWN.bit_length() - 1] = keep
    return ends


def stock_pieces(
    visits: Visits, begin: Ints, end: Ints, register: Register, sign: int = 1
) -> StockPieces:
    """Cut [begin, end) of each (row, group) by the segments of its school.

    Where end < begin the piece is [end, begin) with the opposite sign: a difference of ends.
    """
    row, group = np.nonzero(begin != end)
    one, other = begin[row, group], end[row, group]
    signs = np.where(other > one, sign, -sign).astype(np.int32)
    pieces = _together(row, signs, np.minimum(one, other), np.maximum(one, other), _BITS[group])
    placed = register.has_segments(visits.school[pieces[0]])
    if not placed.all():
        pieces = _chosen(pieces, placed)
    row, signs, low, high, groups = pieces
    school = visits.school[row]
    first = register.segment_at(school, low)
    count = register.segment_at(school, high - np.int32(1)) - first + 1
    which, segment = np.arange(row.size), first
    if (count > 1).any():
        which = np.repeat(which, count)
        segment = first[which] + np.arange(which.size) - (np.cumsum(count) - count)[which]
    active = register.seg_active[segment] == 1
    if not active.all():
        which, segment = which[active], segment[active]
    return StockPieces(
        row[which],
        groups[which],
        signs[which],
        register.seg_path[segment],
        register.seg_gender[segment],
        np.maximum(low[which], register.seg_start[segment]),
        np.minimum(high[which], register.seg_end[segment]),
    )


Columns = tuple[Places, Ints, Ints, Ints, Ints]


def _chosen(columns: Columns, at: Bools) -> Columns:
    row, sign, low, high, bits = columns
    return row[at], sign[at], low[at], high[at], bits[at]


def _together(row: Places, sign: Ints, low: Ints, high: Ints, bits: Ints) -> Columns:
    """Join the groups of a row that stand over the same days (rows come in order)."""
    if row.size < 2:
        return row, sign, low, high, bits
    order = _in_order(row, sign, low, high)
    row, sign, low, high, bits = row[order], sign[order], low[order], high[order], bits[order]
    first = np.ones(row.size, bool)
    first[1:] = (
        (row[1:] != row[:-1])
        | (sign[1:] != sign[:-1])
        | (low[1:] != low[:-1])
        | (high[1:] != high[:-1])
    )
    starts = np.flatnonzero(first)
    joined = np.bitwise_or.reduceat(bits, starts)
    return row[starts], sign[starts], low[starts], high[starts], joined


def _in_order(row: Places, sign: Ints, low: Ints, high: Ints) -> Places:
    """The places in order of row, sign and days: sorted as one number if they fit into one."""
    begin = int(low.min())
    width = (int(high.max()) - begin).bit_length()
    if int(row.max()).bit_length() + 1 + 2 * width > _BITS_OF_A_NUMBER:
        return np.lexsort((high, low, sign, row))
    key = (row.astype(np.int64) << 1) + (sign > 0)
    for day in (low, high):
        key = (key << width) + (day.astype(np.int64) - begin)
    # Rows come in order: runs that are sorted already are what this sort is made for.
    return np.argsort(key, kind="stable")


def registered_pieces(register: Register, schools: Ints) -> tuple[Ints, Ints, Ints]:
    """Return (path, start, end) of every stretch over which these schools are active."""
    chosen = np.zeros(len(register.school_codes), bool)
    chosen[schools[schools < chosen.size]] = True
    at = np.flatnonzero(chosen[register.seg_school] & (register.seg_active == 1))
    return register.seg_path[at], register.seg_start[at], register.seg_end[at]
