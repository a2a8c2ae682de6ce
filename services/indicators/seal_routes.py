"""The route that checks a seal: is a printed figure what was known then?

Owns parameters and the answer. What a seal is worth is `seal_keys`'; the figures that it is held
against are made of the visits that had been recorded by the instant it names, of no sum held.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.indicators import answers
from services.indicators.asking import question, read_known_at
from services.indicators.replies import periods_of, reply
from services.indicators.seal_keys import Sealer
from services.indicators.snapshots import Snapshots
from services.indicators.unit_routes import Reader
from shared.clients.figure_answers import SealCheck

_LONGEST = 100


def add_seals(router: APIRouter, snapshots: Snapshots, sealer: Sealer) -> None:
    """Add the check of seals."""

    @router.get("/v1/units/{unit_id:segment}/seal", response_model=SealCheck)
    async def check(
        request: Request,
        principal: Reader,
        unit_id: str,
        seal: Annotated[
            str, Query(max_length=_LONGEST, description="as printed on the card, however typed")
        ],
        known_at: Annotated[str, Query(description="the instant printed on the card")],
        period: Annotated[str | None, Query(description="the days printed on the card")] = None,
        view: Annotated[str | None, Query(description="as_was (default) or restated")] = None,
    ) -> Response:
        """Whether a card's check line is genuine, and its figures what was known then.

        `period`, `view` and `known_at` are those printed beside it.
        """
        opened = snapshots.open(read_known_at(known_at), periods_of(request), without_cells=True)
        async with opened as snapshot:
            place = await snapshot.find(unit_id, principal)
            asked = question(snapshot.today, period, None, view, years=snapshot.years)
            answer = await answers.figures(snapshot, place, asked)
            document: SealCheck = {
                **answer,
                "verdict": await sealer.judged(snapshot, answer, seal),
            }
            return reply(request, snapshot, document)
