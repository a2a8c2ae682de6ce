"""The addresses of the register and of targets.

Owns parameters, paging and entity tags; what an upload means is left to `store` and `targets`.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.bodies import ARRAY
from services.ingest.exchange import json_answer, json_body, next_link, tagged
from services.ingest.reading import Body
from services.ingest.registry.chronicle import Chronicle
from services.ingest.registry.lookup import Lookup
from services.ingest.registry.pages import After, Limit, Pages, Reader, cursor_of, written
from services.ingest.registry.schemas import SchoolIn, TargetIn, UnitIn
from services.ingest.registry.store import Registry, Upserted
from services.ingest.targets import Targets
from services.ingest.waiting import Figures, wants_figures
from shared.access import Principal
from shared.queries import read_instant
from shared.security import require

_UNITS: Body[list[UnitIn]] = Body(list[UnitIn])
_SCHOOLS: Body[list[SchoolIn]] = Body(list[SchoolIn])
_TARGETS: Body[list[TargetIn]] = Body(list[TargetIn])
Writer = Annotated[Principal, Depends(require("registry:write"))]
TargetWriter = Annotated[Principal, Depends(require("targets:write"))]
_STORED = {200: ("Stored", {"stored": 1, "changed": 1, "version": 42})}
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegisterParts:
    """What the addresses of the register work with."""

    pages: Pages
    registry: Registry
    targets: Targets
    figures: Figures
    lookup: Lookup
    chronicle: Chronicle


def router(parts: RegisterParts) -> APIRouter:
    """`/v1/units`, `/v1/schools`, `/v1/registry` and `/v1/targets`."""
    routes = APIRouter(tags=["register"])
    _writing(routes, parts)
    parts.pages.add(routes)
    parts.lookup.add(routes)
    parts.chronicle.add(routes)
    _targets(routes, parts)
    return routes


def _writing(routes: APIRouter, parts: RegisterParts) -> None:
    async def told(request: Request, done: Upserted) -> Response:
        document: Record = {
            "stored": done.stored,
            "changed": done.changed,
            "version": done.version,
        }
        if wants_figures(request.scope["query_string"]):
            document["figures"] = await parts.figures.register(done.version)
        return json_answer(document)

    @routes.put(
        "/v1/units",
        openapi_extra=documents.units_body(),
        responses=documents.answers(_STORED, 400, 404, 413, 415, 422),
    )
    async def put_units(request: Request, caller: Writer) -> Response:
        """Store units with their dates, parents in any order; the same key replaces."""
        items = _UNITS.exact(await json_body(request, ARRAY))
        return await told(request, await parts.registry.put_units(items, caller))

    @routes.put(
        "/v1/schools",
        openapi_extra=documents.schools_body(),
        responses=documents.answers(_STORED, 400, 404, 413, 415, 422),
    )
    async def put_schools(request: Request, caller: Writer) -> Response:
        """Store schools with their dates; visits that waited for them count from now on."""
        items = _SCHOOLS.exact(await json_body(request, ARRAY))
        return await told(request, await parts.registry.put_schools(items, caller))


def _targets(routes: APIRouter, parts: RegisterParts) -> None:
    @routes.put(
        "/v1/targets",
        openapi_extra=documents.targets_body(),
        responses=documents.answers({200: ("Stored", {"stored": 1})}, 400, 404, 413, 415, 422),
    )
    async def put_targets(request: Request, caller: TargetWriter) -> Response:
        """Store targets by unit, indicator, split and first day; the same key replaces."""
        items = _TARGETS.exact(await json_body(request, ARRAY))
        return json_answer({"stored": await parts.targets.put(items, caller)})

    @routes.get(
        "/v1/targets",
        responses=documents.answers(
            {200: ("A page", {"targets": [documents.TARGET_EXAMPLE]})}, 422
        ),
    )
    async def get_targets(
        request: Request,
        caller: Reader,
        unit_id: Annotated[str | None, Query(max_length=110)] = None,
        indicator: Annotated[str | None, Query(max_length=100)] = None,
        known_at: Annotated[
            str | None, Query(description="those that stood at this instant, default now")
        ] = None,
        after: After = None,
        limit: Limit = 500,
    ) -> Response:
        """List targets in order of their units."""
        unit = cursor_of(after)[0]
        instant = read_instant(known_at, "/query/known_at")
        found, onward = await parts.targets.listed(caller, unit_id, indicator, unit, limit, instant)
        answer = json_answer({"targets": found})
        if onward is not None:
            answer.headers["Link"] = next_link(request, written((onward, 0)))
        return tagged(request, answer)
