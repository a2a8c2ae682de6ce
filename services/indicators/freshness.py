"""How fresh the figures are: up to which instant everything recorded is known to be in.

Owns the reckoning, in two ways: from the journal itself where it is the feed, exactly; from what
waits on the way where Kafka is between. When nothing waits, figures are as fresh as the newest
record in them, and never older than a moment, for what is being committed just now.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

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


class Freshness(Protocol):
    """Says up to which instant (microseconds) everything recorded is in."""

    async def look(self) -> int:
        """What can be said before the snapshot is taken."""
        ...

    async def within(self, tx: Tx, looked: int) -> int:
        """The instant for the snapshot that `tx` reads, given what was said before it."""
        ...


class OfJournal:
    """Freshness where the journal is the feed: its records against the snapshot's positions."""

    def __init__(
        self, clock: Clock, source: Database, service: str, topics: Mapping[str, str]
    ) -> None:
        """`topics`: the topic that each consumer (by name) reads from the service's journal."""
        self._clock = clock
        self._source = source
        self._partition = f"{service}.journal"
        self._topics = topics

    async def look(self) -> int:
        """Nothing: the journal is read after the snapshot was taken."""
        return 0

    async def within(self, tx: Tx, looked: int) -> int:  # noqa: ARG002 - the other way needs it
        """When the record before the first that is not in was recorded; else the newest, or now."""
        following = {
            name: await positions.load(tx, name, self._partition) or 1 for name in self._topics
        }
        now = micros(self._clock.now())
        async with self._source.reading() as source:
            waiting: list[Record] = []
            for name, topic in self._topics.items():
                waiting += await journal.read(source, self._partition, following[name], [topic], 1)
            end = await journal.end(source)
            first = min((record.position for record in waiting), default=end)
            row = await source.fetch_one(
                "SELECT recorded FROM journal WHERE seq < $1 ORDER BY seq DESC LIMIT 1", first
            )
        applied = 0 if row is None else int(row[0])
        if not waiting:
            return max(applied, now - _COMMITTING)
        return applied or min(record.event.recorded for record in waiting) - 1


class Progress:
    """What this process applied last: when it was recorded, and whether a batch is under way."""

    def __init__(self) -> None:
        self._recorded: dict[str, int] = {}
        self._noted: dict[str, dict[str, int]] = {}

    def watch(self, name: str, handle: Handle) -> Handle:
        """The same handler of the consumer called `name`, taking note of what passes."""

        async def watched(tx: Tx, records: list[Record]) -> None:
            noted = self._noted.setdefault(name, {})
            await handle(tx, records)
            for record in records:
                noted[record.partition] = record.event.recorded

        return watched

    def committed(self, name: str) -> Callable[[], Awaitable[None]]:
        """What that consumer calls after each commit."""

        async def noted() -> None:
            self._recorded |= self._noted.pop(name, {})

        return noted

    @property
    def earliest(self) -> int:
        """The earliest of the partitions' last records; 0 before the first."""
        return min(self._recorded.values(), default=0)

    @property
    def newest(self) -> int:
        """The newest of the partitions' last records; 0 before the first."""
        return max(self._recorded.values(), default=0)

    async def waits(self) -> bool:
        """Whether a batch was begun and not yet committed."""
        return bool(self._noted)


class OfFeed:
    """Freshness where a feed is between: looked at most ten times a second.

    A place that does not answer at once is not waited for: figures are read on while Kafka is down.
    """

    def __init__(self, clock: Clock, progress: Progress, places: Sequence[Waits]) -> None:
        self._clock = clock
        self._progress = progress
        self._places = (progress.waits, *places)
        self._looking = asyncio.Lock()
        self._until = 0.0
        self._as_of = 0
        self._drained: bool | None = False

    async def look(self) -> int:
        """Everything recorded by this instant is in; it never goes back."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                now = micros(self._clock.now())
                self._drained = await self._nothing_waits()
                as_of = now - _COMMITTING if self._drained else self._progress.earliest
                self._as_of = max(self._as_of, min(as_of, now))
                pause = _SILENT_SECONDS if self._drained is None else _REMEMBER_SECONDS
                self._until = loop.time() + pause
            return max(self._as_of, self._progress.newest if self._drained else 0)

    async def within(self, tx: Tx, looked: int) -> int:  # noqa: ARG002 - the other way needs it
        """What was said before."""
        return looked

    async def _nothing_waits(self) -> bool | None:
        """Whether nothing waits anywhere; None when some place does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for waits in self._places:
                    if await waits():
                        return False
        except (Transient, OSError, TimeoutError):
            return None
        return True


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
