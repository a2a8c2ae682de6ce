"""Gathers what a card is made of from indicators and ingest, all of one version.

Owns which questions are asked and the reading of the answers into `figures`; putting them together
is left to `card`, caching to `cards`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal

from services.reports.card import Gathered
from services.reports.figures import Figure, FigureSet, Indicator, Moved, Place, Point
from services.reports.targets import Book
from shared.clients import figure_answers as wire
from shared.clients.indicators import IndicatorsClient
from shared.domain.days import month_first, month_number
from shared.domain.periods import Kind, Period

_TRIES = 3
_MILLION = 1_000_000
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
    chain = await _chain(client, question, date.fromisoformat(below["state_on"]))
    return Gathered(
        own=replace(
            _figures(below, _asked(below, question.unit["parent_id"]), below), seal=below["seal"]
        ),
        chain=chain,
        parent=None if above is None else _figures(above, _asked(above, None), above),
        previous=None if before is None else _figures(before, _asked(before, None), before),
        siblings=() if above is None else _children(above),
        children=_children(below),
        trends=_trends(series),
        targets=book.targets,
        catalogue=read_catalogue(got.catalogue),
        year_ago=None if got.year_ago is None else figure_set(got.year_ago),
        moved={} if got.changes is None else _moved(got.changes),
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
    changes: wire.AllChanges | None


async def _ask(client: IndicatorsClient, question: Question) -> _Answers:
    unit_id, period, view = question.unit["unit_id"], question.period, question.view
    known_at = question.known_at
    parent_id = _parent_on(question.unit, period.last)

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
        if not has_past:
            return None
        return await client.figures(
            unit_id, period.year_before().text, view=view, known_at=known_at
        )

    async def changes() -> wire.AllChanges | None:
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
    return _Answers(below, parent, previous, series, catalogue, same_last_year, moved)


def _moved(answer: wire.AllChanges) -> dict[str, Moved]:
    """The parts of the changes that could be split."""
    return {
        line["indicator"]: Moved(
            None if line["same_schools"] is None else _millionths(line["same_schools"]),
            _millionths(line["composition"]),
            line["schools_in_both"] or 0,
        )
        for line in answer["changes"]
        if line["composition"] is not None and line["schools_in_both"] is not None
    }


def _millionths(share: float) -> Fraction:
    """A fraction of the wire, of six decimals, exactly."""
    return Fraction(round(share * _MILLION), _MILLION)


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


def _parent_on(unit: wire.UnitDetail, day: date) -> str | None:
    """The unit's parent on a day; the first version serves the days before it."""
    versions = sorted(unit["versions"], key=lambda version: version["valid_from"])
    if not versions:
        return unit["parent_id"]
    begun = [version for version in versions if version["valid_from"] <= day.isoformat()]
    return (begun[-1] if begun else versions[0])["parent_id"]


async def _chain(client: IndicatorsClient, question: Question, day: date) -> tuple[Place, ...]:
    """The unit and its parents: today's, or the parent of `day` with its parents of today."""
    unit = question.unit
    own = _place(unit, unit["parent_id"])
    parent_id = unit["parent_id"] if question.view == "restated" else _parent_on(unit, day)
    if parent_id is None:
        return (own,)
    if parent_id == unit["parent_id"]:
        return (own, *(_place(above, None) for above in unit["chain"]))
    parent = await client.unit(parent_id, known_at=question.known_at)
    return (own, _place(parent, None), *(_place(above, None) for above in parent["chain"]))


def _place(named: wire.UnitName, parent_id: str | None) -> Place:
    return Place(
        named["unit_id"], named["name"], named["level"], dict(named["names"] or {}), parent_id
    )


def _asked(answer: wire.Window, parent_id: str | None) -> Place:
    """The unit that an answer is about."""
    return Place(
        answer["unit"], answer["name"], answer["level"], dict(answer["names"] or {}), parent_id
    )


def _figure(answer: wire.Figure) -> Figure:
    interval = answer["interval"]
    return Figure(
        indicator=answer["indicator"],
        split=answer["split"],
        numerator=answer["numerator"],
        denominator=answer["denominator"],
        visits=answer["visits"],
        schools=answer["schools"],
        interval=None if interval is None else (interval[0], interval[1]),
        state=answer["state"],
        reliable=answer["reliable"],
        definition=answer["definition"],
        n_eff=answer["n_eff"],
    )


def _figures(answer: wire.UnitFigures, place: Place, window: wire.Window) -> FigureSet:
    newest = answer["newest_visit"]
    return FigureSet(
        place=place,
        period=window["period"],
        first=date.fromisoformat(window["first"]),
        last=date.fromisoformat(window["last"]),
        state_on=date.fromisoformat(window["state_on"]),
        as_of=window["as_of"],
        lag_seconds=window["lag_seconds"],
        version=window["version"],
        view=window["view"],
        known_at=window["known_at"],
        resemblance=window["resemblance"],
        visits=answer["visits"],
        schools_visited=answer["schools_visited"],
        schools_registered=answer["schools_registered"],
        coverage=answer["coverage"],
        newest_visit=None if newest is None else date.fromisoformat(newest),
        figures={(f["indicator"], f["split"]): _figure(f) for f in answer["figures"]},
    )


def figure_set(answer: wire.FiguresAnswer) -> FigureSet:
    """A figures answer as a value."""
    return _figures(answer, _asked(answer, None), answer)


def _children(answer: wire.ChildrenFigures) -> tuple[FigureSet, ...]:
    return tuple(
        _figures(child, _place(child, child["parent_id"]), answer) for child in answer["children"]
    )


def _trends(answer: wire.AllSeries) -> dict[str, tuple[Point, ...]]:
    """Each indicator's months up to D; later ones are not yet there to be shown."""
    trends: dict[str, list[Point]] = {}
    for step in answer["series"]:
        if step["first"] > step["state_on"]:
            continue
        first = date.fromisoformat(step["first"])
        for figure in step["figures"]:
            if figure["split"] is None:
                point = Point(step["period"], figure["value"], figure["visits"], first)
                trends.setdefault(figure["indicator"], []).append(point)
    return {code: tuple(points) for code, points in trends.items()}


def read_catalogue(answer: wire.Catalogue) -> Mapping[str, Indicator]:
    """The definitions by code."""
    rows: Sequence[wire.Indicator] = answer["indicators"]
    return {
        row["code"]: Indicator(
            code=row["code"],
            labels=row["labels"],
            basis=row["basis"],
            direction=row["direction"],
            definition=row["definition"],
        )
        for row in rows
    }
