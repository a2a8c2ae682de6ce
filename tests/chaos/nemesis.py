"""Kills, ends or freezes living processes at seeded moments of work, and lets them go on.

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
Pick = Callable[[Random], Awaitable[Served]]
"""The next victim."""
Blocked = Callable[[], Awaitable[bool]]
"""Whether somebody waits for a lock that the victim holds."""


@dataclass
class Nemesis:
    """The killer of one test; `kills` counts by kind what it hit."""

    client: httpx.AsyncClient
    seed: int
    kills: Counter[str] = field(default_factory=Counter)

    async def hunt(
        self,
        kind: str,
        pick: Pick,
        work: Work,
        trials: int,
        least: int = 1,
    ) -> None:
        """Kill `trials` times whom `pick` names, each after `least` more work than at its start."""
        rng = Random(f"{self.seed} {kind}")
        while self.kills[kind] < trials:
            victim = await self._at_work(pick, work, least, rng)
            if not victim.program.running:
                continue  # somebody else's victim: does not count
            victim.kill()
            self.kills[kind] += 1
            victim.start(wait=False)

    async def end(self, kind: str, pick: Pick, work: Work, trials: int, least: int = 1) -> None:
        """As `hunt`, by SIGTERM: each must end with 0 within its twenty seconds."""
        rng = Random(f"{self.seed} {kind}")
        while self.kills[kind] < trials:
            victim = await self._at_work(pick, work, least, rng)
            code = await asyncio.to_thread(victim.terminate)
            assert code == 0, f"{victim.name} ended with {code}\n{victim.program.tail()}"
            self.kills[kind] += 1
            victim.start(wait=False)

    async def freeze(
        self, kind: str, pick: Pick, work: Work, blocked: Blocked, trials: int, least: int = 1
    ) -> None:
        """Stop whom `pick` names until others took its work over, or wait for its locks."""
        rng = Random(f"{self.seed} {kind}")
        while self.kills[kind] < trials:
            victim = await self._at_work(pick, work, least, rng)
            victim.pause()
            before = await work()

            async def without_it(before: int = before) -> bool:
                return await blocked() or await work() >= before + 10 * least

            try:
                await eventually(without_it, f"others work without {victim.name}", 60)
            finally:
                victim.resume()
            self.kills[kind] += 1

    async def _at_work(self, pick: Pick, work: Work, least: int, rng: Random) -> Served:
        """A living victim that has worked, at a random moment."""
        victim = await pick(rng)
        await until_live(self.client, victim)
        wanted = await work() + least + rng.randrange(least + 1)

        async def has_worked() -> bool:
            return await work() >= wanted

        await eventually(has_worked, f"{victim.name} works", 90)
        await _moment(rng)
        return victim


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
