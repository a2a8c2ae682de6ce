"""One indicator of a unit in depth: beside its past, its parent, its siblings, its target, and the
units below it in order.

Owns which questions are asked and what is set beside what; the value itself is `beside`'s, words
and positions are the format's.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.reports.beside import Below, Comparison, Past
from services.reports.cards import Cards
from services.reports.compare import (
    change,
    clear_change,
    distance,
    expected,
    spread,
    status,
    target_for,
)
from services.reports.figures import Figure, Indicator
from services.reports.gather import Question, chain_of, parent_on
from services.reports.listening import oldest
from services.reports.reading import (
    figure_of,
    moved_of,
    place_of,
    read_catalogue,
    too_many_of,
)
from services.reports.targets import Book, Targets
from shared.access import Principal
from shared.clients import figure_answers as wire
from shared.clients.change_answers import AllChanges, LineChange
from shared.clients.indicators import IndicatorsClient
from shared.clock import rfc3339
from shared.domain.codes import canonical_unit
from shared.domain.ranks import Rank
from shared.errors import not_found

# Splitting a change reads every visit; a page about one indicator may take a few seconds for it.
_MOST_VISITS = 200_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request as it came; `known_at` in microseconds."""

    unit_id: str
    indicator: str
    period: str | None
    ending: str | None
    view: wire.View
    known_at: int | None


class Comparisons:
    """Answers requests for an indicator in depth."""

    def __init__(self, indicators: IndicatorsClient, targets: Targets, cards: Cards) -> None:
        self._indicators = indicators
        self._targets = targets
        self._cards = cards

    @property
    def look_back(self) -> int:
        """For how many days a stock's answer stands."""
        return self._cards.look_back

    async def of(self, wanted: Wanted, principal: Principal) -> Comparison:
        """The comparison; raises Problem 404 outside the caller's units or for no indicator."""
        period = await self._cards.read_period(wanted.period, wanted.ending, wanted.known_at)
        unit = await self._cards.unit_for(wanted.unit_id, principal)
        known_at = None if wanted.known_at is None else rfc3339(wanted.known_at)
        if known_at is not None:
            unit = await self._indicators.unit(wanted.unit_id, known_at=known_at)
        question = Question(unit, period, wanted.view, known_at)
        catalogue = read_catalogue(await self._indicators.catalogue())
        indicator = catalogue.get(wanted.indicator)
        if indicator is None:
            raise not_found("indicator")
        book = await self._targets.read(known_at)
        return await self._gathered(question, indicator, book)

    async def _gathered(self, question: Question, indicator: Indicator, book: Book) -> Comparison:
        parent_id = parent_on(question.unit, question.period.last)
        (before, year_ago), (below, above, parent) = await asyncio.gather(
            asyncio.gather(
                self._changes(question, "previous", indicator.code),
                self._changes(question, "last-year", indicator.code),
            ),
            asyncio.gather(
                self._ranked(question, question.unit["unit_id"], indicator.code),
                self._ranked(question, parent_id, indicator.code),
                self._parent(question, parent_id, indicator.code),
            ),
        )
        line = _line(before, indicator.code)
        if line is None:
            raise not_found("indicator")
        figure = figure_of(line["after"])
        day = date.fromisoformat(before["state_on"])
        chain = await chain_of(self._indicators, question, day)
        above_ids = [canonical_unit(place.unit_id) for place in chain]
        target = target_for(book.targets, above_ids, figure, day)
        path = expected(target, day) if target else None
        others = [] if above is None else above["children"]
        pasts = [_past(answer, indicator.code) for answer in (before, year_ago)]
        return Comparison(
            window=before,
            made_from=oldest(
                [each for each in (before, year_ago, below, above, parent) if each is not None]
            ),
            chain=chain,
            indicator=indicator,
            figure=figure,
            pasts=tuple(dict.fromkeys(past for past in pasts if past is not None)),
            parent=None if parent is None else _total(parent, indicator.code),
            rank=next(
                (_rank(row) for row in others if row["unit_id"] == question.unit["unit_id"]), None
            ),
            siblings=spread([figure_of(row) for row in others]),
            target=target,
            path=path,
            to_target=distance(figure, target.target if target else None),
            to_path=distance(figure, path),
            status=status(figure, target, day, indicator),
            below=_in_order([] if below is None else below["children"]),
        )

    async def _changes(self, question: Question, against: str, indicator: str) -> AllChanges:
        return await self._indicators.changes(
            question.unit["unit_id"],
            question.period.text,
            against=against,
            ending=question.ending,
            view=question.view,
            most_visits=_MOST_VISITS,
            indicators=indicator,
            known_at=question.known_at,
        )

    async def _ranked(
        self, question: Question, unit_id: str | None, indicator: str
    ) -> wire.ChildrenAnswer | None:
        if unit_id is None:
            return None
        return await self._indicators.ranked(
            unit_id,
            indicator,
            question.period.text,
            ending=question.ending,
            view=question.view,
            known_at=question.known_at,
        )

    async def _parent(
        self, question: Question, parent_id: str | None, indicator: str
    ) -> wire.FiguresAnswer | None:
        if parent_id is None:
            return None
        return await self._indicators.figures(
            parent_id,
            question.period.text,
            ending=question.ending,
            view=question.view,
            indicators=indicator,
            known_at=question.known_at,
        )


def _line(answer: AllChanges, code: str) -> LineChange | None:
    return next((row for row in answer["changes"] if row["indicator"] == code), None)


def _past(answer: AllChanges, code: str) -> Past | None:
    row = _line(answer, code)
    if row is None:
        return None
    now, then = figure_of(row["after"]), figure_of(row["before"])
    return Past(
        period=answer["against"],
        first=date.fromisoformat(answer["against_first"]),
        last=date.fromisoformat(answer["against_last"]),
        figure=then,
        change=change(now, then),
        clear=clear_change(now, then),
        moved=moved_of(answer).get(code),
        too_many=too_many_of(answer),
    )


def _total(answer: wire.FiguresAnswer, code: str) -> Figure | None:
    found = (f for f in answer["figures"] if (f["indicator"], f["split"]) == (code, None))
    return next((figure_of(figure) for figure in found), None)


def _rank(row: wire.Child) -> Rank | None:
    rank = row["rank"]
    if rank is None:
        return None
    return Rank(rank["position"], rank["of"], rank["low"], rank["high"])


def _in_order(rows: Sequence[wire.Child]) -> tuple[Below, ...]:
    """The best first, the unmeasured last, equals by name."""
    below = [Below(place_of(row, None), figure_of(row), _rank(row)) for row in rows]
    return tuple(
        sorted(
            below,
            key=lambda each: (
                each.rank.position if each.rank else len(below) + 1,
                each.place.name.casefold(),
                each.place.unit_id,
            ),
        )
    )
