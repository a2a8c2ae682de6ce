"""Routes of the figures: one unit, all below it, over time, siblings, change, evidence.

Owns parameters and their descriptions; what is answered is `answers`', `changes`' and `evidence`'s.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.indicators import answers, changes, evidence
from services.indicators.asking import (
    Question,
    question,
    read_by,
    read_flag,
    read_line,
    read_number,
    read_period,
    read_splits,
)
from services.indicators.replies import cursor as made_cursor
from services.indicators.replies import read_cursor, reply, unchanged
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.unit_routes import Reader
from shared.access import Principal
from shared.clients.figure_answers import (
    AllSeries,
    AsOf,
    Change,
    ChildrenAnswer,
    ChildrenFigures,
    EvidenceAnswer,
    FiguresAnswer,
    Series,
)


class Asked:
    """The query parameters that every figures question takes."""

    def __init__(
        self,
        period: Annotated[
            str | None,
            Query(description="2018, 2018-Q1, 2018-03, 2018-01..2019-05, days, last-30-days"),
        ] = None,
        ending: Annotated[
            str | None, Query(description="the last day of a rolling period, default today")
        ] = None,
        view: Annotated[
            str | None, Query(description="as_was (default) or restated: today's tree throughout")
        ] = None,
        confidence: Annotated[
            str | None, Query(description="of the intervals, 0.5 to 0.999, default 0.90")
        ] = None,
    ) -> None:
        self._asked = (period, ending, view, confidence)

    def question(
        self, snapshot: Snapshot, since: str | None = None, received_until: str | None = None
    ) -> Question:
        """The question, checked; raises Problem 422."""
        return question(snapshot.today, *self._asked, since, received_until)


Parameters = Annotated[Asked, Depends()]
SplitOf = Annotated[str | None, Query(description="a split of the indicator, default the total")]
SplitsOf = Annotated[str | None, Query(description="all or totals")]
Answer = Callable[[Snapshot, Place], Awaitable[Any]]


Answered = Callable[[Request, Principal, str, Answer], Awaitable[Response]]


def add_figures(router: APIRouter, snapshots: Snapshots) -> None:
    """Add the routes of figures."""

    async def answered(
        request: Request, principal: Principal, unit_id: str, answer: Answer
    ) -> Response:
        async with snapshots.open() as snapshot:
            place = await snapshot.find(unit_id, principal)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            return reply(request, snapshot, await answer(snapshot, place))

    @router.get("/v1/figures/version", response_model=AsOf)
    async def version(request: Request, _: Reader) -> Response:
        """How fresh figures are, and the version that changes whenever any answer may."""
        async with snapshots.open() as snapshot:
            return unchanged(request, snapshot) or reply(request, snapshot, snapshot.freshness())

    _add_children(router, answered)
    _add_indicator(router, answered)
    _add_evidence(router, snapshots)
    _add_whole(router, answered)


def _add_children(router: APIRouter, answered: Answered) -> None:
    @router.get("/v1/units/{unit_id:segment}/children/figures", response_model=ChildrenFigures)
    async def children_figures(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        depth: Annotated[str | None, Query(description="levels below, 1 to 3, default 1")] = None,
        splits: SplitsOf = None,
    ) -> Response:
        """All figures of a unit and of the units below it, in one answer."""

        async def answer(snapshot: Snapshot, place: Place) -> ChildrenFigures:
            levels = read_number(depth, "/query/depth", 1, 3)
            wanted = read_splits(splits, "all")
            return await answers.children_figures(
                snapshot, place, asked.question(snapshot), levels, splits=wanted
            )

        return await answered(request, principal, unit_id, answer)


def _add_indicator(router: APIRouter, answered: Answered) -> None:
    @router.get("/v1/units/{unit_id:segment}/figures/{indicator}/series", response_model=Series)
    async def series(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        by: Annotated[str | None, Query(description="month (default), quarter or year")] = None,
        split: SplitOf = None,
    ) -> Response:
        """One indicator over the months, quarters or years of a period."""

        async def answer(snapshot: Snapshot, place: Place) -> Series:
            line = read_line(indicator, split)
            return await answers.series(
                snapshot, place, asked.question(snapshot), line, read_by(by)
            )

        return await answered(request, principal, unit_id, answer)

    @router.get(
        "/v1/units/{unit_id:segment}/figures/{indicator}/children", response_model=ChildrenAnswer
    )
    async def ranked(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        split: SplitOf = None,
        rank: Annotated[str | None, Query(description="true to rank them")] = None,
    ) -> Response:
        """One indicator of the units directly below, with rank and rank interval."""

        async def answer(snapshot: Snapshot, place: Place) -> ChildrenAnswer:
            line = read_line(indicator, split)
            wanted = read_flag(rank, "/query/rank")
            return await answers.ranked(
                snapshot, place, asked.question(snapshot), line, rank=wanted
            )

        return await answered(request, principal, unit_id, answer)

    @router.get("/v1/units/{unit_id:segment}/figures/{indicator}/change", response_model=Change)
    async def change(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        against: Annotated[
            str | None, Query(description="the period compared with, default the one before")
        ] = None,
        split: SplitOf = None,
    ) -> Response:
        """The change between two periods, split into same schools and composition."""

        async def answer(snapshot: Snapshot, place: Place) -> Change:
            line = read_line(indicator, split)
            wanted = asked.question(snapshot)
            before = (
                wanted.period.previous()
                if against is None
                else read_period(against, None, snapshot.today, "/query/against")
            )
            return await changes.change(snapshot, place, wanted, before, line)

        return await answered(request, principal, unit_id, answer)


def _add_evidence(router: APIRouter, snapshots: Snapshots) -> None:
    @router.get(
        "/v1/units/{unit_id:segment}/figures/{indicator}/evidence", response_model=EvidenceAnswer
    )
    async def behind(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        split: SplitOf = None,
        limit: Annotated[str | None, Query(description="about so many a page, to 1,000")] = None,
        cursor: Annotated[str | None, Query(description="from the Link header")] = None,
    ) -> Response:
        """The visit revisions behind a figure and those left out, with reasons, by school."""
        most = read_number(limit, "/query/limit", 200, 1000)
        after = read_cursor(cursor)
        async with snapshots.open() as snapshot:
            place = await snapshot.find(unit_id, principal)
            line = read_line(indicator, split)
            wanted = asked.question(snapshot)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            page = await evidence.evidence(snapshot, place, wanted, line, after, most)
            following = None if page.after is None else made_cursor(page.after)
            document: EvidenceAnswer = {
                **answers.window(snapshot, place, wanted),
                **answers.line_of(line),
                "evidence": page.rows,
                "next": following,
            }
            return reply(request, snapshot, document, following=following)


def _add_whole(router: APIRouter, answered: Answered) -> None:
    @router.get("/v1/units/{unit_id:segment}/series", response_model=AllSeries)
    async def all_series(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        by: Annotated[str | None, Query(description="month (default), quarter or year")] = None,
        splits: SplitsOf = None,
    ) -> Response:
        """All indicators over the months, quarters or years of a period."""

        async def answer(snapshot: Snapshot, place: Place) -> AllSeries:
            wanted = read_splits(splits, "totals")
            return await answers.all_series(
                snapshot, place, asked.question(snapshot), read_by(by), splits=wanted
            )

        return await answered(request, principal, unit_id, answer)

    @router.get("/v1/units/{unit_id:segment}/figures", response_model=FiguresAnswer)
    async def figures(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        since: Annotated[
            str | None, Query(description="adds new_visits: answering visits received after it")
        ] = None,
        received_until: Annotated[
            str | None, Query(description="only visits first received by then, as they are now")
        ] = None,
    ) -> Response:
        """All figures of a unit over a period."""

        async def answer(snapshot: Snapshot, place: Place) -> FiguresAnswer:
            return await answers.figures(
                snapshot, place, asked.question(snapshot, since, received_until)
            )

        return await answered(request, principal, unit_id, answer)
