"""Waiting until a deployment's figures hold everything that a client was told was accepted.

Owns the asking of `/v1/applied` at an indicators instance; what was accepted is the caller's log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import httpx

from tests.support.waiting import eventually

Question = Mapping[str, str | int]


async def until_applied(
    url: str, key: str, questions: Iterable[Question], seconds: float = 120.0
) -> None:
    """Return when all are applied; TimeoutError names what is not.

    A question is {"source", "visit_id", "revision"} or {"registry_version"}.
    """
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
        await all_applied(client, questions, seconds)


async def all_applied(
    client: httpx.AsyncClient, questions: Iterable[Question], seconds: float = 120.0
) -> None:
    """As `until_applied`, asked of a client that is open."""
    waiting = list(questions)

    async def applied(question: Question) -> bool:
        try:
            answer = await client.get("/v1/applied", params=dict(question))
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK and bool(answer.json()["applied"])

    async def none_waits() -> bool:
        nonlocal waiting
        # The newest are asked first: while they wait, there is no need to ask for the others.
        while waiting and await applied(waiting[-1]):
            answers = await asyncio.gather(*(applied(one) for one in waiting[-50:]))
            rest = [one for one, yes in zip(waiting[-50:], answers, strict=True) if not yes]
            waiting = waiting[:-50] + rest
        return not waiting

    try:
        await eventually(none_waits, "everything accepted is in the figures", seconds)
    except TimeoutError:
        raise TimeoutError(f"{len(waiting)} not applied, such as {waiting[-3:]}") from None
