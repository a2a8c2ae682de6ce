"""Sums as known at an instant: what is held now, with what was recorded since taken back (04 §5).

Owns which schools and visits stand otherwise now than then, and their exchange. Where the register
was another, a school's visits are taken out whole and put in as they were; of other schools only
the visits recorded since are looked at, with as many around them as they meet, as the fold does it
the other way round. Where too much differs, everything is read from the visits. What is held now
and what visits add is `gather`'s, finding what was recorded since `since_store`'s.
"""

from collections.abc import Sequence, Set
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
from services.indicators.since_store import Later
from services.indicators.slices import Changed
from services.indicators.store import Key
from services.indicators.sums import Grouping
from services.indicators.visited import Visited
from services.indicators.visits import COLUMNS, Visits
from shared.db.transaction import Tx
from shared.domain.days import day_date, quarter_number

_MOST = 100_000
"""Visits recorded since (of the country) from which on reading all of a unit's is no worse."""
_FEW_SCHOOLS = 300
"""Schools up to which reading all their visits is less than asking what the country recorded."""
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
    if both.schools.size <= _FEW_SCHOOLS:
        return await gather.of_units(tx, asked, units)
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
    which anything differs, in order, one a row; `ahead`: rows known then and dated after its day.
    """

    later: frozenset[Key]
    replaced: dict[int, list[Any]]
    places: Integers
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
    steady = np.setdiff1d(both.schools, both.moved).tolist()
    stood = await read_store.replaced_since(tx, steady, begin, end, known_at)
    ahead = await since_store.dated_later(tx, today + 1, end, known_at)
    return await read_store.off_loop(
        len(later) + len(stood), _sorted_out, later, stood, ahead, today, frozenset(steady)
    )


def _sorted_out(
    later: Sequence[Later],
    stood: Sequence[Any],
    ahead: Sequence[Any],
    today: int,
    schools: Set[int],
) -> _Since:
    """Of what was read that which concerns these schools, by school and day."""
    mine = [each for each in later if each.school in schools]
    known = [row for row in stood if row[_DAY] <= today]
    replaced: dict[int, list[Any]] = {}
    for row in known:
        replaced.setdefault(row[_SCHOOL], []).append(row)
    places = {(each.school, each.day) for each in mine}
    places.update((row[_SCHOOL], row[_DAY]) for row in known)
    return _Since(
        frozenset(each.key for each in mine),
        replaced,
        np.array(sorted(places), np.int64).reshape(-1, 2),
        [row for row in (*ahead, *stood) if row[_DAY] > today and row[_SCHOOL] in schools],
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


def _some_at_once(places: Integers) -> list[list[Changed]]:
    """Each school with the first and last of its days, some hundred schools at a time."""
    schools, begin = np.unique(places[:, 0], return_index=True)
    last = places[np.append(begin[1:], len(places)) - 1, 1] if len(places) else places[:, 1]
    changed = [
        Changed(*each, 0)
        for each in zip(schools.tolist(), places[begin, 1].tolist(), last.tolist(), strict=True)
    ]
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
    # Schools come in order, here as there: theirs is one stretch of the places.
    stretch = np.searchsorted(since.places[:, 0], (changed[0].school, changed[-1].school + 1))
    touched = _among(visits.school, visits.day, since.places[slice(*stretch)])
    counted = np.flatnonzero(visits.counted(after) & touched)
    return (
        sums.of_flows(visits, pieces.flow, grouping, spans),
        sums.of_stocks(visits, pieces.stock, grouping, spans),
        sums.present_of(visits, flow_pieces(visits, counted, both.placed)),
    )


def _among(school: NDArray[Any], day: NDArray[Any], places: Integers) -> NDArray[np.bool_]:
    """Which of these visits lie on one of the (school, day) given, which are in order."""
    key = (school.astype(np.int64) << 32) + day
    wanted = np.append((places[:, 0] << 32) + places[:, 1], np.int64(2**62))
    found: NDArray[np.bool_] = wanted[np.searchsorted(wanted, key)] == key
    return found


async def _without(tx: Tx, both: _Both, since: _Since, held: Presence) -> tuple[Presence, Present]:
    """Who was visited by what is held, but for the (school, day) on which then differs.

    Of the quarters in which there are any the memory by months is no use: they are the second.
    """
    kept: Presence = together([])
    if isinstance(held, Visited):
        numbers = sorted({quarter_number(day_date(day)) for day in np.unique(since.places[:, 1])})
        kept = held.without(numbers)
        mine = {each.number for each in held.quarters}.intersection(numbers)
        days = [await read_store.presence_of(tx, None, each, each) for each in sorted(mine)]
    else:
        days = [held.between(*both.now.days)]
    size = sum(each.path.size for each in days)
    return kept, await read_store.off_loop(size, _as_then, days, both, since, held)


def _as_then(days: Sequence[Present], both: _Both, since: _Since, held: Presence) -> Present:
    """The days as they were: of schools that stand where they stood, where nothing differs."""
    moved = np.zeros(len(both.placed.school_codes), np.bool_)
    moved[both.moved] = True
    found = []
    for each in days:
        taken = (each.day > both.then.today) | moved[each.school]
        found.append(each.where(~(taken | _among(each.school, each.day, since.places))))
    whole = together(found)
    if isinstance(held, Visited) and held.paths is not None:
        return whole.placed(held.paths)
    return whole
