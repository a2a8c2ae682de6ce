"""`/v1/calendar`: the calendar by which visits are flagged, version by version."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.bodies import ARRAY
from services.ingest.calendar_form import CalendarIn
from services.ingest.calendar_store import CalendarStore
from services.ingest.changes import revisions_matched
from services.ingest.exchange import json_answer, json_body, tagged
from services.ingest.reading import Body
from shared.access import Principal
from shared.queries import Day, read_instant
from shared.security import require

_CALENDAR: Body[CalendarIn] = Body(CalendarIn)
Reader = Annotated[Principal, Depends(require("registry:read"))]
Writer = Annotated[Principal, Depends(require("registry:write"))]
EXAMPLE: dict[str, Any] = {
    "name": "Balochistan",
    "valid_from": "2026-01-01",
    "weekly_holidays": ["sunday"],
    "yearly_holidays": [{"day": "03-23", "name": "Pakistan Day"}],
    "holidays": [{"date": "2026-03-21", "name": "Eid-ul-Fitr"}],
    "hours": {"opens": "07:30", "closes": "14:30"},
    "zones": [{"zone": "winter", "vacations": [{"from": "12-16", "to": "02-29"}]}],
    "school_year": {"starts": "03-01"},
}
_ANSWER = EXAMPLE | {
    "version": 1,
    "recorded_at": "2026-01-05T06:00:00.000000Z",
    "default_zone": None,
    "first_day": "2018-01-01",
    "look_back_days": 365,
}
_LISTED = {
    name: _ANSWER[name] for name in ("version", "valid_from", "recorded_at", "name", "school_year")
}


def router(store: CalendarStore) -> APIRouter:
    """The routes of the calendar."""
    routes = APIRouter(tags=["register"])

    @routes.put(
        "/v1/calendar",
        openapi_extra=documents.body(CalendarIn, EXAMPLE),
        responses=documents.answers({200: ("Stored", _ANSWER)}, 400, 412, 413, 415, 422),
    )
    async def put_calendar(request: Request, caller: Writer) -> Response:
        """Store a calendar that holds from `valid_from` on; the same again changes nothing.

        Visits taken from now on are flagged by it; flags that were given stay until a correction.
        """
        form = _CALENDAR.exact(await json_body(request, ARRAY))
        versions = revisions_matched(request.headers.get("if-match"))
        known = None if versions is None else min(versions, default=-1)
        return _told(await store.put(form, caller, known))

    @routes.get(
        "/v1/calendar", responses=documents.answers({200: ("The calendar", _ANSWER)}, 404, 422)
    )
    async def get_calendar(
        request: Request,
        _: Reader,
        on: Annotated[Day | None, Query(description="default today")] = None,
        version: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        known_at: Annotated[
            str | None, Query(description="by what had been recorded at this instant, default now")
        ] = None,
    ) -> Response:
        """Read the calendar that holds on a day, or one version; version 0 is the default."""
        instant = read_instant(known_at, "/query/known_at")
        answer = _told(await store.read(on, version, instant))
        tag = answer.headers["ETag"]
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return answer

    @routes.get(
        "/v1/calendar/versions",
        responses=documents.answers({200: ("All versions", {"versions": [_LISTED]})}),
    )
    async def get_versions(request: Request, _: Reader) -> Response:
        """List all versions of the calendar, the default first."""
        return tagged(request, json_answer({"versions": await store.versions()}))

    return routes


def _told(document: dict[str, Any]) -> Response:
    return json_answer(document, ETag=f'"{document["version"]}"')
