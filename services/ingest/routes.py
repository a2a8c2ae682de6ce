"""The intake's addresses for visits.

Owns parameters, headers and status codes. Posted visits go to `posting` and `batches`, which stand
in the same table of routes so that there is one list of addresses, needs and documents.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest import documents
from services.ingest.batches import PostBatch
from services.ingest.bodies import SINGLE
from services.ingest.changes import Actor, Changes, revisions_matched
from services.ingest.drafts import Drafter, source_of
from services.ingest.exchange import json_answer, json_body, visit_key
from services.ingest.listing import Listing
from services.ingest.outcomes import Receipt
from services.ingest.posting import PostVisit
from services.ingest.reading import Body
from services.ingest.review.whose import source_for
from services.ingest.schemas import ReviewIn
from services.ingest.waiting import Figures, wants_figures
from shared.access import Principal
from shared.errors import Problem
from shared.security import require

_REVIEW: Body[ReviewIn] = Body(ReviewIn)
Writer = Annotated[Principal, Depends(require("visits:write"))]
Reviewer = Annotated[Principal, Depends(require("visits:review"))]
Source = Annotated[str | None, Query(max_length=100, description="another source, for admins")]


@dataclass(frozen=True, slots=True)
class VisitParts:
    """What the addresses of visits work with."""

    posting: PostVisit
    batches: PostBatch
    drafter: Drafter
    changes: Changes
    listing: Listing
    figures: Figures


def asgi_route(application: ASGIApp) -> type[APIRoute]:
    """A kind of route that is documented like any other and answered by a bare application."""

    class Bare(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            if self.matches(scope)[0] == Match.PARTIAL:
                await super().handle(scope, receive, send)
            else:
                await application(scope, receive, send)

    return Bare


def router(parts: VisitParts) -> APIRouter:
    """`/v1/visits` and what is below it."""
    routes = APIRouter(tags=["intake"])
    _posted(routes, parts)
    _changed(routes, parts)
    parts.listing.add(routes)
    return routes


def _posted(routes: APIRouter, parts: VisitParts) -> None:
    async def post_visit(_: Writer) -> None:
        """Post one visit; the same content under the same id again gets the first receipt."""

    async def post_batch(_: Writer) -> None:
        """Post many visits as an array or as NDJSON, and get an answer for each."""

    routes.add_api_route(
        "/v1/visits",
        post_visit,
        methods=["POST"],
        status_code=201,
        route_class_override=asgi_route(parts.posting),
        openapi_extra=documents.visit_body() | {"parameters": [documents.WAIT]},
        responses=documents.answers(
            documents.receipts(200, 201, 202), 400, 404, 409, 410, 413, 415, 422
        ),
    )
    routes.add_api_route(
        "/v1/visits/batch",
        post_batch,
        methods=["POST"],
        route_class_override=asgi_route(parts.batches),
        openapi_extra=documents.batch_body() | {"parameters": [documents.WAIT]},
        responses=documents.answers(
            {200: ("An answer for each item", documents.BATCH_EXAMPLE)}, 400, 413, 415, 422
        ),
    )


def _changed(routes: APIRouter, parts: VisitParts) -> None:
    async def told(request: Request, receipt: Receipt) -> Response:
        if wants_figures(request.scope["query_string"]):
            receipt.figures = await parts.figures.visit(
                receipt.source, receipt.visit_id, receipt.revision
            )
        return json_answer(receipt, ETag=f'"{receipt.revision}"')

    @routes.put(
        "/v1/visits/{visit_id}",
        openapi_extra=documents.correction_body(),
        responses=documents.answers(documents.receipts(200), 400, 404, 412, 413, 415, 422, 428),
    )
    async def put_visit(
        request: Request, visit_id: str, caller: Writer, source: Source = None
    ) -> Response:
        """Correct a visit, or restore a withdrawn one, with `If-Match: "<revision>"`."""
        match = request.headers.get("if-match")
        if match is None:
            detail = 'Name the revision that is corrected: If-Match: "1".'
            raise Problem(428, "if_match_missing", detail)
        raw = await json_body(request, SINGLE)
        actor = Actor(caller, source_of(caller, source))
        draft = parts.drafter.put(raw, caller, actor.source, visit_key(visit_id))
        receipt = await parts.changes.correct(actor, draft, revisions_matched(match))
        return await told(request, receipt)

    @routes.delete(
        "/v1/visits/{visit_id}",
        responses=documents.answers(documents.receipts(200), 404, 412),
    )
    async def delete_visit(
        request: Request,
        visit_id: str,
        caller: Writer,
        reason: Annotated[str | None, Query(max_length=200)] = None,
        source: Source = None,
    ) -> Response:
        """Withdraw a visit: it counts no more, its history stays, PUT restores it."""
        actor = Actor(caller, source_of(caller, source), reason)
        match = revisions_matched(request.headers.get("if-match"))
        receipt = await parts.changes.withdraw(actor, visit_key(visit_id), match)
        return await told(request, receipt)

    @routes.post(
        "/v1/visits/{visit_id}/review",
        openapi_extra=documents.review_body(),
        responses=documents.answers(documents.receipts(200), 400, 404, 409, 410, 415, 422),
    )
    async def review_visit(
        request: Request, visit_id: str, caller: Reviewer, source: Source = None
    ) -> Response:
        """Exclude a visit from all figures, include it again, or release it from quarantine."""
        review = _REVIEW.exact(await json_body(request, SINGLE))
        actor = Actor(caller, source_for(caller, source), review.reason, review.note)
        receipt = await parts.changes.review(actor, visit_key(visit_id), review.decision)
        return await told(request, receipt)
