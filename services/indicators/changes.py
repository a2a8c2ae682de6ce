"""The change between two windows: by the same schools, and by having other schools (04 §6).

Owns the split. It needs each school's own sums, so it is answered from the visits.
"""

import asyncio
from dataclasses import dataclass

import numpy as np

from services.indicators import answers, gather, sums
from services.indicators.asking import Question
from services.indicators.catalogue import Definitions
from services.indicators.contributions import whole_pieces
from services.indicators.documents import figure_rows
from services.indicators.figures import MILLION, compute, millionths, parts_of
from services.indicators.gather import Asked
from services.indicators.intervals import Integers, Sampling
from services.indicators.register import Register
from services.indicators.snapshots import Place, Snapshot
from services.indicators.spans import Span
from services.indicators.sums import Grouping
from services.indicators.visits import Visits
from shared.clients.figure_answers import Change, Figure
from shared.domain.periods import Period


@dataclass(frozen=True, slots=True)
class BySchool:
    """Each answering school's numerator and denominator in one window; schools in order."""

    school: Integers
    numerator: Integers
    denominator: Integers

    def of(self, schools: Integers) -> int | None:
        """The value of these schools together in millionths; None when undefined."""
        chosen = np.isin(self.school, schools)
        denominator = self.denominator[chosen].sum(keepdims=True)
        if denominator[0] == 0:
            return None
        numerator = self.numerator[chosen].sum(keepdims=True)
        return int(millionths(numerator, denominator)[0])


async def change(
    snapshot: Snapshot, place: Place, question: Question, before: Period, line: int
) -> Change:
    """How one line moved from `before` to the question's window.

    `same_schools` is what the schools that answered in both windows did together, null when there
    are none; `composition` is the rest, so that the two add to the change exactly.
    """
    spans = (question.span, Span.of(before.first, before.last, snapshot.today))
    asked = snapshot.asked(spans, question.view)
    both = compute(snapshot.definitions, await answers.sums_of(snapshot, asked, [place]), question.confidence)
    (after_figure,), (before_figure,) = figure_rows(snapshot.definitions, both, [line])
    sampled = snapshot.definitions.of(line).sampling in {Sampling.CLUSTERED, Sampling.SCHOOL}
    now, then = await _by_school(snapshot, asked, place, line) if sampled else (_NONE, _NONE)
    shared = np.intersect1d(now.school, then.school)
    total = _difference(_micro(after_figure), _micro(before_figure))
    same = _difference(now.of(shared), then.of(shared)) if shared.size else None
    return {
        **answers.window(snapshot, place, question),
        **answers.line_of(snapshot, line),
        "against": before.text,
        "after": after_figure,
        "before": before_figure,
        "change": _share(total),
        "same_schools": None if total is None else _share(same),
        "composition": None if total is None else _share(total - (same or 0)),
        "schools_in_both": int(shared.size),
        "schools_after": after_figure["schools"],
        "schools_before": before_figure["schools"],
    }


def _micro(figure: Figure) -> int | None:
    return None if figure["value"] is None else round(figure["value"] * MILLION)


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _share(micro: int | None) -> float | None:
    return None if micro is None else micro / MILLION


_NOBODY = np.zeros(0, np.int64)
_NONE = BySchool(_NOBODY, _NOBODY, _NOBODY)


async def _by_school(
    snapshot: Snapshot, asked: Asked, place: Place, line: int
) -> tuple[BySchool, BySchool]:
    """The answering schools in the first and in the second window."""
    if place.unit is not None:
        placed, grouping = asked.placed, sums.by_units(asked.register, [place.unit])
        schools = gather.ever_under(asked.register, grouping)
    else:
        school = place.school or 0
        placed = gather.each_school(asked.register)
        grouping = sums.by_schools(len(asked.register.school_codes), [school])
        schools = np.array([school], np.int64)
    visits = await gather.visits_of(snapshot.tx, asked, schools.tolist())
    first, second = await asyncio.to_thread(
        _both, snapshot.definitions, visits, placed, grouping, asked, line)
    return first, second


def _both(
    definitions: Definitions, visits: Visits, placed: Register, grouping: Grouping, asked: Asked, line: int
) -> list[BySchool]:
    pieces = whole_pieces(visits, placed, asked.look_back)
    inside = grouping.layers[0]
    found = []
    flow = definitions.of(line).basis == "flow"
    values = pieces.flow.values(visits) if flow else None
    for span in asked.spans:
        if values is not None:
            days = pieces.flow.day
            chosen = (days >= span.first) & (days <= span.last) & (inside[pieces.flow.path] >= 0)
            rows, school = values[chosen], visits.school[pieces.flow.row[chosen]]
        else:
            standing = pieces.stock.on(span.state_on)
            chosen = inside[standing.path] >= 0
            rows, school = standing.values(visits)[chosen], visits.school[standing.row[chosen]]
        numerator, denominator, answered = parts_of(definitions, line, rows)
        schools, place = np.unique(school[answered], return_inverse=True)
        parts = np.stack([numerator[answered], denominator[answered]], axis=1)
        summed = sums.sum_by(place.astype(np.int64), parts, schools.size)
        found.append(BySchool(schools.astype(np.int64), summed[:, 0], summed[:, 1]))
    return found
