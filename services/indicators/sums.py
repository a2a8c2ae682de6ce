"""From fetched rows to the sums that figures are made of, for many units and windows at once.

Owns the reductions: cells by unit and window, visits by the pieces they make, schools by where they
belong on D. Fetching is `read_store`'s, placing visits is `pieces`', ratios are `figures`'. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.indicators import presence
from services.indicators.cells import FLOWS, STOCKS
from services.indicators.expressions import vector
from services.indicators.figures import NEVER, Sums
from services.indicators.intervals import Integers
from services.indicators.measures import (
    DERIVED,
    LEFT_OVER,
    SEEN,
    UNKNOWN_GENDER,
    S,
)
from services.indicators.pieces import FlowPieces, StockPieces
from services.indicators.presence import Presence, Present
from services.indicators.register import Register
from services.indicators.spans import Span
from services.indicators.visits import Visits


@dataclass(frozen=True, slots=True)
class CellRows:
    """Cells of some units: `place` in the list of units asked for, `time` = month or day."""

    place: Integers
    time: Integers
    flow: Integers
    stock: Integers


def joined(parts: Sequence[CellRows]) -> CellRows:
    """Several reads as one."""
    if len(parts) == 1:
        return parts[0]
    none = CellRows(*(np.zeros(0, np.int64),) * 2, _rows(FLOWS), _rows(STOCKS))
    parts = [none, *parts]
    return CellRows(
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.flow for part in parts]),
        np.concatenate([part.stock for part in parts]),
    )


def _rows(width: int) -> Integers:
    return np.zeros((0, width), np.int64)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which of the units asked for every path belongs to.

    `layers`: arrays from path to the place of a unit (-1: none). Units that contain one another
    are in different layers, so that a path has one place in each; every unit is in one layer.
    """

    layers: tuple[Integers, ...]
    size: int

    def paths(self) -> Integers:
        """The paths that belong to any of the units."""
        inside = np.zeros(self.layers[0].size, np.bool_)
        for layer in self.layers:
            inside |= layer >= 0
        return np.flatnonzero(inside)


def by_units(register: Register, units: Sequence[int]) -> Grouping:
    """Group the register's paths by units (integers), in the order given."""
    size = len(register.paths)
    if by_column := _by_column(register, units):
        return Grouping(by_column, len(units))
    layers: list[Integers] = []
    for place, unit in enumerate(units):
        inside = register.has_unit(unit)
        for layer in layers:
            if not bool((layer[inside] >= 0).any()):
                layer[inside] = place
                break
        else:
            fresh = np.full(size, -1, np.int64)
            fresh[inside] = place
            layers.append(fresh)
    return Grouping(tuple(layers) or (np.full(size, -1, np.int64),), len(units))


def _by_column(register: Register, units: Sequence[int]) -> tuple[Integers, ...]:
    """A layer of each step of the paths, where every unit stands on one step only; else none."""
    if not units or len(set(units)) < len(units):
        return ()
    place_of = np.full(len(register.unit_ids) + 1, -1, np.int64)  # the last is of no unit
    place_of[list(units)] = np.arange(len(units))
    columns = place_of[register.path_units].T
    seen = np.zeros((len(columns), len(units)), np.bool_)
    for number, column in enumerate(columns):
        seen[number, column[column >= 0]] = True
    if bool((seen.sum(axis=0) > 1).any()):
        return ()
    return tuple(np.ascontiguousarray(columns[number]) for number in np.flatnonzero(seen.any(1)))


def by_schools(count: int, schools: Sequence[int]) -> Grouping:
    """Group by school, where `count` schools stand for paths (see `each_school`)."""
    layer = np.full(max(count, 1), -1, np.int64)
    layer[list(schools)] = np.arange(len(schools))
    return Grouping((layer,), len(schools))


@dataclass(frozen=True, slots=True)
class Members:
    """The schools active on a day, where they belong then, and their gender codes."""

    school: Integers
    path: Integers
    gender: Integers


def members(register: Register, day: int) -> Members:
    """The schools active on `day`."""
    schools = register.known_schools()
    at = register.segment_at(schools, np.full(schools.size, day, np.int32))
    at = at[register.seg_active[at] == 1]
    return Members(
        register.seg_school[at].astype(np.int64),
        register.seg_path[at].astype(np.int64),
        register.seg_gender[at].astype(np.int64),
    )


def sum_by(place: Integers, rows: Integers, size: int) -> Integers:
    """Sum the rows of each place; shape (size, columns); places below 0 are left out."""
    out = np.zeros((size, rows.shape[1]), np.int64)
    if place.size and int(place.min()) < 0:
        rows, place = rows[place >= 0], place[place >= 0]
    if place.size:
        order = np.argsort(place, kind="stable")
        ordered = place[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


def from_cells(
    months: CellRows, days: CellRows, size: int, spans: Sequence[Span]
) -> tuple[Integers, Integers]:
    """Flow and stock sums of every (unit, window), windows running fastest."""
    flow = np.zeros((size, len(spans), FLOWS), np.int64)
    stock = np.zeros((size, len(spans), STOCKS), np.int64)
    for number, span in enumerate(spans):
        if (whole := span.whole_months) is not None:
            flow[:, number] += _between(months, months.flow, whole, size)
        for run in span.edges:
            flow[:, number] += _between(days, days.flow, run, size)
        stock[:, number] += _between(months, months.stock, (_EVER, span.stock_month), size)
        if (run_up := span.stock_days) is not None:
            stock[:, number] += _between(days, days.stock, run_up, size)
    return flow.reshape(-1, FLOWS), stock.reshape(-1, STOCKS)


_EVER = -(2**31)


def _between(cells: CellRows, rows: Integers, run: tuple[int, int], size: int) -> Integers:
    inside = (cells.time >= run[0]) & (cells.time <= run[1])
    if bool(inside.all()):
        return sum_by(cells.place, rows, size)
    return sum_by(cells.place[inside], rows[inside], size)


def of_flows(
    visits: Visits, pieces: FlowPieces, grouping: Grouping, spans: Sequence[Span]
) -> Integers:
    """Flow sums of every (unit, window) of these pieces."""
    flow = np.zeros((grouping.size, len(spans), FLOWS), np.int64)
    values = pieces.values(visits)
    for number, span in enumerate(spans):
        inside = (pieces.day >= span.first) & (pieces.day <= span.last)
        for layer in grouping.layers:
            flow[:, number] += sum_by(layer[pieces.path[inside]], values[inside], grouping.size)
    return flow.reshape(-1, FLOWS)


def of_stocks(
    visits: Visits, pieces: StockPieces, grouping: Grouping, spans: Sequence[Span]
) -> Integers:
    """What stands on D in every (unit, window) of these pieces."""
    stock = np.zeros((grouping.size, len(spans), STOCKS), np.int64)
    for number, span in enumerate(spans):
        standing = pieces.on(span.state_on)
        values = standing.values(visits)
        for layer in grouping.layers:
            stock[:, number] += sum_by(layer[standing.path], values, grouping.size)
    return stock.reshape(-1, STOCKS)


def answers_of(visits: Visits, pieces: FlowPieces) -> Integers:
    """The stock answers that these visits give, standing or not; rooms by school gender filled."""
    day = pieces.day
    return StockPieces(
        pieces.row, visits.groups[pieces.row], pieces.sign, pieces.path, pieces.gender, day, day + 1
    ).values(visits)


def present_of(visits: Visits, pieces: FlowPieces) -> Present:
    """The counted visits of these pieces, as presence has them."""
    return Present(
        pieces.path.astype(np.int64),
        visits.school[pieces.row].astype(np.int64),
        pieces.day.astype(np.int64),
        pieces.masks(visits).astype(np.uint64),
        np.ones(pieces.row.size, np.int64),
    )


def assemble(
    flow: Integers,
    stock: Integers,
    present: Presence,
    grouping: Grouping,
    spans: Sequence[Span],
    standing: Sequence[Members],
    count: int,
) -> Sums:
    """Add to flow and stock sums what only schools can tell: distinct, covered, registered.

    `present`: all visits of the windows to schools that belong to the units on the visit's day or
    on D; `standing`: the members on each window's D; `count`: how many schools there are. The
    registered schools are counted anew.
    """
    present = present.marked(_left_over(flow))
    shape = (grouping.size, len(spans))
    schools = np.zeros((*shape, len(SEEN)), np.int64)
    covered, visits = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    genders = np.zeros((*shape, UNKNOWN_GENDER + 1), np.int64)
    newest = np.full(shape, NEVER, np.int64)
    repeats = np.zeros(shape, np.int64)
    paths = grouping.layers[0].size
    for number, (span, here) in enumerate(zip(spans, standing, strict=True)):
        found = presence.seen(present.between(span.first, span.last), paths, count)
        for layer in grouping.layers:
            schools[:, number] += presence.distinct(found, layer, grouping.size)
            _count_members(layer, here, genders[:, number])
            on_d = np.full(count, -1, np.int64)
            on_d[here.school] = layer[here.path]
            distinct, made = presence.covered(found, on_d, grouping.size)
            covered[:, number] += distinct
            visits[:, number] += made
            repeats[:, number] += presence.repeats(found, layer, grouping.size)
            last = presence.newest(found, layer, grouping.size)
            newest[:, number] = np.maximum(newest[:, number], last)
    stock = stock.copy()
    stock[:, S["registered"]] = genders.sum(axis=2).reshape(-1)
    return Sums(
        flow=flow,
        stock=stock,
        schools=schools.reshape(-1, len(SEEN)),
        covered=covered.reshape(-1),
        covered_visits=visits.reshape(-1),
        genders=genders.reshape(-1, UNKNOWN_GENDER + 1),
        newest=newest.reshape(-1),
        repeats=repeats.reshape(-1),
    )


def _left_over(flow: Integers) -> list[str]:
    """The derived answers that occur at all; the others need no marking, and marking costs."""
    return [
        name for name in LEFT_OVER if bool((flow @ vector(DERIVED[name])[: flow.shape[1]]).any())
    ]


def _count_members(layer: Integers, here: Members, out: NDArray[np.int64]) -> None:
    row = layer[here.path]
    inside = row >= 0
    width = out.shape[1]
    counts = np.bincount(row[inside] * width + here.gender[inside], minlength=out.size)
    out += counts.reshape(out.shape)
