"""Sums of any units over any windows, in either view: from cells where they hold, else from visits.

Owns which of the two a question needs (04 §4): cells and presence answer as_was; restated takes
the cells of what moved as a whole and the visits of the few clusters that schools entered or left
(`restating`), and places whoever was visited where the school is today; a school, and a question
about what was received by some time, is answered from visits. Taking back what was recorded since
an instant is `as_known`'s, fetching is `read_store`'s, reducing is `sums`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from services.indicators import presence, read_store, restating, sums
from services.indicators.beside import beside
from services.indicators.cells import FLOWS, STOCKS
from services.indicators.contributions import whole_pieces
from services.indicators.figures import Sums
from services.indicators.intervals import Integers
from services.indicators.pieces import flow_pieces
from services.indicators.presence import Presence, Present
from services.indicators.register import Register
from services.indicators.spans import Span, runs
from services.indicators.sums import Grouping, Members
from services.indicators.visited_memory import VisitedMonths
from services.indicators.visits import Visits
from shared.db.transaction import Tx
from shared.domain.days import day_date, quarter_number

View = Literal["as_was", "restated"]
_SCHOOLS_AT_ONCE = 500
_LARGE = 1_000
"""Visits from which on summing is done off the event loop."""
_MANY_PATHS = 256
"""Clusters (about) from which on remembering who was visited costs less than reading it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about: the register of the snapshot, the windows, how to look at it.

    `today` is a day number; `look_back` is in days; `received_until` (microseconds) leaves out
    visits whose first revision came later; of `known_at` (microseconds) are the register and
    `today`, and the revisions that had been recorded by then are the only ones; `present` is the
    register of now, if what is held now may be what such an answer begins with. `visited` is a
    memory of who was visited, for questions about many paths.
    """

    register: Register
    spans: tuple[Span, ...]
    view: View
    today: int
    look_back: int
    received_until: int | None = None
    known_at: int | None = None
    visited: VisitedMonths | None = None
    present: Register | None = None

    @property
    def placed(self) -> Register:
        """The register under which visits are placed."""
        return self.register if self.view == "as_was" else self.register.restated(self.today)

    @property
    def days(self) -> tuple[int, int]:
        """The days whose visits can matter: the windows, and what may stand on any D."""
        begin = min(min(span.first, span.state_on - self.look_back + 1) for span in self.spans)
        return begin, max(max(span.last, span.state_on) for span in self.spans)


@dataclass(frozen=True, slots=True)
class Terms:
    """What sums are assembled from: flow and stock sums of (unit, window), and who was visited."""

    flow: Integers
    stock: Integers
    present: Presence


async def of_units(tx: Tx, asked: Asked, units: Sequence[int]) -> Sums:
    """Sums of every (unit, window), windows running fastest; units are the register's integers."""
    grouping = sums.by_units(asked.register, units)
    if asked.received_until is not None or asked.known_at is not None:
        schools = ever_under(asked.register, grouping)
        return await _from_visits(tx, asked, asked.placed, grouping, schools)
    placed = asked.placed
    standing = members(placed, asked.spans)
    held = await held_now(tx, asked, placed, units, grouping, standing)
    return assembled(held, asked, placed, grouping, standing)


async def held_now(  # what is asked, and what is made of it only once
    tx: Tx,
    asked: Asked,
    placed: Register,
    units: Sequence[int],
    grouping: Grouping,
    standing: Sequence[Members],
) -> Terms:
    """What cells and presence say of every (unit, window).

    `placed` is the question's register, `standing` its members on each window's D.
    """
    if asked.view == "as_was":
        flow, stock = await _cells(tx, units, asked.spans)
        return Terms(flow, stock, await _present(tx, asked, grouping, standing))
    flow, stock = await _restated(tx, asked, placed, units, grouping)
    recorded = await _present(tx, asked, grouping, standing)
    return Terms(flow, stock, recorded.placed(restating.path_today(placed)))


async def _restated(
    tx: Tx, asked: Asked, placed: Register, units: Sequence[int], grouping: Grouping
) -> tuple[Integers, Integers]:
    """Flow and stock sums by today's tree: cells of what moved as a whole, visits of the rest."""
    parts = restating.parts_today(asked.register, placed, units, grouping)
    flow, stock = (
        parts.summed(rows, len(asked.spans)) for rows in await _cells(tx, parts.cells, asked.spans)
    )
    for begin in range(0, parts.schools.size, _SCHOOLS_AT_ONCE):
        chunk = parts.schools[begin : begin + _SCHOOLS_AT_ONCE].tolist()
        visits = await visits_of(tx, asked, chunk)
        added = await read_store.off_loop(
            len(visits), _added, visits, asked, placed, parts.grouping
        )
        flow, stock = flow + added[0], stock + added[1]
    return flow, stock


async def visits_of(
    tx: Tx,
    asked: Asked,
    schools: Sequence[int],
    days: tuple[int, int] | None = None,
    *,
    after: int | None = None,
) -> Visits:
    """The visits to these schools that the question lets count (default: all days that matter).

    `after` (microseconds) leaves out those whose first revision was received by then.
    """
    first, last = asked.days if days is None else days
    return await read_store.visits_of(
        tx,
        schools,
        first,
        last,
        after=after,
        until=asked.received_until,
        known_at=asked.known_at,
    )


async def of_schools(tx: Tx, asked: Asked, schools: Sequence[int]) -> Sums:
    """Sums of every (school, window), windows running fastest, from the schools' visits."""
    alone = each_school(asked.register)
    grouping = sums.by_schools(len(asked.register.school_codes), schools)
    return await _from_visits(tx, asked, alone, grouping, np.array(schools, np.int64))


def each_school(register: Register) -> Register:
    """The same segments, with each school standing as a path of its own (its integer)."""
    return replace(register, seg_path=register.seg_school)


async def new_visits(
    tx: Tx, asked: Asked, since: int, *, unit: int | None = None, school: int | None = None
) -> Sums:
    """Sums over the counted visits of each window whose first revision came after `since`.

    Flow as always; stock sums hold what these visits answer, standing or not. Whatever supersedes
    a visit was received after it, so these visits alone decide which of them count.
    """
    if unit is not None:
        placed, grouping = asked.placed, sums.by_units(asked.register, [unit])
        schools = ever_under(asked.register, grouping)
    else:
        placed = each_school(asked.register)
        wanted = [] if school is None else [school]
        grouping = sums.by_schools(len(asked.register.school_codes), wanted)
        schools = np.array(wanted, np.int64)
    first = min(span.first for span in asked.spans)
    last = max(span.last for span in asked.spans)
    visits = await visits_of(tx, asked, schools.tolist(), (first, last), after=since)
    rows = np.flatnonzero(visits.counted())
    pieces = flow_pieces(visits, rows, placed)
    flow = sums.of_flows(visits, pieces, grouping, asked.spans)
    stock: Integers = np.zeros((grouping.size, len(asked.spans), STOCKS), np.int64)
    answers = sums.answers_of(visits, pieces)
    for number, span in enumerate(asked.spans):
        inside = (pieces.day >= span.first) & (pieces.day <= span.last)
        for layer in grouping.layers:
            place = layer[pieces.path[inside]]
            stock[:, number] += sums.sum_by(place, answers[inside], grouping.size)
    standing = members(placed, asked.spans)
    present = sums.present_of(visits, pieces)
    stock = stock.reshape(-1, STOCKS)
    return sums.assemble(
        flow, stock, present, grouping, asked.spans, standing, len(placed.school_codes)
    )


def members(register: Register, spans: Sequence[Span]) -> list[Members]:
    """The members on each window's D; equal days are looked up once."""
    held = {day: sums.members(register, day) for day in {span.state_on for span in spans}}
    return [held[span.state_on] for span in spans]


def ever_under(register: Register, grouping: Grouping) -> Integers:
    """The schools that belong to any of the units on any day, or would today."""
    inside = np.zeros(len(register.paths), np.bool_)
    inside[grouping.paths()] = True
    found: Integers = np.unique(register.seg_school[inside[register.seg_path]]).astype(np.int64)
    return found


async def _cells(tx: Tx, units: Sequence[int], spans: Sequence[Span]) -> tuple[Integers, Integers]:
    whole = [span.whole_months for span in spans]
    first = min((months[0] for months in whole if months is not None), default=1)
    last = max((months[1] for months in whole if months is not None), default=0)
    months = await read_store.month_cells(
        tx, units, first, last, max(span.stock_month for span in spans)
    )
    days = [await read_store.day_cells(tx, units, *run) for run in runs(spans)]
    return sums.from_cells(months, sums.joined(days), len(units), spans)


async def _present(
    tx: Tx, asked: Asked, grouping: Grouping, standing: Sequence[Members]
) -> Presence:
    """Every visit that a window's distinct or covered schools may be counted from.

    A school that belongs to a unit on D is covered wherever its visit was recorded: the paths it
    had in the window are read as well as the unit's own.
    """
    register = asked.register
    wanted = np.zeros(len(register.paths), np.bool_)
    wanted[grouping.paths()] = True
    for span, here in zip(asked.spans, standing, strict=True):
        inside = np.zeros(len(register.school_codes) + 1, np.bool_)
        for layer in grouping.layers:
            inside[here.school[layer[here.path] >= 0]] = True
            if asked.view == "restated":
                # A school that has closed is nobody's on D, and was visited all the same.
                inside[register.seg_school[layer[asked.placed.seg_path] >= 0]] = True
        overlaps = (register.seg_start <= span.last) & (register.seg_end > span.first)
        wanted[register.seg_path[overlaps & inside[register.seg_school]]] = True
    paths = None if wanted.sum() * 2 > wanted.size else np.flatnonzero(wanted).tolist()
    many = paths is None or len(paths) >= _MANY_PATHS
    if asked.visited is not None and many and tx.dialect == "postgresql":
        return await asked.visited.of(tx, asked.spans, len(register.school_codes))
    first = min(span.first for span in asked.spans)
    last = max(span.last for span in asked.spans)
    return await read_store.presence_of(
        tx, paths, quarter_number(day_date(first)), quarter_number(day_date(last))
    )


async def _from_visits(
    tx: Tx, asked: Asked, placed: Register, grouping: Grouping, schools: Integers
) -> Sums:
    """Sums of every (group, window) from the visits to these schools."""
    terms = await from_visits(tx, asked, placed, grouping, schools)
    return await read_store.off_loop(schools.size, assembled, terms, asked, placed, grouping)


async def from_visits(
    tx: Tx, asked: Asked, placed: Register, grouping: Grouping, schools: Integers
) -> Terms:
    """Everything that the visits to these schools add to the groups, some schools at a time."""
    rows = grouping.size * len(asked.spans)
    flow: Integers = np.zeros((rows, FLOWS), np.int64)
    stock: Integers = np.zeros((rows, STOCKS), np.int64)
    present: list[Present] = []
    begins = range(0, schools.size, _SCHOOLS_AT_ONCE)
    chunks = [schools[begin : begin + _SCHOOLS_AT_ONCE].tolist() for begin in begins]
    held: Visits | None = None
    for chunk in (*chunks, None):
        reading = _read(tx, asked, chunk)
        if held is None or len(held) == 0:
            held = await reading
            continue
        # The next visits are read while these are summed.
        large = len(held) >= _LARGE
        held, added = await beside(reading, large, _added, held, asked, placed, grouping)
        flow, stock = flow + added[0], stock + added[1]
        present.append(added[2])
    return Terms(flow, stock, presence.together(present))


async def _read(tx: Tx, asked: Asked, schools: Sequence[int] | None) -> Visits | None:
    return None if schools is None else await visits_of(tx, asked, schools)


def _added(
    visits: Visits, asked: Asked, placed: Register, grouping: Grouping
) -> tuple[Integers, Integers, Present]:
    """The flow and stock sums of these visits, and who was visited in the windows."""
    pieces = whole_pieces(visits, placed, asked.look_back)
    first = min(span.first for span in asked.spans)
    last = max(span.last for span in asked.spans)
    # A year before the windows is read for what stands: of its flows nothing is wanted.
    inside = pieces.flow.between(first, last)
    return (
        sums.of_flows(visits, inside, grouping, asked.spans),
        sums.of_stocks(visits, pieces.stock, grouping, asked.spans),
        sums.present_of(visits, inside),
    )


def assembled(
    terms: Terms,
    asked: Asked,
    placed: Register,
    grouping: Grouping,
    standing: Sequence[Members] | None = None,
) -> Sums:
    """The sums of these terms.

    `standing`: the members of `placed` on each window's D, where they are looked up already.
    """
    return sums.assemble(
        terms.flow,
        terms.stock,
        terms.present,
        grouping,
        asked.spans,
        members(placed, asked.spans) if standing is None else standing,
        len(placed.school_codes),
    )
