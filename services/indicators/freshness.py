"""How fresh the figures are: up to which instant everything recorded is known to be in.

Owns the reckoning. When nothing waits anywhere on the way from intake to here, that is now, less a
moment for what is being committed; otherwise it is when the record applied last was recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.journal import journal, positions
from shared.journal.consumer import Consumer, Handle
from shared.journal.records import Record

_COMMITTING = 1_000_000
"""Microseconds between the moment a visit is recorded and the moment its row can be read."""
_REMEMBER_SECONDS = 0.1
_PATIENCE_SECONDS = 0.25
_SILENT_SECONDS = 2.0

Waits = Callable[[], Awaitable[bool]]
"""Whether anything waits at one place on the way."""


class Progress:
    """What this process applied last: when it was recorded, and whether a batch is under way."""

    def __init__(self) -> None:
        self._recorded: dict[str, int] = {}
        self._under_way: set[str] = set()

    def watch(self, name: str, handle: Handle) -> Handle:
        """The same handler of the consumer called `name`, taking note of what passes."""

        async def watched(tx: Tx, records: list[Record]) -> None:
            self._under_way.add(name)
            await handle(tx, records)
            for record in records:
                self._recorded[record.partition] = record.event.recorded

        return watched

    def committed(self, name: str) -> Callable[[], Awaitable[None]]:
        """What that consumer calls after each commit."""

        async def noted() -> None:
            self._under_way.discard(name)

        return noted

    @property
    def recorded(self) -> int:
        """The earliest of the partitions' last records; 0 before the first."""
        return min(self._recorded.values(), default=0)

    async def waits(self) -> bool:
        """Whether a batch was begun and not yet committed."""
        return bool(self._under_way)


class Freshness:
    """Answers how fresh the figures are, looking at most ten times a second.

    A place that does not answer at once is not waited for: figures are read on while Kafka is down.
    """

    def __init__(self, clock: Clock, progress: Progress, places: Sequence[Waits]) -> None:
        self._clock = clock
        self._progress = progress
        self._places = (progress.waits, *places)
        self._looking = asyncio.Lock()
        self._until = 0.0
        self._as_of = 0

    async def __call__(self) -> int:
        """Everything recorded by this instant (microseconds) is in; it never goes back."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                now = micros(self._clock.now())
                drained = await self._drained()
                as_of = now - _COMMITTING if drained else self._progress.recorded
                self._as_of = max(self._as_of, min(as_of, now))
                pause = _SILENT_SECONDS if drained is None else _REMEMBER_SECONDS
                self._until = loop.time() + pause
            return self._as_of

    async def _drained(self) -> bool | None:
        """Whether nothing waits anywhere; None when some place does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for waits in self._places:
                    if await waits():
                        return False
        except (Transient, OSError, TimeoutError):
            return None
        return True


def in_journal(source: Database, own: Database, consumer: str, service: str, topic: str) -> Waits:
    """Whether a journal holds records of a topic that a consumer has not committed yet."""

    async def waits() -> bool:
        async with own.reading() as tx:
            following = await positions.load(tx, consumer, f"{service}.journal") or 1
        async with source.reading() as tx:
            return bool(await journal.read(tx, service, following, [topic], 1))

    return waits


def in_feed(consumer: Consumer) -> Waits:
    """Whether a consumer's feed holds records that it has not read, or does not say."""

    async def waits() -> bool:
        return await consumer.feed.lag() != 0

    return waits


def before_relay(source: Database) -> Waits:
    """Whether a journal holds records that its relay has not carried yet."""

    async def waits() -> bool:
        async with source.reading() as tx:
            carried = await positions.load(tx, "relay", "journal") or 1
            return await journal.end(tx) > carried

    return waits
