"""Routes of the figures: one unit, all below it, over time, siblings, evidence.

Owns which parameters each takes; what is answered is `answers`' and `evidence`'s, changes have
routes of their own.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.indicators import answers, evidence
from services.indicators.asking import (
    read_by,
    read_figure,
    read_flag,
    read_indicators,
    read_kind,
    read_lang,
    read_number,
    read_splits,
)
from services.indicators.documents import label
from services.indicators.parameters import (
    ByOf,
    CursorOf,
    DefinitionOf,
    IndicatorsOf,
    LangOf,
    Parameters,
    SealOf,
    SplitOf,
    SplitsOf,
)
from services.indicators.replies import (
    Answered,
    answering,
    known_by,
    periods_of,
    read_cursor,
    reply,
    unchanged,
)
from services.indicators.replies import cursor as made_cursor
from services.indicators.seal_keys import Sealer
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.unit_routes import Reader
from shared.clients.figure_answers import (
    AllSeries,
    AsOf,
    ChildrenAnswer,
    ChildrenFigures,
    EvidenceAnswer,
    FiguresAnswer,
    Series,
)
from shared.errors import Problem, invalid


def add_figures(router: APIRouter, snapshots: Snapshots, sealer: Sealer) -> None:
    """Add the routes of figures."""

    answered = answering(snapshots)

    @router.get("/v1/figures/version", response_model=AsOf)
    async def version(request: Request, _: Reader) -> Response:
        """How fresh figures are, and the version that changes whenever any answer may."""
        async with snapshots.open() as snapshot:
            return unchanged(request, snapshot) or reply(request, snapshot, snapshot.freshness())

    _add_children(router, answered, sealer)
    _add_indicator(router, answered)
    _add_evidence(router, snapshots)
    _add_whole(router, answered, sealer)


def _add_children(router: APIRouter, answered: Answered, sealer: Sealer) -> None:
    @router.get("/v1/units/{unit_id:segment}/children/figures", response_model=ChildrenFigures)
    async def children_figures(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        depth: Annotated[str | None, Query(description="levels below, 1 to 3, default 1")] = None,
        splits: SplitsOf = None,
        seal: SealOf = None,
        lang: LangOf = None,
    ) -> Response:
        """All figures of a unit and of the units below it, in one answer."""

        async def answer(snapshot: Snapshot, place: Place) -> ChildrenFigures:
            levels, language = read_number(depth, "/query/depth", 1, 3), read_lang(lang)
            wanted = read_splits(splits, "all")
            sealed = read_flag(seal, "/query/seal")
            if sealed and not wanted:
                raise _only_whole()
            found = await answers.children_figures(
                snapshot, place, asked.question(snapshot), levels, splits=wanted
            )
            if sealed:
                found["seal"] = await sealer.seal(snapshot, found)
            if language is not None:
                for each in (found, *found["children"]):
                    label(snapshot.definitions, each["figures"], language)
            return found

        return await answered(request, principal, unit_id, answer)


def _add_indicator(router: APIRouter, answered: Answered) -> None:
    @router.get("/v1/units/{unit_id:segment}/figures/{indicator}/series", response_model=Series)
    async def series(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        by: ByOf = None,
        split: SplitOf = None,
        definition: DefinitionOf = None,
    ) -> Response:
        """One indicator over the months, quarters, years or school years of a period."""

        async def answer(snapshot: Snapshot, place: Place) -> Series:
            line, part = read_figure(snapshot.definitions, indicator, split, definition)
            return await answers.series(
                snapshot, place, asked.question(snapshot), line, read_by(by), part
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
        definition: DefinitionOf = None,
        rank: Annotated[str | None, Query(description="true to rank them")] = None,
    ) -> Response:
        """One indicator of the units directly below, with rank and rank interval."""

        async def answer(snapshot: Snapshot, place: Place) -> ChildrenAnswer:
            line, part = read_figure(snapshot.definitions, indicator, split, definition)
            wanted = read_flag(rank, "/query/rank")
            return await answers.ranked(
                snapshot, place, asked.question(snapshot), line, part, rank=wanted
            )

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
        definition: DefinitionOf = None,
        limit: Annotated[str | None, Query(description="about so many a page, to 1,000")] = None,
        cursor: CursorOf = None,
    ) -> Response:
        """The visit revisions behind a figure and those left out, with reasons, by school."""
        most = read_number(limit, "/query/limit", 200, 1000)
        after = read_cursor(cursor)
        async with snapshots.open(known_by(request), periods_of(request)) as snapshot:
            place = await snapshot.find(unit_id, principal)
            line, part = read_figure(snapshot.definitions, indicator, split, definition)
            wanted = asked.question(snapshot)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            page = await evidence.evidence(snapshot, place, wanted, line, after, most, part)
            following = None if page.after is None else made_cursor(page.after)
            document: EvidenceAnswer = {
                **answers.window(snapshot, place, wanted),
                **answers.line_of(snapshot, line, part),
                "evidence": page.rows,
                "next": following,
            }
            return reply(request, snapshot, document, following=following)


def _add_whole(router: APIRouter, answered: Answered, sealer: Sealer) -> None:
    @router.get("/v1/units/{unit_id:segment}/series", response_model=AllSeries)
    async def all_series(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        by: ByOf = None,
        splits: SplitsOf = None,
    ) -> Response:
        """All indicators over the months, quarters, years or school years of a period."""

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
        indicators: IndicatorsOf = None,
        split_by: Annotated[
            str | None,
            Query(
                description="adds the parts: school_gender, school_level, zone, shift, visit_type"
            ),
        ] = None,
        seal: SealOf = None,
        lang: LangOf = None,
    ) -> Response:
        """All figures of a unit over a period."""

        async def answer(snapshot: Snapshot, place: Place) -> FiguresAnswer:
            lines = read_indicators(snapshot.definitions, indicators)
            kind = read_kind(snapshot.definitions, split_by)
            wanted = asked.question(snapshot, since, received_until)
            sealed, language = read_flag(seal, "/query/seal"), read_lang(lang)
            if sealed and not (lines is None and kind is None and wanted.received_until is None):
                raise _only_whole()
            found = await answers.figures(snapshot, place, wanted, lines, kind)
            if sealed:
                found["seal"] = await sealer.seal(snapshot, found)
            if language is not None:
                label(snapshot.definitions, found["figures"], language)
            return found

        return await answered(request, principal, unit_id, answer)


def _only_whole() -> Problem:
    detail = "A seal is of all figures of a unit: it cannot be given for some of them."
    return invalid("/query/seal", "not_whole", detail)
