"""`/openapi.json` and `/asyncapi.json`: every process describes the whole interface of all four.

Owns the serving: a description is made once, off the event loop, when it is first asked for. What
it says is made by `openapi` and by `shared.asyncapi`.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from services.openapi import document_of
from shared.asyncapi import asyncapi
from shared.clock import Clock
from shared.platform import Platform
from shared.security import public
from shared.service import Service
from shared.settings import Settings

Builders = Mapping[str, Callable[[Platform], Service]]
_OPEN = public("the description of the interface")


def every_service(builders: Builders, settings: Settings, clock: Clock) -> list[Service]:
    """All services as values, built on files that are never opened: for what they declare."""
    alone = settings.model_copy(
        update={
            "services": list(builders),
            "database_url": None,
            "redis_url": None,
            "kafka": settings.kafka.model_copy(update={"bootstrap": None}),
        }
    )
    platform = Platform(alone, clock)
    return [build(platform) for build in builders.values()]


class Described:
    """A JSON document made when it is first wanted, with its tag."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make
        self._once = asyncio.Lock()
        self._body: bytes | None = None
        self._tag = ""

    async def answer(self, request: Request) -> Response:
        """The document, or 304 to whoever has it already."""
        async with self._once:
            if self._body is None:
                made = await asyncio.to_thread(self._make)
                self._body = json.dumps(made, ensure_ascii=False).encode()
                self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:24]}"'
        headers = {"ETag": self._tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == self._tag:
            return Response(status_code=304, headers=headers)
        return Response(self._body, media_type="application/json", headers=headers)


def router(services: Callable[[], Sequence[Service]], common: APIRouter) -> APIRouter:
    """The two descriptions; `services` gives all four, `common` has the calls of every process."""
    routes = APIRouter(tags=["operations"])
    openapi = Described(lambda: document_of(services(), [common, routes]))
    events = Described(lambda: asyncapi(services()))

    @routes.get("/openapi.json", dependencies=[Depends(_OPEN)])
    async def get_openapi(request: Request) -> Response:
        """Describe every call of the whole deployment as OpenAPI 3.1."""
        return await openapi.answer(request)

    @routes.get("/asyncapi.json", dependencies=[Depends(_OPEN)])
    async def get_asyncapi(request: Request) -> Response:
        """Describe every event of the whole deployment as AsyncAPI 3.0."""
        return await events.answer(request)

    return routes
