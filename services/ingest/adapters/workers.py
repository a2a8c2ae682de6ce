"""Each partner's own workers: one applies, one polls, one looks at photos.

Owns their lives and pauses. Nothing of one partner is awaited by another; whatever goes wrong ends
one step, is logged, and is tried again later. Among several processes one holds a partner's lease.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from services.ingest.adapters.applying import Applier
from services.ingest.adapters.declared import Adapter, Adapters
from services.ingest.adapters.partner_http import PartnerServer
from services.ingest.adapters.photos import Photos
from services.ingest.adapters.polling import Poller
from services.ingest.stamps import Stamps
from shared.db.errors import DatabaseError

_LOOK_SECONDS = 2.0
_LONGEST_PAUSE = 30.0
_LEASE_SECONDS = 10
_RENEW_SECONDS = 4
_SECOND = 1_000_000
_LOG = structlog.get_logger("rtsm.adapters")
Step = Callable[[], Awaitable[float]]
"""One step of work; the seconds to pause after it, 0 for none."""


@dataclass
class Parts:
    """What workers work with."""

    adapters: Adapters
    applier: Applier
    poller: Poller
    photos: Photos
    stamps: Stamps
    patience: float = 60.0


@dataclass
class _Crew:
    """The workers of one declaration of one partner."""

    changed_at: int
    task: "asyncio.Task[None]"
    bells: list[asyncio.Event] = field(default_factory=list)

    def ring(self) -> None:
        for bell in self.bells:
            bell.set()


class Workers:
    """Runs every partner's workers until it is cancelled."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._crews: dict[str, _Crew] = {}
        self._bell = asyncio.Event()
        self._owner = uuid4().hex
        self._leases: dict[str, int] = {}

    def ring(self, adapter: str) -> None:
        """Let a partner's workers look at once, and see a new declaration."""
        crew = self._crews.get(adapter)
        if crew is not None:
            crew.ring()
        self._bell.set()

    async def run(self) -> None:
        """Keep a crew for each declared partner."""
        try:
            while True:
                try:
                    await self._muster()
                except Exception as error:  # noqa: BLE001 - partners never end the process
                    _LOG.error("the declarations cannot be read", exc_info=error)
                await _pause(self._bell, _LOOK_SECONDS)
        finally:
            for name in list(self._crews):
                await self._dismiss(name)

    async def _muster(self) -> None:
        declared = {one.name: one for one in await self._parts.adapters.all()}
        for name in list(self._crews):
            one, crew = declared.get(name), self._crews[name]
            if one is None or one.changed_at != crew.changed_at or crew.task.done():
                await self._dismiss(name)
        for name, adapter in declared.items():
            if name not in self._crews:
                bells = [asyncio.Event() for _ in range(3)]
                task = asyncio.create_task(self._serve(adapter, bells), name=f"adapter:{name}")
                self._crews[name] = _Crew(adapter.changed_at, task, bells)

    async def _dismiss(self, name: str) -> None:
        crew = self._crews.pop(name)
        crew.task.cancel()
        await asyncio.wait([crew.task])
        if not crew.task.cancelled() and (error := crew.task.exception()) is not None:
            _LOG.error("a partner's workers ended", adapter=name, exc_info=error)

    async def _serve(self, adapter: Adapter, bells: list[asyncio.Event]) -> None:
        parts = self._parts

        def ring() -> None:
            for bell in bells:
                bell.set()

        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            server = PartnerServer(adapter, parts.patience)
            stack.push_async_callback(server.aclose)

            async def apply() -> float:
                done = await parts.applier.step(adapter)
                if done:
                    bells[2].set()
                return 0 if done else _LOOK_SECONDS

            async def poll() -> float:
                return await self._poll(adapter, server, ring)

            async def look() -> float:
                done = await parts.photos.step(adapter, server)
                if done:
                    ring()
                return 0 if done else _LOOK_SECONDS

            group.create_task(self._work(adapter, "apply", apply, bells[0]))
            if adapter.polled:
                group.create_task(self._work(adapter, "poll", poll, bells[1]))
                group.create_task(self._work(adapter, "photos", look, bells[2]))

    async def _poll(
        self, adapter: Adapter, server: PartnerServer, ring: Callable[[], None]
    ) -> float:
        """One page of every form that is due."""
        due = []
        for form in adapter.config.forms:
            at, read = await self._parts.poller.step(adapter, form, server)
            due.append(at)
            if read:
                ring()
        now = self._parts.stamps.next()
        return min(max(0, min(due) - now) / _SECOND, _LONGEST_PAUSE)

    async def _ours(self, name: str) -> bool:
        """Whether this process does a partner's work: it holds the lease, or takes it now."""
        now = self._parts.stamps.next()
        if self._leases.get(name, 0) - now > _RENEW_SECONDS * _SECOND:
            return True
        until = now + _LEASE_SECONDS * _SECOND
        held = await self._parts.adapters.lease(name, self._owner, until)
        self._leases[name] = until if held else 0
        return held

    async def _work(self, adapter: Adapter, name: str, step: Step, bell: asyncio.Event) -> None:
        """Repeat a step for ever; a failure pauses this worker alone, ever longer."""
        failures = 0
        while True:
            try:
                pause = await step() if await self._ours(adapter.name) else _LOOK_SECONDS
                failures = 0
            except DatabaseError as error:
                _LOG.warning("the ledger is away", adapter=adapter.name, error=str(error))
                pause = _LOOK_SECONDS
            except Exception as error:  # noqa: BLE001 - one partner's worker, never the process
                failures += 1
                pause = min(_LOOK_SECONDS * 2**failures, _LONGEST_PAUSE)
                _LOG.error("a step failed", adapter=adapter.name, work=name, exc_info=error)
            if pause:
                await _pause(bell, pause)


async def _pause(bell: asyncio.Event, seconds: float) -> None:
    """Wait for the bell, or for so long."""
    try:
        await asyncio.wait_for(bell.wait(), seconds)
    except TimeoutError:
        return
    finally:
        bell.clear()
