"""`GET /v1/stream`: server-sent events that tell a page that its figures moved.

Owns the wording of events and the life of a connection: heartbeats, the caller's rights looked at
again while it lasts, the end. What there is to tell is `stream`'s.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.indicators.sending import Patience, PieceByPiece, Pieces
from services.indicators.snapshots import Snapshot, Snapshots
from services.indicators.stream import Listener, Notice, Stream, position_of
from services.indicators.unit_routes import Reader
from shared.access import ANONYMOUS, Principal
from shared.clients.figure_answers import AsOf
from shared.errors import Problem, invalid
from shared.security import caller

_MOST_UNITS = 50
_MOST_SECONDS = 3_600
_LOOK_SECONDS = 1.0
"""How often a caller's rights are looked at again: a key that is revoked ends its streams."""
_WARM_SECONDS = 15.0
"""How long nothing is said: what stands between would think that the connection is idle."""
_RETRY = b"retry: 2000\n\n"
_WARM = b": still here\n\n"
_TYPE = "text/event-stream"
_EXAMPLE = (
    'retry: 2000\n\nid: 4711\nevent: now\ndata: {"as_of":"2018-03-05T04:41:02Z",'
    '"lag_seconds":0.4,"version":"12-4711-4711.5f2c.17595.0"}\n\n'
    'id: 4712\nevent: figures\ndata: {"units":["PK-BA-QTA"],"first_day":"2018-03-05",'
    '"last_day":"2018-03-05","as_of":"2018-03-05T04:41:09Z","lag_seconds":0.3,'
    '"version":"12-4712-4712.5f2c.17595.0"}\n\n'
)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `now` (once, how fresh figures are) and `figures` (some moved)",
        "content": {_TYPE: {"example": _EXAMPLE}},
    },
}
_HEADERS = {
    # A gateway must neither keep nor gather what is meant for now.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


def add_stream(router: APIRouter, snapshots: Snapshots, stream: Stream, patience: Patience) -> None:
    """Add the route of the stream."""

    @router.get("/v1/stream", responses=_ANSWERS, response_class=Response)
    async def follow(
        request: Request,
        principal: Reader,
        unit: Annotated[
            list[str] | None,
            Query(description="units or schools to watch, up to 50; default all of the key's"),
        ] = None,
        seconds: Annotated[
            str | None,
            Query(description="end after so many, 0 to 3,600; default: go on until either leaves"),
        ] = None,
        since: Annotated[
            str | None,
            Query(description="the `version` of an answer: what moved after it is told at once"),
        ] = None,
    ) -> Response:
        """Server-sent events: tells which of the watched units' figures moved, over which days.

        No figures are sent: ask for those that are shown. Reconnecting with Last-Event-ID goes on
        after that event; what moved meanwhile is told at once, merged, as it is with `since`, which
        Last-Event-ID outdoes. `units` null: anything may have moved.
        """
        lasting = _seconds(seconds)
        made = _made(since)
        heard = _position(request.headers.get("last-event-id"))
        after = made if heard is None else heard
        stream.admit(None if principal is ANONYMOUS else principal.key_id)
        async with snapshots.open() as snapshot:
            await _watched(snapshot, principal, unit or [])  # refused before anything is sent

        @asynccontextmanager
        async def pieces() -> AsyncIterator[AsyncGenerator[bytes, None]]:
            async with snapshots.open() as snapshot:
                watched = await _watched(snapshot, principal, unit or [])
                listener = await stream.join(snapshot, principal.key_id, watched, after)
            try:
                yield _events(stream, listener, _still(request, principal), lasting)
            finally:
                stream.leave(listener)

        told: Callable[[], Pieces] = pieces
        return PieceByPiece(told, _TYPE, _HEADERS, patience)


async def _events(
    stream: Stream, listener: Listener, still: "Still", lasting: float
) -> AsyncGenerator[bytes, None]:
    """Everything that is told to one listener, until somebody leaves."""
    loop = asyncio.get_running_loop()
    begun = looked = said = loop.time()
    yield _RETRY + _event("now", listener.position, dict(listener.fresh))
    while True:
        rings = stream.bell.rings
        notice = listener.take()
        now = loop.time()
        if notice is not None:
            yield _event("figures", notice.position, _told(notice))
            said = now
        if stream.over or now - begun >= lasting:
            return
        if now - looked >= _LOOK_SECONDS:
            if not await still():
                return
            looked = now
        if now - said >= _WARM_SECONDS:
            yield _WARM
            said = now
        await stream.bell.wait(rings, min(_LOOK_SECONDS, lasting - (now - begun)))


Still = Callable[[], Awaitable[bool]]
"""Whether the caller may still listen."""


def _still(request: Request, principal: Principal) -> Still:
    async def may() -> bool:
        try:
            now = await caller(request) or ANONYMOUS
        except Problem:
            return False
        return now.key_id == principal.key_id and now.units == principal.units

    return may


def _event(name: str, position: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        position,
        name.encode(),
        msgspec.json.encode(data),
    )


def _told(notice: Notice) -> dict[str, Any]:
    fresh: AsOf = notice.fresh
    days = {"first_day": notice.first_day, "last_day": notice.last_day}
    return {"units": notice.units, **days, **fresh}


async def _watched(
    snapshot: Snapshot, principal: Principal, asked: list[str]
) -> dict[str, frozenset[str]] | None:
    """The units of the journal to look for, each with the ids asked for; None: all there are.

    The journal names units down to clusters: a school's figures are watched through its cluster.
    Raises Problem 404 for what is absent or out of scope, 422 for too many.
    """
    if len(asked) > _MOST_UNITS:
        raise invalid("/query/unit", "too_many_units", f"Watch up to {_MOST_UNITS} units.")
    if not asked and principal.units is None:
        return None
    found: dict[str, set[str]] = {}
    for unit_id in asked or sorted(principal.units or ()):
        try:
            place = await snapshot.find(unit_id, principal)
        except Problem:
            if asked:
                raise
            continue  # a key's unit that nobody has registered: nothing of it can move
        above = [unit_id] if place.unit is not None else snapshot.parents(place)[:1]
        for each in above:
            found.setdefault(each, set()).add(unit_id)
    return {unit: frozenset(ids) for unit, ids in found.items()}


def _seconds(text: str | None) -> float:
    if text is None:
        return math.inf
    if text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= _MOST_SECONDS:
        return float(text)
    raise invalid("/query/seconds", "invalid_number", f"Seconds are 0 to {_MOST_SECONDS}.")


def _made(version: str | None) -> int | None:
    if version is None:
        return None
    position = position_of(version)
    if position is None:
        detail = "Since is the version of an answer about figures."
        raise invalid("/query/since", "invalid_version", detail)
    return position


def _position(text: str | None) -> int | None:
    if text is None or not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 17:
        return int(text)
    detail = "Last-Event-ID is the id of an event of this stream."
    raise invalid("/header/last-event-id", "invalid_event_id", detail)
