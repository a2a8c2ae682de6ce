"""The change between two windows: by the same schools, and by having other schools (04 §6).

Owns the split, for one line or for all totals. It needs each school's own sums, so it is answered
from the visits, some hundred schools at a time: memory stays bounded whatever the unit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.indicators import answers, gather, parts, strata, sums
from services.indicators.asking import Question
from services.indicators.catalogue import Definitions
from services.indicators.contributions import whole_pieces
from services.indicators.documents import figure_rows
from services.indicators.figures import MILLION, compute, parts_of
from services.indicators.gather import Asked
from services.indicators.intervals import Integers, Sampling
from services.indicators.measures import F
from services.indicators.pieces import Places
from services.indicators.register import Register
from services.indicators.snapshots import Place, Snapshot
from services.indicators.spans import Span
from services.indicators.sums import Grouping
from services.indicators.traits import Part, Within
from services.indicators.visits import Visits
from shared.clients.change_answers import AllChanges, Change, ChangeParts, NotBySchool, Pair
from shared.clients.figure_answers import Figure
from shared.domain.periods import Period

_AT_ONCE = 500
_NOW, _THEN = 0, 1


@dataclass(frozen=True, slots=True)
class Common:
    """What the schools that answered in both windows answered, one row for each line.

    `pairs`: (lines, 2 windows, numerator and denominator); `schools`: how many there are.
    """

    pairs: Integers
    schools: Integers

    def and_also(self, other: "Common") -> "Common":
        """Both together; their schools are different ones."""
        return Common(self.pairs + other.pairs, self.schools + other.schools)


async def change(  # what is asked, each part once
    snapshot: Snapshot,
    place: Place,
    question: Question,
    before: Period,
    line: int,
    part: Part | None = None,
) -> Change:
    """How one line, or one part of it, moved from `before` to the question's window.

    `same_schools` is what the schools that answered in both windows did together, null when there
    are none; `composition` is the rest, so that the two add to the change exactly. A school that
    left the part, or came to it, is none of the same schools.
    """
    (moved,), _ = await _changes(snapshot, place, question, before, [line], part=part)
    return {
        **answers.window(snapshot, place, question),
        **answers.line_of(snapshot, line, part),
        "against": before.text,
        "against_first": before.first.isoformat(),
        "against_last": before.last.isoformat(),
        **moved,
    }


async def all_changes(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    before: Period,
    most_visits: int | None = None,
    chosen: Sequence[int] | None = None,
) -> AllChanges:
    """How every total moved, or those among the chosen lines.

    With more than `most_visits` in the two windows together the parts are left out (null), and
    `not_by_school` says so: reading the visits of a country takes seconds that a page has not.
    """
    definitions = snapshot.definitions
    lines = list(definitions.totals)
    if chosen is not None:
        lines = [line for line in chosen if definitions.lines[line].split is None]
    found, too_many = await _changes(snapshot, place, question, before, lines, most_visits)
    return {
        **answers.window(snapshot, place, question),
        "against": before.text,
        "against_first": before.first.isoformat(),
        "against_last": before.last.isoformat(),
        "not_by_school": too_many,
        "changes": [
            {**answers.line_of(snapshot, line), **moved}
            for line, moved in zip(lines, found, strict=True)
        ],
    }


async def _changes(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    before: Period,
    lines: Sequence[int],
    most_visits: int | None = None,
    part: Part | None = None,
) -> tuple[list[ChangeParts], NotBySchool | None]:
    """The change of each line, and why none is split by school, if so."""
    definitions = snapshot.definitions
    spans = (question.span, Span.of(before.first, before.last, snapshot.today))
    asked = snapshot.asked(spans, question.view)
    both = await answers.sums_of(snapshot, asked, [place], part)
    figures = compute(definitions, both, question.confidence, snapshot.alike)
    rows = figure_rows(definitions, figures, lines)
    parts.named(rows, part)
    after_figures, before_figures = rows
    sampled = [at for at, line in enumerate(lines) if _is_sampled(definitions, line)]
    made = int(both.flow[:, F["visits"]].sum())
    too_many = None if most_visits is None else _too_many(made, most_visits)
    split = too_many is None
    common = Common(np.zeros((len(lines), 2, 2), np.int64), np.zeros(len(lines), np.int64))
    if split and sampled:
        chosen = await _common(snapshot, asked, place, [lines[at] for at in sampled], part)
        common.pairs[sampled], common.schools[sampled] = chosen.pairs, chosen.schools
    moved = [
        _parts(now, then, common.pairs[at], int(common.schools[at]), split=split)
        for at, (now, then) in enumerate(zip(after_figures, before_figures, strict=True))
    ]
    return moved, too_many


def _too_many(made: int, most: int) -> NotBySchool | None:
    """The reason for leaving the parts out, in numbers and in words."""
    if made <= most:
        return None
    detail = (
        f"The two periods have {made} visits together; changes are split by school up to {most} "
        "here. Without most_visits, or of one indicator, they always are."
    )
    return {"code": "too_many_visits", "visits": made, "most_visits": most, "detail": detail}


def _is_sampled(definitions: Definitions, line: int) -> bool:
    """Whether a line is a share of what schools answered, and not of the register itself."""
    return definitions.of(line).sampling in {Sampling.CLUSTERED, Sampling.SCHOOL}


def _parts(
    after: Figure, before: Figure, common: Integers, schools: int, *, split: bool
) -> ChangeParts:
    total = _difference(_micro(after), _micro(before))
    now, then = _pair(common[_NOW]), _pair(common[_THEN])
    same = _difference(_value(now), _value(then)) if schools else None
    return {
        "after": after,
        "before": before,
        "change": _share(total),
        "same_schools": None if total is None else _share(same),
        "composition": None if total is None or not split else _share(total - (same or 0)),
        "schools_in_both": schools if split else None,
        "schools_after": after["schools"],
        "schools_before": before["schools"],
        "same_after": now if schools else None,
        "same_before": then if schools else None,
        "by_school": split,
    }


def _pair(values: Integers) -> Pair:
    numerator, denominator = values.tolist()
    return {"numerator": numerator, "denominator": denominator}


def _value(pair: Pair) -> int | None:
    """A pair's value in millionths, rounded half up; None when undefined."""
    numerator, denominator = pair["numerator"], pair["denominator"]
    if denominator == 0:
        return None
    return (2 * MILLION * numerator + denominator) // (2 * denominator)


def _micro(figure: Figure) -> int | None:
    return None if figure["value"] is None else round(figure["value"] * MILLION)


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _share(micro: int | None) -> float | None:
    return None if micro is None else micro / MILLION


async def _common(
    snapshot: Snapshot, asked: Asked, place: Place, lines: Sequence[int], part: Part | None
) -> Common:
    """The sums of the schools that answered in both windows."""
    if place.unit is not None:
        placed, grouping = asked.placed, sums.by_units(asked.register, [place.unit])
        schools = gather.ever_under(asked.register, grouping)
    else:
        school = place.school or 0
        placed = gather.each_school(asked.register)
        grouping = sums.by_schools(len(asked.register.school_codes), [school])
        schools = np.array([school], np.int64)
    found = Common(np.zeros((len(lines), 2, 2), np.int64), np.zeros(len(lines), np.int64))
    for begin in range(0, schools.size, _AT_ONCE):
        some = schools[begin : begin + _AT_ONCE].tolist()
        visits = await gather.visits_of(snapshot.tx, asked, some)
        within = None
        if part is not None:
            within = Within(part, await strata.traits_of(snapshot.tx, asked, some, part.kind))
        here = await asyncio.to_thread(
            _of_visits, snapshot.definitions, visits, placed, grouping, asked, lines, within
        )
        found = found.and_also(here)
    return found


def _of_visits(
    definitions: Definitions,
    visits: Visits,
    placed: Register,
    grouping: Grouping,
    asked: Asked,
    lines: Sequence[int],
    within: Within | None,
) -> Common:
    """The sums of those of these visits' schools that answered in both windows."""
    pieces = whole_pieces(visits, placed, asked.look_back)
    inside = grouping.layers[0]
    flow_values = pieces.flow.values(visits)
    own = inside[pieces.flow.path] >= 0
    if within is not None:
        row = pieces.flow.row
        own &= within.holds(visits.school[row], pieces.flow.day, visits.mask[row])
    flows: list[tuple[Integers, Integers]] = []
    stocks: list[tuple[Integers, Integers]] = []
    for span in asked.spans:
        days = pieces.flow.day
        chosen = own & (days >= span.first) & (days <= span.last)
        flows.append((flow_values[chosen], _schools(visits, pieces.flow.row[chosen])))
        standing = pieces.stock.on(span.state_on)
        here = inside[standing.path] >= 0
        if within is not None:
            row = standing.row
            on = np.full(row.size, span.state_on, np.int32)
            here &= within.holds(visits.school[row], on, visits.mask[row])
        stocks.append((standing.values(visits)[here], _schools(visits, standing.row[here])))
    found = Common(np.zeros((len(lines), 2, 2), np.int64), np.zeros(len(lines), np.int64))
    for at, line in enumerate(lines):
        rows = flows if definitions.of(line).basis == "flow" else stocks
        now, then = (_by_school(definitions, line, *each) for each in rows)
        shared = np.intersect1d(now[0], then[0])
        found.schools[at] = shared.size
        for window, (school, pairs) in enumerate((now, then)):
            found.pairs[at, window] = pairs[np.isin(school, shared)].sum(axis=0)
    return found


def _schools(visits: Visits, rows: Places) -> Integers:
    return visits.school[rows].astype(np.int64)


def _by_school(
    definitions: Definitions, line: int, rows: Integers, school: Integers
) -> tuple[Integers, Integers]:
    """The schools that answered a line, in order, and their (numerator, denominator)."""
    numerator, denominator, answered = parts_of(definitions, line, rows)
    schools, place = np.unique(school[answered], return_inverse=True)
    parts = np.stack([numerator[answered], denominator[answered]], axis=1)
    return schools, sums.sum_by(place.astype(np.int64), parts, schools.size)
