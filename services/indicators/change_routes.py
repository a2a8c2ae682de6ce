"""Routes of what moved between two periods, and of what all intervals work with.

Owns how the other period is named; the split of a change is `changes`', estimates are `estimates`'.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.indicators import changes, estimates
from services.indicators.asking import (
    Question,
    read_figure,
    read_indicators,
    read_known_at,
    read_number,
    read_period,
)
from services.indicators.parameters import (
    DefinitionOf,
    IndicatorsOf,
    KnownAtOf,
    Parameters,
    SplitOf,
)
from services.indicators.replies import answering, reply, unchanged
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.unit_routes import Reader
from shared.clients.change_answers import AllChanges, Change
from shared.clients.figure_answers import AlikenessAnswer
from shared.domain.periods import Period

_MOST = 2**31 - 1
AgainstOf = Annotated[
    str | None,
    Query(description="the period compared with: previous (default), last-year, or any period"),
]


def add_changes(router: APIRouter, snapshots: Snapshots) -> None:
    """Add the routes of changes and of resemblance."""

    answered = answering(snapshots)

    @router.get("/v1/units/{unit_id:segment}/figures/{indicator}/change", response_model=Change)
    async def change(
        request: Request,
        principal: Reader,
        unit_id: str,
        indicator: str,
        asked: Parameters,
        against: AgainstOf = None,
        split: SplitOf = None,
        definition: DefinitionOf = None,
    ) -> Response:
        """The change between two periods, split into same schools and composition."""

        async def answer(snapshot: Snapshot, place: Place) -> Change:
            line, part = read_figure(snapshot.definitions, indicator, split, definition)
            wanted = asked.question(snapshot)
            before = _before(snapshot, wanted, against, asked.ending)
            return await changes.change(snapshot, place, wanted, before, line, part)

        return await answered(request, principal, unit_id, answer)

    @router.get("/v1/units/{unit_id:segment}/change", response_model=AllChanges)
    async def all_changes(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        against: AgainstOf = None,
        most_visits: Annotated[
            str | None,
            Query(description="with more visits than this, changes are not split by school"),
        ] = None,
        indicators: IndicatorsOf = None,
    ) -> Response:
        """The changes of all totals, each split into same schools and composition."""
        most = None if most_visits is None else read_number(most_visits, _MOST_VISITS, 1, _MOST)

        async def answer(snapshot: Snapshot, place: Place) -> AllChanges:
            wanted = asked.question(snapshot)
            before = _before(snapshot, wanted, against, asked.ending)
            lines = read_indicators(snapshot.definitions, indicators)
            return await changes.all_changes(snapshot, place, wanted, before, most, lines)

        return await answered(request, principal, unit_id, answer)

    @router.get("/v1/resemblance", response_model=AlikenessAnswer)
    async def resemblance(request: Request, _: Reader, known_at: KnownAtOf = None) -> Response:
        """What all intervals work with: how alike a school's answers are, and since which night."""
        async with snapshots.open(read_known_at(known_at)) as snapshot:
            return unchanged(request, snapshot) or reply(
                request,
                snapshot,
                await estimates.answer(snapshot.tx, snapshot.definitions, snapshot.knows_until),
            )


_MOST_VISITS = "/query/most_visits"


def _before(
    snapshot: Snapshot, wanted: Question, against: str | None, ending: str | None
) -> Period:
    """The period compared with; a rolling one ends on the same day as the one asked about."""
    if against is None or against == "previous":
        return wanted.period.previous()
    if against == "last-year":
        return wanted.period.year_before()
    return read_period(against, ending, snapshot.today, "/query/against", years=snapshot.years)
