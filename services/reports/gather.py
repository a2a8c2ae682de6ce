"""Gathers what a card is made of from indicators and ingest, all of one version.

Owns which questions are asked; reading the answers is left to `reading`, putting them together to
`card`, caching to `cards`.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from services.reports.card import Gathered
from services.reports.figures import Place
from services.reports.reading import (
    asked_of,
    children_of,
    figure_set,
    figures_of,
    moved_of,
    place_of,
    read_catalogue,
    too_many_of,
    trends_of,
)
from services.reports.targets import Book
from shared.clients import figure_answers as wire
from shared.clients.change_answers import AllChanges
from shared.clients.indicators import IndicatorsClient
from shared.domain.days import month_first, month_number
from shared.domain.periods import Kind, Period

_TRIES = 3
# Splitting a change reads every visit: beyond so many a card would keep its reader waiting.
_MOST_VISITS = 60_000
_LEAST_MONTHS, _TREND_MONTHS = 6, 12
_MOST_MONTHS, _MOST_QUARTERS = 60, 240
# Figures are kept for these years; a period before them has nothing to be compared with.
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Question:
    """What card is wanted: the unit as it is today, the period, and how to place visits.

    With `known_at` (RFC 3339) the unit, and everything else, is what was known at that instant.
    """

    unit: wire.UnitDetail
    period: Period
    view: wire.View
    known_at: str | None = None

    @property
    def ending(self) -> date | None:
        """The anchor of a rolling period; others need none."""
        return self.period.last if self.period.kind is Kind.ROLLING else None


async def gather(client: IndicatorsClient, question: Question, book: Book) -> Gathered:
    """Everything for a card.

    The answers are asked for together and again when a fold came between them, a few times: a
    card is one consistent cut wherever figures hold still for some milliseconds.
    """
    for attempt in range(_TRIES):
        got = await _ask(client, question)
        below, above, before, series = got.below, got.above, got.before, got.series
        answers = (below, above, before, series, got.year_ago, got.changes)
        versions = {answer["version"] for answer in answers if answer is not None}
        if len(versions) == 1 or attempt == _TRIES - 1:
            break
    chain = await chain_of(client, question, date.fromisoformat(below["state_on"]))
    return Gathered(
        own=replace(
            figures_of(below, asked_of(below, question.unit["parent_id"]), below),
            seal=below["seal"],
        ),
        chain=chain,
        parent=None if above is None else figures_of(above, asked_of(above, None), above),
        previous=None if before is None else figures_of(before, asked_of(before, None), before),
        siblings=() if above is None else children_of(above),
        children=children_of(below),
        trends=trends_of(series),
        targets=book.targets,
        catalogue=read_catalogue(got.catalogue),
        year_ago=None if got.year_ago is None else figure_set(got.year_ago),
        moved={} if got.changes is None else moved_of(got.changes),
        too_many=None if got.changes is None else too_many_of(got.changes),
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the indicators service answered; None where there is nothing to compare with."""

    below: wire.ChildrenFigures
    above: wire.ChildrenFigures | None
    before: wire.FiguresAnswer | None
    series: wire.AllSeries
    catalogue: wire.Catalogue
    year_ago: wire.FiguresAnswer | None
    changes: AllChanges | None


async def _ask(client: IndicatorsClient, question: Question) -> _Answers:
    unit_id, period, view = question.unit["unit_id"], question.period, question.view
    known_at = question.known_at
    parent_id = parent_on(question.unit, period.last)

    async def above() -> wire.ChildrenFigures | None:
        if parent_id is None:
            return None
        return await client.children_figures(
            parent_id, period.text, ending=question.ending, view=view, known_at=known_at
        )

    has_past = (period.first - EARLIEST).days >= max(period.days, 366) + 31

    async def before() -> wire.FiguresAnswer | None:
        if not has_past:
            return None
        return await client.figures(unit_id, period.previous().text, view=view, known_at=known_at)

    async def year_ago() -> wire.FiguresAnswer | None:
        if not has_past or _of_one_period(period):
            return None
        return await client.figures(
            unit_id, period.year_before().text, view=view, known_at=known_at
        )

    async def changes() -> AllChanges | None:
        if not has_past:
            return None
        return await client.changes(
            unit_id,
            period.text,
            ending=question.ending,
            view=view,
            most_visits=_MOST_VISITS,
            known_at=known_at,
        )

    trend = _trend_period(period)
    asked = asyncio.gather(
        client.children_figures(
            unit_id,
            period.text,
            ending=question.ending,
            view=view,
            splits="all",
            known_at=known_at,
            seal=True,
        ),
        client.all_series(
            unit_id,
            trend.text,
            ending=question.ending if trend is period else None,
            view=view,
            by=_step(trend),
            known_at=known_at,
        ),
        client.catalogue(),
    )
    compared = asyncio.gather(above(), before(), year_ago(), changes())
    (below, series, catalogue), beside = await asyncio.gather(asked, compared)
    parent, previous, same_last_year, moved = beside
    if has_past and _of_one_period(period):
        same_last_year = previous
    return _Answers(below, parent, previous, series, catalogue, same_last_year, moved)


def _of_one_period(period: Period) -> bool:
    """Whether the period before is that of the year before, as a year's is: it is asked once."""
    return period.previous().text == period.year_before().text


def _trend_period(period: Period) -> Period:
    """The period itself, or the twelve months up to its last when it is short."""
    last = month_number(period.last)
    if last - month_number(period.first) + 1 >= _LEAST_MONTHS:
        return period
    first = month_first(last - _TREND_MONTHS + 1)
    return Period(f"{first:%Y-%m}..{period.last:%Y-%m}", first, period.last, Kind.MONTHS)


def _step(period: Period) -> Literal["month", "quarter", "year"]:
    """Months; for very long periods quarters or years."""
    months = month_number(period.last) - month_number(period.first) + 1
    if months <= _MOST_MONTHS:
        return "month"
    return "quarter" if months <= _MOST_QUARTERS else "year"


def parent_on(unit: wire.UnitDetail, day: date) -> str | None:
    """The unit's parent on a day; the first version serves the days before it."""
    versions = sorted(unit["versions"], key=lambda version: version["valid_from"])
    if not versions:
        return unit["parent_id"]
    begun = [version for version in versions if version["valid_from"] <= day.isoformat()]
    return (begun[-1] if begun else versions[0])["parent_id"]


async def chain_of(client: IndicatorsClient, question: Question, day: date) -> tuple[Place, ...]:
    """The unit and its parents: today's, or the parent of `day` with its parents of today."""
    unit = question.unit
    own = place_of(unit, unit["parent_id"])
    parent_id = unit["parent_id"] if question.view == "restated" else parent_on(unit, day)
    if parent_id is None:
        return (own,)
    if parent_id == unit["parent_id"]:
        return (own, *(place_of(above, None) for above in unit["chain"]))
    parent = await client.unit(parent_id, known_at=question.known_at)
    return (own, place_of(parent, None), *(place_of(above, None) for above in parent["chain"]))
