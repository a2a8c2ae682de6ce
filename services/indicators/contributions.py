"""What schools add to the cells of every unit above them, and how that changes (04 §2).

The one definition: `whole` gives everything some schools add under a register; `difference` gives
whole(after) - whole(before) without computing what stays. Flows fall on their days; a stock piece
is +x on the day it begins to stand and -x on the day it ceases. Owns the summing over units, days
and months; which visits count and what stands is `visits`' and `pieces`'. Pure and vectorised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import (
    FLOWS,
    PRESENCE,
    STOCKS,
    Presence,
    Rows,
    months_of,
    quarter_of,
)
from services.indicators.measures import S
from services.indicators.pieces import (
    FlowPieces,
    StockPieces,
    flow_pieces,
    registered_pieces,
    standing_ends,
    stock_pieces,
)
from services.indicators.register import Ints, Register
from services.indicators.segments import MAX_DAY, MIN_DAY
from services.indicators.visits import Bools, Visits

_REGISTERED = S["registered"]
_MANY_ROWS = 1_000
_EXACT = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of measures by (unit, when), sorted by unit, then when; when = day or month."""

    unit: Ints
    when: Ints
    values: Rows

    def by_month(self) -> "Sums":
        """Sum days into months; equal months of a unit are neighbours already."""
        if self.unit.size == 0:
            return self
        month = months_of(self.when)
        first = np.ones(month.size, bool)
        first[1:] = (month[1:] != month[:-1]) | (self.unit[1:] != self.unit[:-1])
        starts = np.flatnonzero(first)
        values = _sum_runs(self.values, np.arange(month.size), starts)
        return _without_zeros(self.unit[starts], month[starts], values)


@dataclass(frozen=True, slots=True, eq=False)
class PresenceChange:
    """Presence records with the path and quarter of each, sorted by (path, quarter)."""

    path: Ints
    quarter: Ints
    records: Presence


@dataclass(frozen=True, slots=True, eq=False)
class Deltas:
    """What is to be added to day cells, month cells and presence; paths touched and their days."""

    flow: Sums
    stock: Sums
    presence: PresenceChange
    touched_path: Ints
    touched_day: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Values that fall on a day in every unit of a path, not yet summed."""

    path: Ints
    day: Ints
    values: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of one state or of a difference of two under one register."""

    flow: FlowPieces
    stock: StockPieces


def whole_pieces(visits: Visits, register: Register, look_back: int, sign: int = 1) -> Pieces:
    """Return everything these visits add; they must be all visits of their schools."""
    counted = visits.counted()
    ends = standing_ends(visits, visits.order(), counted, register, look_back)
    begin = np.repeat(visits.day[:, None], ends.shape[1], axis=1)
    rows = np.flatnonzero(counted)
    return Pieces(
        flow_pieces(visits, rows, register, np.full(rows.size, sign, np.int32)),
        stock_pieces(visits, begin, ends, register, sign),
    )


def changed_pieces(
    visits: Visits, before: Bools, after: Bools, register: Register, look_back: int
) -> Pieces:
    """Return what is added when the `after` rows stand in the place of the `before` rows."""
    order = visits.order()
    counted_before, counted_after = visits.counted(before), visits.counted(after)
    change = counted_after.astype(np.int32) - counted_before
    rows = np.flatnonzero(change)
    ends_before = standing_ends(visits, order, counted_before, register, look_back)
    ends_after = standing_ends(visits, order, counted_after, register, look_back)
    return Pieces(
        flow_pieces(visits, rows, register, change[rows]),
        stock_pieces(visits, ends_before, ends_after, register),
    )


def difference(
    visits: Visits, before: Bools, after: Bools, register: Register, look_back: int
) -> Deltas:
    """Return the change of all cells when visits change under one register.

    `visits` holds, of every touched school, all visits or a slice that is enough (`slices`), and
    of a corrected visit both revisions; `before` and `after` say which rows exist when.
    """
    pieces = changed_pieces(visits, before, after, register, look_back)
    return _deltas([(visits, pieces)], [], register.path_units)


def refold(visits: Visits, old: Register, new: Register, schools: Ints, look_back: int) -> Deltas:
    """Return the change of all cells when the register of `schools` changes.

    `visits` are all visits of these schools; a school that `old` does not know added nothing.
    """
    parts = [
        (visits, whole_pieces(visits, old, look_back, -1)),
        (visits, whole_pieces(visits, new, look_back)),
    ]
    registered = [registered_entries(old, schools, -1), registered_entries(new, schools, 1)]
    return _deltas(parts, registered, new.path_units)


def whole(visits: Visits, register: Register, schools: Ints, look_back: int) -> Deltas:
    """Return everything that `schools` add: all their visits and their being registered."""
    return _deltas(
        [(visits, whole_pieces(visits, register, look_back))],
        [registered_entries(register, schools, 1)],
        register.path_units,
    )


def registered_entries(register: Register, schools: Ints, sign: int) -> Entries:
    """Return ±1 of `registered` on the days these schools become active and cease to be."""
    path, start, end = registered_pieces(register, schools)
    ceasing = np.flatnonzero(end < MAX_DAY)
    values = np.zeros((path.size + ceasing.size, STOCKS), np.int64)
    values[: path.size, _REGISTERED] = sign
    values[path.size :, _REGISTERED] = -sign
    return Entries(
        np.concatenate((path, path[ceasing])), np.concatenate((start, end[ceasing])), values
    )


def _deltas(
    parts: Sequence[tuple[Visits, Pieces]], registered: Sequence[Entries], path_units: Ints
) -> Deltas:
    flows = []
    stocks = list(registered)
    for visits, pieces in parts:
        flow, stock = pieces.flow, pieces.stock
        flows.append(Entries(flow.path, flow.day, flow.values(visits)))
        values = stock.values(visits)
        stocks.append(Entries(stock.path, stock.start, values))
        stocks.append(Entries(stock.path, stock.end, -values))
    flow_entries, stock_entries = _joined(flows, FLOWS), _joined(stocks, STOCKS)
    return Deltas(
        summed(flow_entries, path_units),
        summed(stock_entries, path_units),
        _presence([(visits, pieces.flow) for visits, pieces in parts]),
        np.concatenate((flow_entries.path, stock_entries.path)),
        np.concatenate((flow_entries.day, stock_entries.day)),
    )


def _joined(entries: Sequence[Entries], width: int) -> Entries:
    if len(entries) == 1:
        return entries[0]
    if not entries:
        none = np.zeros(0, np.int32)
        return Entries(none, none, np.zeros((0, width), np.int64))
    return Entries(
        np.concatenate([entry.path for entry in entries]),
        np.concatenate([entry.day for entry in entries]),
        np.concatenate([entry.values for entry in entries]),
    )


def summed(entries: Entries, path_units: Ints) -> Sums:
    """Sum entries over every unit of their paths; rows of zeros vanish."""
    units = path_units[entries.path]
    row, level = np.nonzero(units >= 0)
    unit = units[row, level]
    key = (unit.astype(np.int64) << 32) + (entries.day[row].astype(np.int64) - MIN_DAY)
    order = np.argsort(key)
    key = key[order]
    starts = _starts(key)
    if starts.size == 0:
        return Sums(unit, unit, np.zeros((0, entries.values.shape[1]), np.int64))
    values = _sum_runs(entries.values, row[order], starts)
    key = key[starts]
    when = ((key & 0xFFFFFFFF) + MIN_DAY).astype(np.int32)
    return _without_zeros((key >> 32).astype(np.int32), when, values)


def merged(parts: Sequence[Sums]) -> Sums:
    """Add sums together; rows of zeros vanish."""
    unit = np.concatenate([part.unit for part in parts])
    when = np.concatenate([part.when for part in parts])
    values = np.concatenate([part.values for part in parts])
    key = (unit.astype(np.int64) << 32) + (when.astype(np.int64) - MIN_DAY)
    order = np.argsort(key)
    starts = _starts(key[order])
    if starts.size == 0:
        return Sums(unit, when, values)
    first = order[starts]
    return _without_zeros(unit[first], when[first], np.add.reduceat(values[order], starts, axis=0))


def _sum_runs(values: Rows, rows: NDArray[np.intp], starts: NDArray[np.intp]) -> Rows:
    """Sum the rows of each run; runs of `rows` begin at `starts`."""
    largest = int(np.abs(values).max(initial=0))
    if rows.size < _MANY_ROWS or largest * rows.size >= _EXACT:
        return np.add.reduceat(values[rows], starts, axis=0)
    # Column by column: a tenth of the memory is touched, and doubles hold these sums exactly.
    run = np.zeros(rows.size, np.intp)
    run[starts[1:]] = 1
    run = np.cumsum(run)
    columns = np.ascontiguousarray(values.T, np.float64)
    total = np.zeros((starts.size, values.shape[1]), np.int64)
    for place in np.flatnonzero(columns.any(axis=1)).tolist():
        total[:, place] = np.bincount(run, columns[place][rows], starts.size)
    return total


def _starts(key: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where runs of equal keys begin."""
    first = np.ones(key.size, bool)
    first[1:] = key[1:] != key[:-1]
    return np.flatnonzero(first)


def _without_zeros(unit: Ints, when: Ints, values: Rows) -> Sums:
    kept = values.any(axis=1)
    if kept.all():
        return Sums(unit, when, values)
    return Sums(unit[kept], when[kept], values[kept])


def _presence(parts: Sequence[tuple[Visits, FlowPieces]]) -> PresenceChange:
    """Return the presence records of flow pieces; what cancels is left to the sum."""
    path = np.concatenate([pieces.path for _, pieces in parts])
    records = np.zeros(path.size, PRESENCE)
    records["day"] = np.concatenate([pieces.day for _, pieces in parts])
    records["school"] = np.concatenate([visits.school[pieces.row] for visits, pieces in parts])
    records["mask"] = np.concatenate([pieces.masks(visits) for visits, pieces in parts])
    records["count"] = np.concatenate([pieces.sign for _, pieces in parts])
    quarter = quarter_of(records["day"])
    key = (path.astype(np.int64) << 32) + quarter
    order = np.argsort(key)
    return PresenceChange(path[order], quarter[order], records[order])
