"""The route that checks a seal: is a printed figure what was known then?

Owns parameters and the answer. What a seal is worth is `seal_keys`'; the figures that it is held
against are made like any other, from what had been recorded by the instant it names.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.indicators import answers
from services.indicators.asking import read_known_at
from services.indicators.figure_routes import Parameters
from services.indicators.replies import periods_of, reply
from services.indicators.seal_keys import Sealer
from services.indicators.snapshots import Snapshots
from services.indicators.unit_routes import Reader
from shared.clients.figure_answers import SealCheck
from shared.errors import invalid

_LONGEST = 100


def add_seals(router: APIRouter, snapshots: Snapshots, sealer: Sealer) -> None:
    """Add the check of seals."""

    @router.get("/v1/units/{unit_id:segment}/seal", response_model=SealCheck)
    async def check(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        seal: Annotated[
            str | None, Query(description="as printed on the card, in any spelling")
        ] = None,
    ) -> Response:
        """Whether a card's check line is genuine, and its figures what was known then.

        `period`, `view` and `known_at` are those printed beside it.
        """
        if not seal or len(seal) > _LONGEST:
            raise invalid("/query/seal", "missing", "The seal is needed, as it is printed.")
        known_at = read_known_at(request.query_params.get("known_at"))
        if known_at is None:
            detail = "The instant is needed that is printed with the seal."
            raise invalid("/query/known_at", "missing", detail)
        async with snapshots.open(known_at, periods_of(request)) as snapshot:
            place = await snapshot.find(unit_id, principal)
            answer = await answers.figures(snapshot, place, asked.question(snapshot))
            document: SealCheck = {
                **answer,
                "verdict": await sealer.judged(snapshot, answer, seal),
            }
            return reply(request, snapshot, document)
