"""Sums as known at an instant: what is held now, with what was recorded since taken back (04 §5).

Owns which schools and visits stand otherwise now than then, and their exchange. Where the register
was another, a school's visits are taken out whole and put in as they were; of other schools only
the visits recorded since are looked at, with as many around them as they meet, as the fold does it
the other way round. Where too much differs, everything is read from the visits. What is held now
and what visits add is `gather`'s, finding what was recorded since `since_store`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators import gather, read_store, since_store, store, sums
from services.indicators.contributions import changed_pieces
from services.indicators.figures import Sums
from services.indicators.gather import Asked, Terms
from services.indicators.intervals import Integers
from services.indicators.pieces import flow_pieces
from services.indicators.presence import Presence, Present, together
from services.indicators.register import Register, differing
from services.indicators.slices import Changed
from services.indicators.store import Key
from services.indicators.sums import Grouping
from services.indicators.visited import Visited
from services.indicators.visits import COLUMNS, Visits
from shared.db.transaction import Tx
from shared.domain.days import day_date, quarter_number

_MOST = 100_000
"""Visits recorded since (of the country) from which on reading all of a unit's is no worse."""
_MOST_MOVED = 0.5
"""The share of schools under another register from which on the same is true."""
_SCHOOLS_AT_ONCE = 2_000
_SCHOOL, _DAY = COLUMNS.index("school"), COLUMNS.index("day")


async def of_units(tx: Tx, asked: Asked, units: Sequence[int]) -> Sums:
    """Sums of every (unit, window) by what was known then, windows running fastest.

    The integers are those of `gather.of_units`; `asked.present` is the register of now.
    """
    if asked.known_at is None or asked.present is None or asked.received_until is not None:
        return await gather.of_units(tx, asked, units)
    both = _Both.of(asked, asked.present, units)
    since = await _since(tx, both, asked.known_at)
    if since is None:
        return await gather.of_units(tx, asked, units)
    standing = gather.members(both.placed_now, both.now.spans)
    held = await gather.held_now(tx, both.now, both.placed_now, units, both.grouping_now, standing)
    terms = await _exchanged(tx, both, since, held)
    placed = both.placed
    return await read_store.off_loop(
        len(placed.school_codes),
        gather.assembled,
        terms,
        asked,
        placed,
        both.grouping,
        gather.members(placed, asked.spans),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Exchanged:
    """Who was visited by what was known on a day: `held` until that day without `gone`, and `put`.

    `gone`: (schools) those whose visits are all in `put`.
    """

    held: Presence
    gone: NDArray[np.bool_]
    put: Present
    until: int

    def marked(self, names: Sequence[str]) -> "Exchanged":
        """The same with a bit in the mask for each derived answer named."""
        return replace(self, held=self.held.marked(names), put=self.put.marked(names))

    def between(self, first: int, last: int) -> Present:
        """The visits of a window."""
        held = self.held.between(first, _cut(first, last, self.until))
        return held.where(~self.gone[held.school]).and_also(self.put.between(first, last))

    def placed(self, paths: Integers) -> "Exchanged":
        """The same visits, each under the path that `paths` gives its school."""
        return replace(self, held=self.held.placed(paths), put=self.put.placed(paths))


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """A question as it was then and as it is now; what is dated later than then is left out of now.

    `placed` and `grouping` are by the register of then, `schools` those that are or were ever in
    the units, `moved` those of them that the register of now places otherwise.
    """

    then: Asked
    now: Asked
    placed: Register
    placed_now: Register
    grouping: Grouping
    grouping_now: Grouping
    schools: Integers
    moved: Integers

    @classmethod
    def of(cls, asked: Asked, present: Register, units: Sequence[int]) -> "_Both":
        spans = tuple(
            replace(span, last=_cut(span.first, span.last, asked.today)) for span in asked.spans
        )
        now = replace(asked, register=present, known_at=None, present=None, spans=spans)
        placed, placed_now = asked.placed, now.placed
        grouping = sums.by_units(asked.register, units)
        grouping_now = sums.by_units(present, units)
        schools = np.union1d(
            gather.ever_under(asked.register, grouping), gather.ever_under(present, grouping_now)
        )
        everybody = np.arange(len(present.school_codes), dtype=np.int32)
        moved = np.intersect1d(differing(placed_now, placed, everybody), schools)
        return cls(asked, now, placed, placed_now, grouping, grouping_now, schools, moved)


def _cut(first: int, last: int, until: int) -> int:
    """The last day of a window of which nothing is wanted after a day; first - 1: of nothing."""
    return max(min(last, until), first - 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Since:
    """What was recorded since, of schools that stand where they stood.

    `later`: the visits whose newest revision was recorded since; `replaced`: of each school the
    rows of COLUMNS that stood then in the place of such a one; `places`: every (school, day) on
    which anything differs, in order; `ahead`: rows that were known then and dated after its day.
    """

    later: frozenset[Key]
    replaced: dict[int, list[Any]]
    places: list[tuple[int, int]]
    ahead: list[Any]


async def _since(tx: Tx, both: _Both, known_at: int) -> _Since | None:
    """What was recorded since, or None where reading every visit is no worse."""
    if both.moved.size > both.schools.size * _MOST_MOVED:
        return None
    begin, end = both.then.days
    today = both.then.today
    later = await since_store.recorded_since(tx, begin, min(end, today), known_at, _MOST)
    if later is None:
        return None
    steady = set(np.setdiff1d(both.schools, both.moved).tolist())
    stood = await read_store.replaced_since(tx, sorted(steady), begin, end, known_at)
    ahead = await since_store.dated_later(tx, today + 1, end, known_at)
    later = [each for each in later if each.school in steady]
    replaced: dict[int, list[Any]] = {}
    places = {(each.school, each.day) for each in later}
    for row in stood:
        if row[_DAY] > today:
            ahead.append(row)
            continue
        replaced.setdefault(row[_SCHOOL], []).append(row)
        places.add((row[_SCHOOL], row[_DAY]))
    return _Since(
        frozenset(each.key for each in later),
        replaced,
        sorted(places),
        [row for row in ahead if row[_SCHOOL] in steady],
    )


async def _exchanged(tx: Tx, both: _Both, since: _Since, held: Terms) -> Terms:
    """What is held now, with what was recorded since taken out and what stood then put in."""
    then = both.then
    flow, stock = held.flow, held.stock
    put: list[Present] = []
    if both.moved.size:
        out = await gather.from_visits(tx, both.now, both.placed_now, both.grouping_now, both.moved)
        back = await gather.from_visits(tx, then, both.placed, both.grouping, both.moved)
        flow, stock = flow + back.flow - out.flow, stock + back.stock - out.stock
        put.append(back.present.between(*then.days))
    for changed in _some_at_once(since.places):
        groups = await since_store.groups_of(tx, [each.school for each in changed])
        changed = [each._replace(groups=groups[each.school]) for each in changed]
        rows = await store.visits_met(tx, changed, then.look_back)
        flows, stocks, present = await read_store.off_loop(
            len(rows), _difference, rows, changed, both, since
        )
        flow, stock = flow + flows, stock + stocks
        put.append(present)
    if since.ahead:
        visits = Visits.from_rows(since.ahead)
        pieces = flow_pieces(visits, np.flatnonzero(visits.counted()), both.placed)
        flow = flow + sums.of_flows(visits, pieces, both.grouping, then.spans)
        put.append(sums.present_of(visits, pieces))
    kept, days = await _without(tx, both, since, held.present)
    gone = np.zeros(len(both.placed.school_codes), np.bool_)
    gone[both.moved] = True
    put.append(days)
    return Terms(flow, stock, Exchanged(kept, gone, together(put), then.today))


def _some_at_once(places: Sequence[tuple[int, int]]) -> list[list[Changed]]:
    """Each school with the first and last of its days, some hundred schools at a time."""
    days: dict[int, Changed] = {}
    for school, day in places:
        held = days.get(school)
        days[school] = Changed(school, day, day, 0) if held is None else held._replace(last=day)
    changed = list(days.values())
    begins = range(0, len(changed), _SCHOOLS_AT_ONCE)
    return [changed[begin : begin + _SCHOOLS_AT_ONCE] for begin in begins]


def _difference(
    rows: Sequence[Any], changed: Sequence[Changed], both: _Both, since: _Since
) -> tuple[Integers, Integers, Present]:
    """What flow and stock sums are then more than now, and who was visited on the days touched.

    `rows` are the visits of now that the change of these schools can meet (`slices`).
    """
    then, grouping = both.then, both.grouping
    stood = [row for each in changed for row in since.replaced.get(each.school, ())]
    visits = Visits.from_rows([*rows, *stood])
    before = np.arange(len(visits)) < len(rows)
    after = ~before
    after[: len(rows)] = [
        (source, visit_id) not in since.later
        for source, visit_id in zip(
            visits.source[: len(rows)], visits.visit_id[: len(rows)], strict=True
        )
    ]
    pieces = changed_pieces(visits, before, after, both.placed, then.look_back)
    spans = both.now.spans
    touched = _among(visits.school, visits.day, since.places)
    counted = np.flatnonzero(visits.counted(after) & touched)
    return (
        sums.of_flows(visits, pieces.flow, grouping, spans),
        sums.of_stocks(visits, pieces.stock, grouping, spans),
        sums.present_of(visits, flow_pieces(visits, counted, both.placed)),
    )


def _among(
    school: NDArray[Any], day: NDArray[Any], places: Sequence[tuple[int, int]]
) -> NDArray[np.bool_]:
    """Which of these visits lie on one of the (school, day) given."""
    wanted = np.array(places, np.int64).reshape(-1, 2)
    found: NDArray[np.bool_] = np.isin(
        (school.astype(np.int64) << 32) + day, (wanted[:, 0] << 32) + wanted[:, 1]
    )
    return found


async def _without(tx: Tx, both: _Both, since: _Since, held: Presence) -> tuple[Presence, Present]:
    """Who was visited by what is held, but for the (school, day) on which then differs.

    Of the quarters in which there are any the memory by months is no use: they are the second.
    """
    kept: Presence = together([])
    if isinstance(held, Visited):
        numbers = sorted({quarter_number(day_date(day)) for _, day in since.places})
        kept = held.without(numbers)
        mine = {each.number for each in held.quarters}.intersection(numbers)
        days = together([await read_store.presence_of(tx, None, each, each) for each in mine])
        if held.paths is not None:
            days = days.placed(held.paths)
    else:
        days = held.between(*both.now.days)
    taken = (days.day > both.then.today) | np.isin(days.school, both.moved)
    return kept, days.where(~(taken | _among(days.school, days.day, since.places)))
