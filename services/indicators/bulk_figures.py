"""Bulk reads of figures: every figure of a unit and of all below it, over the pieces of a period.

Owns the walk down the tree and the columns; figures are computed as for every other answer. A few
units are asked at a time, so that memory does not grow with the tree.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.indicators.answers import sums_of
from services.indicators.asking import By, Question, pieces
from services.indicators.bulk import Batch, Column, Values
from services.indicators.documents import figure_rows
from services.indicators.figures import compute
from services.indicators.gather import Asked
from services.indicators.snapshots import Place, Snapshot
from services.indicators.spans import Span
from shared.clients.figure_answers import Figure
from shared.domain.days import day_number
from shared.domain.periods import Period

_PIECES_AT_ONCE = 120
"""How many (unit, piece) are computed at a time, each about sixty figures."""
FIGURE_COLUMNS = (
    Column("unit_id", "text"),
    Column("name", "text"),
    Column("level", "text"),
    Column("parent_id", "text"),
    Column("period", "text"),
    Column("first", "day"),
    Column("last", "day"),
    Column("state_on", "day"),
    Column("indicator", "text"),
    Column("split", "text"),
    Column("value", "number"),
    Column("numerator", "whole"),
    Column("denominator", "whole"),
    Column("visits", "whole"),
    Column("schools", "whole"),
    Column("low", "number"),
    Column("high", "number"),
    Column("n_eff", "number"),
    Column("state", "text"),
    Column("reliable", "truth"),
    Column("definition", "whole"),
)
"""What is told of a figure; `value`, `low` and `high` are empty where undefined."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far down: levels below the unit, and whether schools are among them."""

    depth: int
    schools: bool


@dataclass(frozen=True, slots=True)
class _Node:
    place: Place
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class _Steps:
    """The pieces of the period with their windows; `tree_day` is the day whose tree is walked."""

    periods: Sequence[Period]
    spans: tuple[Span, ...]
    tree_day: int


async def figures(
    snapshot: Snapshot, place: Place, question: Question, by: By | None, reach: Reach
) -> AsyncGenerator[Batch, None]:
    """All figures of a unit and of those below it; `by` None is the whole period at once."""
    periods = [question.period] if by is None else pieces(question.period, by, snapshot.years)
    spans = tuple(Span.of(each.first, each.last, snapshot.today) for each in periods)
    tree_day = question.span.state_on if question.view == "as_was" else snapshot.day
    steps = _Steps(periods, spans, tree_day)
    asked = snapshot.asked(spans, question.view)
    most = max(1, _PIECES_AT_ONCE // len(spans))
    nodes: list[_Node] = []
    async for node in _walk(snapshot, _Node(place, None), steps.tree_day, reach):
        nodes.append(node)
        if len(nodes) == most:
            yield await _batch(snapshot, asked, steps, question, nodes)
            nodes = []
    if nodes:
        yield await _batch(snapshot, asked, steps, question, nodes)


async def _walk(snapshot: Snapshot, node: _Node, day: int, reach: Reach) -> AsyncIterator[_Node]:
    """The unit and those below it, each before its own, by name."""
    pending = [(node, reach.depth)]
    while pending:
        here, left = pending.pop()
        yield here
        unit = here.place.unit
        if unit is None or left == 0:
            continue
        below = [
            _Node(snapshot.unit_place(child), here.place.unit_id)
            for child in snapshot.below(unit, day, gone=True)
        ]
        pending += [(child, left - 1) for child in reversed(below)]
        if reach.schools:
            for school in await snapshot.school_places(snapshot.direct_schools(unit, day)):
                yield _Node(school, here.place.unit_id)


async def _batch(
    snapshot: Snapshot, asked: Asked, steps: _Steps, question: Question, nodes: Sequence[_Node]
) -> Batch:
    sums = await sums_of(snapshot, asked, [node.place for node in nodes])
    count = len(steps.spans)
    shown = [
        at
        for at, node in enumerate(nodes)
        if _stays(snapshot, node, steps.tree_day)
        or bool(sums.flow[at * count : (at + 1) * count, 0].any())
    ]
    rows = [at * count + step for at in shown for step in range(count)]
    if not rows:
        return Batch([[] for _ in FIGURE_COLUMNS], 0)
    chosen = sums.rows(np.array(rows, np.int64))

    def made() -> Batch:
        computed = compute(snapshot.definitions, chosen, question.confidence, snapshot.alike)
        found = figure_rows(snapshot.definitions, computed)
        lines = [
            _line(nodes[row // count], steps, row % count, figure)
            for row, figures_of_row in zip(rows, found, strict=True)
            for figure in figures_of_row
        ]
        columns: list[Values] = [list(column) for column in zip(*lines, strict=True)]
        return Batch(columns, len(lines))

    return await asyncio.to_thread(made)


def _stays(snapshot: Snapshot, node: _Node, day: int) -> bool:
    """A unit without visits is told as well; one that has ended only while it has visits."""
    return node.place.unit is None or not snapshot.gone(node.place.unit, day)


def _line(node: _Node, steps: _Steps, step: int, figure: Figure) -> tuple[object, ...]:
    named, period = node.place.named, steps.periods[step]
    low, high = figure["interval"] or (None, None)
    return (
        node.place.unit_id,
        named["name"],
        named["level"],
        node.parent_id,
        period.text,
        day_number(period.first),
        day_number(period.last),
        steps.spans[step].state_on,
        figure["indicator"],
        figure["split"],
        figure["value"],
        figure["numerator"],
        figure["denominator"],
        figure["visits"],
        figure["schools"],
        low,
        high,
        figure["n_eff"],
        figure["state"],
        figure["reliable"],
        figure["definition"],
    )
