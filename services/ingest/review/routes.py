"""The addresses of reviewing: the queue, replies to a visit, and the monitors' table.

Owns parameters, paging and who may ask. A decision is taken at `/v1/visits/{visit_id}/review`,
beside the other changes of a visit.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from services.ingest import documents
from services.ingest.bodies import SINGLE
from services.ingest.drafts import Drafter
from services.ingest.exchange import json_answer, json_body, next_link, tagged, visit_key
from services.ingest.intake import refresh
from services.ingest.reading import Body
from services.ingest.review import monitors, queue, replies
from services.ingest.review.cursors import cursor_after, place_after
from services.ingest.review.states import STATES
from services.ingest.review.whose import source_for, sources_for
from shared.access import Principal
from shared.clock import micros
from shared.db.engine import Database
from shared.domain.codes import SCHOOL_PREFIX, canonical_school_code, canonical_unit
from shared.domain.days import day_number
from shared.errors import invalid, not_found
from shared.queries import Day
from shared.security import require

_REPLY: Body[replies.ReplyIn] = Body(replies.ReplyIn)
_FLAG = re.compile(r"[a-z_]{1,60}\Z")
_YEAR = timedelta(days=364)
Reviewer = Annotated[Principal, Depends(require("visits:review"))]
Reader = Annotated[Principal, Depends(require("visits:read"))]
Source = Annotated[str | None, Query(max_length=100, description="whose visits; for admins")]
Unit = Annotated[str | None, Query(max_length=110)]
From = Annotated[Day | None, Query(alias="from")]
To = Annotated[Day | None, Query(alias="to")]
After = Annotated[str | None, Query(max_length=600)]
State = Literal["open", "cleared", "released", "excluded", "all"]


def router(database: Database, drafter: Drafter) -> APIRouter:
    """`/v1/reviews`, `/v1/visits/{visit_id}/replies` and `/v1/monitors`."""
    routes = APIRouter(tags=["review"])
    _queue(routes, database, drafter)
    _replies(routes, replies.Replies(database, drafter))
    _monitors(routes, database, drafter)
    return routes


def _queue(routes: APIRouter, database: Database, drafter: Drafter) -> None:
    @routes.get(
        "/v1/reviews",
        responses=documents.answers({200: ("A page", {"reviews": [_ITEM]})}, 404, 422),
    )
    async def list_reviews(
        request: Request,
        caller: Reviewer,
        state: State = "open",
        unit: Unit = None,
        flag: Annotated[str | None, Query(max_length=60)] = None,
        source: Source = None,
        school: Annotated[str | None, Query(max_length=100)] = None,
        monitor: Annotated[str | None, Query(max_length=100)] = None,
        first: From = None,
        last: To = None,
        replied: bool | None = None,
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """List visits that were flagged or set aside, with the reasons and who decided what."""
        if flag is not None and not _FLAG.match(flag):
            raise invalid("/query/flag", "invalid_flag", "There is no such flag.")
        place = place_after(after, tuple[int, str, str])
        async with database.reading() as tx:
            await refresh(tx, drafter)
            wanted = queue.Wanted(
                states=STATES if state == "all" else [state],
                codes=_codes(drafter, caller, unit),
                source=sources_for(caller, source),
                school=None if school is None else canonical_school_code(school),
                monitor=monitor,
                flag=flag,
                first=None if first is None else day_number(first),
                last=None if last is None else day_number(last),
                replied=replied,
            )
            found = await queue.page(tx, wanted, place, limit + 1)
            told = await queue.items(tx, found[:limit])
        answer = json_answer({"reviews": told})
        if len(found) > limit:
            answer.headers["Link"] = next_link(request, cursor_after(found[limit - 1].place))
        return tagged(request, answer)


def _codes(drafter: Drafter, caller: Principal, unit: str | None) -> Sequence[str] | None:
    """The schools to look at; None for all, the unregistered included. Raises Problem 404."""
    register = drafter.register
    today = day_number(drafter.stamps.today(drafter.zone))
    if unit is None:
        return None if caller.units is None else register.schools_under(caller.units, today)
    unit = canonical_unit(unit.strip())
    known = unit in register.parents or register.knows(unit.removeprefix(SCHOOL_PREFIX))
    if not known or (caller.units is not None and not register.under(unit, caller.units, today)):
        raise not_found("unit")
    return register.schools_under([unit], today)


def _replies(routes: APIRouter, desk: replies.Replies) -> None:
    @routes.post(
        "/v1/visits/{visit_id}/replies",
        status_code=201,
        openapi_extra=documents.body(replies.ReplyIn, replies.GIVEN),
        responses=documents.answers(
            {200: ("Known already", replies.EXAMPLE), 201: ("Kept", replies.EXAMPLE)},
            *(400, 404, 409, 410, 413, 415, 422),
        ),
    )
    async def post_reply(
        request: Request, visit_id: str, caller: Reader, source: Source = None
    ) -> Response:
        """Answer to a visit: the answer stays beside it and a reviewer sees it."""
        given = _REPLY.exact(await json_body(request, SINGLE))
        whose = source_for(caller, source)
        told, new = await desk.add(caller, whose, visit_key(visit_id), given)
        return json_answer(told, 201 if new else 200)

    @routes.get(
        "/v1/visits/{visit_id}/replies",
        responses=documents.answers({200: ("All", {"replies": [replies.EXAMPLE]})}, 404),
    )
    async def list_replies(
        request: Request, visit_id: str, caller: Reader, source: Source = None
    ) -> Response:
        """Read what was answered to a visit, withdrawn or not."""
        told = await desk.of(caller, source_for(caller, source), visit_key(visit_id))
        return tagged(request, json_answer({"replies": told}))


def _monitors(routes: APIRouter, database: Database, drafter: Drafter) -> None:
    def instant(day: date) -> int:
        return micros(datetime.combine(day, time(), drafter.zone))

    @routes.get(
        "/v1/monitors",
        responses=documents.answers({200: ("A page", {"monitors": [_MONITOR]})}, 404, 422),
    )
    async def list_monitors(
        request: Request,
        caller: Reviewer,
        unit: Unit = None,
        source: Source = None,
        monitor: Annotated[str | None, Query(max_length=100)] = None,
        first: From = None,
        last: To = None,
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """List monitors with the quality of their visits, of the last 365 days unless named."""
        place = place_after(after, tuple[str, str])
        last = last or drafter.stamps.today(drafter.zone)
        if last >= date.max:
            raise invalid("/query/to", "invalid_period", "The last day is too late.")
        first = first or max(last, date.min + _YEAR) - _YEAR
        if first > last:
            raise invalid("/query/from", "invalid_period", "The first day is after the last.")
        async with database.reading() as tx:
            await refresh(tx, drafter)
            wanted = monitors.Wanted(
                first=instant(first),
                last=instant(last + timedelta(days=1)),
                source=sources_for(caller, source),
                monitor=monitor,
                codes=_codes(drafter, caller, unit),
            )
            found = await monitors.page(tx, wanted, place, limit + 1)
        answer = json_answer(
            {"from": first.isoformat(), "to": last.isoformat(), "monitors": found[:limit]}
        )
        if len(found) > limit:
            onward = found[limit - 1]
            cursor = cursor_after((onward["source"], onward["monitor_id"]))
            answer.headers["Link"] = next_link(request, cursor)
        return tagged(request, answer)


_ITEM = {
    "source": "pmc-tablets",
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "revision": 1,
    "status": "accepted",
    "state": "open",
    "school_code": "1001",
    "monitor_id": "M-0417",
    "visit_type": "routine",
    "visited_at": "2018-03-05T04:40:00.000000Z",
    "received_at": "2018-03-05T06:00:00.000000Z",
    "reasons": [
        {
            "code": "rooms_fewer",
            "pointer": "/rooms/available",
            "detail": "There are fewer rooms than at the last visit: 6, now 4.",
            "was": 6,
            "now": 4,
            "visits": ["01880c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"],
        }
    ],
    "decisions": [],
    "changed_since": False,
    "replies": 0,
    "unanswered": False,
}
_MONITOR = {
    "source": "pmc-tablets",
    "monitor_id": "M-0417",
    "visits": 212,
    "excluded": 1,
    "schools": 74,
    "days": 96,
    "flagged": 17,
    "flagged_share": 0.080189,
    "flags": {"rooms_fewer": 3, "short_visit": 14},
    "timed": 212,
    "median_minutes": 44.0,
    "verified": 6,
    "agreed": 21,
    "compared": 24,
    "agreement": 0.875,
    "reliable": True,
    "agreement_reliable": True,
}
