"""How answers leave: JSON bytes, entity tags, links to the next page, how late they are.

Owns conditional reads, cursors, and the header fields that say how far an answer lags. A tag names
the version of the figures and the question, so an unchanged answer is refused before anything is
computed.
"""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from fastapi import Request, Response

from services.indicators.asking import read_known_at
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.traits import KINDS
from shared.access import Principal
from shared.errors import invalid

Answer = Callable[[Snapshot, Place], Awaitable[Any]]
Answered = Callable[[Request, Principal, str, Answer], Awaitable[Response]]
_CACHE = "private, no-cache"
KNOWN_AT = "only what had been recorded by this instant, register included; default: everything"
"""What the parameter `known_at` means, for its description."""


def known_by(request: Request) -> int | None:
    """The instant (microseconds) by whose knowledge a request wants to be answered, or None.

    Raises Problem 422 for what is no time.
    """
    return read_known_at(request.query_params.get("known_at"))


def tag(request: Request, snapshot: Snapshot) -> str:
    """The weak entity tag of the answer to this request (freshness may differ, figures not)."""
    asked = f"{snapshot.version} {snapshot.years} {request.url.path}?{request.url.query}"
    return f'W/"{hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()}"'


def lag(snapshot: Snapshot) -> dict[str, str]:
    """The header fields that say how fresh an answer is, on every answer, whatever its body."""
    fresh = snapshot.freshness()
    return {
        "As-Of": fresh["as_of"],
        "Lag-Seconds": str(fresh["lag_seconds"]),
        "Figures-Version": fresh["version"],
    }


def unchanged(request: Request, snapshot: Snapshot) -> Response | None:
    """A 304 when the caller holds this very answer, else None."""
    held = request.headers.get("if-none-match")
    if held is None:
        return None
    current = tag(request, snapshot)
    opaque = current.removeprefix("W/")
    given = {each.strip().removeprefix("W/") for each in held.split(",")}
    if opaque not in given and "*" not in given:
        return None
    headers = {"ETag": current, "Cache-Control": _CACHE, **lag(snapshot)}
    return Response(status_code=304, headers=headers)


def reply(
    request: Request, snapshot: Snapshot, document: Any, *, following: str | None = None
) -> Response:
    """A document as JSON with its tag; `following` is the cursor of the next page."""
    headers = {"ETag": tag(request, snapshot), "Cache-Control": _CACHE, **lag(snapshot)}
    if following is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items()]
        asked = [(name, value) for name, value in kept if name != "cursor"]
        query = urlencode([*asked, ("cursor", following)])
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)


def answering(snapshots: Snapshots) -> Answered:
    """What makes the reply about a unit: 404 and 304 first, and only then the answer."""

    async def answered(
        request: Request, principal: Principal, unit_id: str, answer: Answer
    ) -> Response:
        async with snapshots.open(
            known_by(request), periods_of(request), from_visits=divides(request)
        ) as snapshot:
            place = await snapshot.find(unit_id, principal)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            return reply(request, snapshot, await answer(snapshot, place))

    return answered


def periods_of(request: Request) -> tuple[str | None, ...]:
    """The periods that a request names: a school year among them needs the calendar."""
    asked = request.query_params
    named = tuple(asked.get(name) for name in ("period", "against"))
    return (*named, "school-year-2018") if asked.get("by") == "school-year" else named


def divides(request: Request) -> bool:
    """Whether a request asks for parts, which are read from visits."""
    kind = request.query_params.get("split", "").partition(":")[0]
    return "split_by" in request.query_params or kind in KINDS


def cursor(value: str) -> str:
    """An opaque cursor that stands for a text."""
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> str | None:
    """The text that a cursor stands for; raises Problem 422 for one that was not made here."""
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid("/query/cursor", "invalid_cursor", "This cursor is none of ours.") from error
