"""Liveness and readiness: is the process up, and what, if anything, is missing.

Readiness is told in words: a missing mail server does not stop intake, but nobody should have to
guess why no message came.
"""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Response

from shared.journal.consumer import Consumer
from shared.journal.relay import Relay
from shared.security import public
from shared.service import Check, Service

_PATIENCE_SECONDS = 2.0


async def _asked(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), _PATIENCE_SECONDS)
    except TimeoutError:
        return "no answer"


def _troubles(parts: Sequence[Consumer | Relay]) -> dict[str, str]:
    return {
        f"feed:{number}": part.trouble
        for number, part in enumerate(parts)
        if part.trouble is not None
    }


def router(
    services: Sequence[Service],
    relays: Sequence[Relay],
    checks: dict[str, Check],
    failed: list[str],
) -> APIRouter:
    """`/health/live` and `/health/ready` for the services in this process."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health/live", dependencies=[Depends(public("liveness"))])
    async def live() -> dict[str, str]:
        """Say that the process is up."""
        return {"status": "live"}

    @routes.get("/health/ready", dependencies=[Depends(public("readiness"))])
    async def ready(response: Response) -> dict[str, object]:
        """Say whether everything is there, and name what is not; 503 when something is missing."""
        asked = dict(checks)
        for service in services:
            asked |= {f"{service.name}:{name}": check for name, check in service.checks.items()}
        answers = await asyncio.gather(*(_asked(check) for check in asked.values()))
        missing = {name: word for name, word in zip(asked, answers, strict=True) if word}
        consumers = [consumer for service in services for consumer in service.consumers]
        missing |= _troubles([*consumers, *relays])
        missing |= {f"stopped:{number}": word for number, word in enumerate(failed)}
        if missing:
            response.status_code = 503
        return {
            "status": "ready" if not missing else "degraded",
            "services": [service.name for service in services],
            "missing": missing,
        }

    return routes
