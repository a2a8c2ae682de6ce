"""The answers: figures of a unit, of those below it, over time, and siblings in order.

Owns what stands around the figures on the wire and which units and windows each answer needs.
Evidence and change have modules of their own.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from services.indicators import gather, parts
from services.indicators.asking import By, Question, pieces
from services.indicators.catalogue import Definitions
from services.indicators.documents import figure_rows, unit_figures
from services.indicators.figures import Sums, compute
from services.indicators.gather import Asked
from services.indicators.ranks import ranks
from services.indicators.snapshots import Place, Snapshot
from services.indicators.spans import Span
from services.indicators.traits import Part
from shared.clients.figure_answers import (
    AllSeries,
    Child,
    ChildFigures,
    ChildrenAnswer,
    ChildrenFigures,
    Figure,
    FiguresAnswer,
    LineName,
    Piece,
    Series,
    UnitFigures,
    Window,
)
from shared.clock import rfc3339
from shared.domain.days import day_date
from shared.domain.periods import Period

_MANY = 8
"""Rows from which on the arithmetic leaves the event loop to other requests."""


def window(snapshot: Snapshot, place: Place, question: Question) -> Window:
    """What was asked, as every answer repeats it."""
    named = place.named
    return {
        **snapshot.freshness(),
        "unit": place.unit_id,
        "name": named["name"],
        "names": named["names"],
        "level": named["level"],
        "period": question.period.text,
        "first": question.period.first.isoformat(),
        "last": question.period.last.isoformat(),
        "state_on": day_date(question.span.state_on).isoformat(),
        "view": question.view,
        "known_at": None if snapshot.known_at is None else rfc3339(snapshot.known_at),
        "resemblance": snapshot.alike.version,
    }


def visits_made(definitions: Definitions) -> int:
    """The column of the visits themselves."""
    place = definitions.place("visits_made")
    return 0 if place is None else place


def line_of(snapshot: Snapshot, line: int, part: Part | None = None) -> LineName:
    """The indicator and split of a column, or of a part of it."""
    found = snapshot.definitions.lines[line]
    return {
        "indicator": found.indicator,
        "split": found.split if part is None else part.split,
        "definition": found.version,
    }


async def figures(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    lines: Sequence[int] | None = None,
    kind: str | None = None,
) -> FiguresAnswer:
    """All figures (or those of some lines) of one unit over one window, and their parts by kind."""
    asked = snapshot.asked((question.span,), question.view, question.received_until)
    sums = await sums_of(snapshot, asked, [place])
    new = None
    if question.since is not None:
        newer = await gather.new_visits(
            snapshot.tx, asked, question.since, unit=place.unit, school=place.school
        )
        new = compute(snapshot.definitions, newer, question.confidence, snapshot.alike).visits
    found = compute(snapshot.definitions, sums, question.confidence, snapshot.alike)
    rows = figure_rows(
        snapshot.definitions, found if lines is None else found.only(lines), None, new
    )
    if kind is not None:
        rows[0] += await parts.figure_parts(snapshot, asked, place, question, lines, kind)
    return {**window(snapshot, place, question), **unit_figures(sums, rows)[0], "seal": None}


async def children_figures(
    snapshot: Snapshot, place: Place, question: Question, depth: int, *, splits: bool
) -> ChildrenFigures:
    """All figures of a unit and of those below it, down to `depth` levels."""
    asked = snapshot.asked((question.span,), question.view)
    parents: dict[str, str] = {}
    below: list[Place] = []
    layer = [place]
    for _ in range(depth):
        found = [(parent, await _below(snapshot, parent, question)) for parent in layer]
        layer = [child for _, places in found for child in places]
        for parent, places in found:
            parents.update((child.unit_id, parent.unit_id) for child in places)
        below += layer
    sums = await sums_of(snapshot, asked, [place, *below])
    documents = await _documents(
        snapshot, sums, question.confidence, None if splits else snapshot.definitions.totals
    )
    children: list[ChildFigures] = [
        {**child.named, "parent_id": parents[child.unit_id], **document}
        for child, document in zip(below, documents[1:], strict=True)
        if _stays(snapshot, child, question, document["visits"])
    ]
    return {
        **window(snapshot, place, question),
        **documents[0],
        "children": children,
        "seal": None,
    }


async def series(  # what is asked, each part once
    snapshot: Snapshot,
    place: Place,
    question: Question,
    line: int,
    by: By,
    part: Part | None = None,
) -> Series:
    """One line over the pieces of the period; stocks are those on the last day of each piece."""
    steps, spans = _steps(snapshot, question, by)
    asked = snapshot.asked(spans, question.view)
    sums = await sums_of(snapshot, asked, [place], part)
    rows = figure_rows(
        snapshot.definitions,
        compute(snapshot.definitions, sums, question.confidence, snapshot.alike),
        [line],
    )
    parts.named(rows, part)
    return {
        **window(snapshot, place, question),
        **line_of(snapshot, line, part),
        "by": by,
        "series": [
            {**piece, **row[0]} for piece, row in zip(_pieces(steps, spans), rows, strict=True)
        ],
    }


async def all_series(
    snapshot: Snapshot, place: Place, question: Question, by: By, *, splits: bool
) -> AllSeries:
    """All indicators over the pieces of the period."""
    steps, spans = _steps(snapshot, question, by)
    sums = await sums_of(snapshot, snapshot.asked(spans, question.view), [place])
    documents = await _documents(
        snapshot, sums, question.confidence, None if splits else snapshot.definitions.totals
    )
    return {
        **window(snapshot, place, question),
        "by": by,
        "series": [
            {**piece, **document}
            for piece, document in zip(_pieces(steps, spans), documents, strict=True)
        ],
    }


async def ranked(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    line: int,
    part: Part | None = None,
    *,
    rank: bool,
) -> ChildrenAnswer:
    """One line of the units directly below, with ranks when asked for."""
    asked = snapshot.asked((question.span,), question.view)
    below = await _below(snapshot, place, question)
    sums = await sums_of(snapshot, asked, below, part)
    made = visits_made(snapshot.definitions)
    documents = figure_rows(
        snapshot.definitions,
        compute(snapshot.definitions, sums, question.confidence, snapshot.alike),
        [line, made],
    )
    parts.named(documents, part)
    kept = [
        (child, row[0])
        for child, row in zip(below, documents, strict=True)
        if _stays(snapshot, child, question, row[1]["numerator"])
    ]
    lower = snapshot.definitions.of(line).direction == "lower"
    standing = ranks([figure for _, figure in kept], lower_is_better=lower)
    children: list[Child] = [
        {**child.named, **figure, "rank": place_of if rank else None}
        for (child, figure), place_of in zip(kept, standing, strict=True)
    ]
    return {
        **window(snapshot, place, question),
        **line_of(snapshot, line, part),
        "children": children,
    }


def _steps(snapshot: Snapshot, question: Question, by: By) -> tuple[list[Period], tuple[Span, ...]]:
    steps = pieces(question.period, by, snapshot.years)
    return steps, tuple(Span.of(step.first, step.last, snapshot.today) for step in steps)


def _pieces(steps: Sequence[Period], spans: Sequence[Span]) -> list[Piece]:
    return [
        {
            "period": step.text,
            "first": step.first.isoformat(),
            "last": step.last.isoformat(),
            "state_on": day_date(span.state_on).isoformat(),
        }
        for step, span in zip(steps, spans, strict=True)
    ]


def _tree_day(snapshot: Snapshot, question: Question) -> int:
    """The day whose tree an answer shows: D, or today when restated."""
    return question.span.state_on if question.view == "as_was" else snapshot.day


async def _below(snapshot: Snapshot, place: Place, question: Question) -> list[Place]:
    """The units directly under a unit, and the schools directly under it (a cluster's)."""
    if place.unit is None:
        return []
    day = _tree_day(snapshot, question)
    units = [snapshot.unit_place(unit) for unit in snapshot.below(place.unit, day, gone=True)]
    direct = snapshot.direct_schools(place.unit, day)
    return units + await snapshot.school_places(direct)


def _active(snapshot: Snapshot, child: Place, question: Question) -> bool:
    """Whether a school is active on D."""
    register = snapshot.register
    day = np.array([question.span.state_on], np.int32)
    at = register.segment_at(np.array([child.school], np.int32), day)
    return bool(register.seg_active[at[0]] == 1)


def _stays(snapshot: Snapshot, child: Place, question: Question, visits: int) -> bool:
    """A unit without visits stays on every list; what has ended only while it has visits."""
    if visits > 0:
        return True
    if child.unit is not None:
        return not snapshot.gone(child.unit, _tree_day(snapshot, question))
    return _active(snapshot, child, question)


async def sums_of(
    snapshot: Snapshot, asked: Asked, places: Sequence[Place], part: Part | None = None
) -> Sums:
    """The sums of some places (or of one part of each) in their order, windows running fastest."""
    units = [place.unit for place in places if place.unit is not None]
    schools = [place.school for place in places if place.school is not None]
    if not schools:
        return await parts.of_units(snapshot.tx, asked, units, part)
    of_schools = await parts.of_schools(snapshot.tx, asked, schools, part)
    if not units:
        return of_schools
    of_units = await parts.of_units(snapshot.tx, asked, units, part)
    windows = len(asked.spans)
    unit_rows = iter(np.arange(len(units) * windows).reshape(-1, windows))
    school_rows = iter(
        len(units) * windows + np.arange(len(schools) * windows).reshape(-1, windows)
    )
    order = [next(school_rows if place.unit is None else unit_rows) for place in places]
    return of_units.and_also(of_schools).rows(np.concatenate(order))


async def _documents(
    snapshot: Snapshot, sums: Sums, confidence: float, lines: Sequence[int] | None
) -> list[UnitFigures]:
    def made() -> list[UnitFigures]:
        rows: list[list[Figure]] = figure_rows(
            snapshot.definitions,
            compute(snapshot.definitions, sums, confidence, snapshot.alike),
            lines,
        )
        return unit_figures(sums, rows)

    return await asyncio.to_thread(made) if sums.covered.size >= _MANY else made()
