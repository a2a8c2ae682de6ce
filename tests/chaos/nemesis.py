"""Kills living processes at seeded moments of work, and starts them again.

Owns when and whom; a kill counts only when the process had answered and had done work since it was
started. Who works meanwhile is `fieldwork`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import httpx

from tests.support.processes import Served
from tests.support.waiting import eventually

Work = Callable[[], Awaitable[int]]
"""How much was done so far, as a number that grows."""


@dataclass
class Nemesis:
    """The killer of one test; `kills` counts by kind what it hit."""

    client: httpx.AsyncClient
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    async def hunt(
        self,
        kind: str,
        pick: Callable[[Random], Awaitable[Served]],
        work: Work,
        trials: int,
        least: int = 1,
    ) -> None:
        """Kill `trials` times whom `pick` names, each after `least` more work than at its start."""
        rng = Random(f"{self.seed} {kind}")
        while self.kills[kind] < trials:
            victim = await pick(rng)
            await until_live(self.client, victim)
            before = await work()

            async def has_worked(before: int = before) -> bool:
                return await work() >= before + least + rng.randrange(least + 1)

            await eventually(has_worked, f"{victim.name} works", 90)
            await _moment(rng)
            if not victim.program.running:
                continue  # somebody else's victim: does not count
            victim.kill()
            self.kills[kind] += 1
            victim.start(wait=False)


async def _moment(rng: Random) -> None:
    """A random part of a second, so that kills fall anywhere in the work."""
    never = asyncio.Event()
    try:
        await asyncio.wait_for(never.wait(), rng.random() * 0.5)
    except TimeoutError:
        return


async def until_live(client: httpx.AsyncClient, served: Served) -> None:
    """Return when a process answers; an early end by itself is an error with its log."""

    async def live() -> bool:
        if not served.program.running:
            raise RuntimeError(f"{served.name} ended by itself\n{served.program.tail()}")
        try:
            answer = await client.get(f"{served.url}/health/live", timeout=2)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    await eventually(live, f"{served.name} is live", 90, pause=0.1)
