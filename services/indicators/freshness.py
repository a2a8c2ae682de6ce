"""How fresh the figures are: up to which instant everything recorded is known to be in.

Owns the reckoning, in two ways: from the journal itself where it is the feed, exactly; from what
waits on the way where Kafka is between. When nothing waits, figures are as fresh as the newest
record in them, and never older than a moment, for what is being committed just now.

No process takes its own word for it. What is in is read from the database, where whoever folds
leaves it in the transaction of the fold; what there is, from the journal and from the ends of all
partitions. So a process that folds nothing says the same as one that does, and one that hangs
while it holds partitions makes every other say how late they are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.journal import journal, positions
from shared.journal.consumer import Handle
from shared.journal.records import Record

_COMMITTING = 1_000_000
"""Microseconds between the moment a visit is recorded and the moment its row can be read."""
_REMEMBER_SECONDS = 0.1
_MOVED_SECONDS = 0.02
_PATIENCE_SECONDS = 0.25
_SILENT_SECONDS = 2.0

Carried = Callable[[], Awaitable[int | None]]
"""When the first record that no relay has carried yet was recorded; None when all are carried."""
Ends = Callable[[], Awaitable[Mapping[str, int] | None]]
"""The end of every partition of a consumer's topics; None where that is not known."""


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


def noting(name: str, handle: Handle) -> Handle:
    """The same handler of the consumer called `name`, leaving in its transaction what is in."""

    async def noted(tx: Tx, records: list[Record]) -> None:
        await handle(tx, records)
        newest = {record.partition: record.event.recorded for record in records}
        await tx.upsert_rows(
            "applied",
            ("consumer", "partition"),
            ("consumer", "partition", "recorded"),
            [(name, partition, recorded) for partition, recorded in sorted(newest.items())],
        )

    return noted


class OfFeed:
    """Freshness where a feed is between: looked at most ten times a second while nothing moves.

    A place that does not answer at once is not waited for: figures are read on while Kafka is down.
    """

    def __init__(
        self, clock: Clock, database: Database, carried: Carried, ends: Mapping[str, Ends]
    ) -> None:
        """`ends`: the feed's ends for each consumer by name; `database` holds what is in."""
        self._clock = clock
        self._database = database
        self._carried = carried
        self._ends = ends
        self._looking = asyncio.Lock()
        self._looked = float("-inf")
        self._patience = 0.0
        self._newest = -1
        self._as_of = 0

    async def look(self) -> int:
        """Everything recorded by this instant is in; it never goes back."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            async with self._database.reading() as tx:
                newest, _ = await _bounds(tx)
            # What was just folded must be told of, but not by a look for every question.
            pause = _MOVED_SECONDS if newest != self._newest else _REMEMBER_SECONDS
            if loop.time() - self._looked >= max(pause, self._patience):
                await self._look(newest)
                self._looked, self._newest = loop.time(), newest
            return self._as_of

    async def within(self, tx: Tx, looked: int) -> int:  # noqa: ARG002 - the other way needs it
        """What was said before."""
        return looked

    async def _look(self, newest: int) -> None:
        now = micros(self._clock.now())
        self._patience = 0.0
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                waiting = await self._waiting()
        except (Transient, OSError, TimeoutError):
            # Nobody says what there is: what every partition had by then is in all the same.
            self._patience = _SILENT_SECONDS
            async with self._database.reading() as tx:
                waiting = [(await _bounds(tx))[1]]
        as_of = min([now - _COMMITTING, *waiting]) if waiting else max(now - _COMMITTING, newest)
        self._as_of = max(self._as_of, min(as_of, now))

    async def _waiting(self) -> list[int]:
        """Of each place where something waits: up to when everything has passed it."""
        waiting = []
        # In this order: what is carried is in the feed, what is in the feed before its end is in.
        first = await self._carried()
        if first is not None:
            waiting.append(first - 1)
        ends = {name: await tell() for name, tell in self._ends.items()}
        async with self._database.reading() as tx:
            rows = await tx.fetch(
                "SELECT p.consumer, p.partition, p.next, a.recorded FROM positions p "
                "LEFT JOIN applied a ON a.consumer = p.consumer AND a.partition = p.partition"
            )
        held = {(row[0], row[1]): (int(row[2]), row[3]) for row in rows}
        for name, told in ends.items():
            if told is None:
                raise Transient(f"{name} does not know the ends of its feed")
            for partition, end in told.items():
                following, recorded = held.get((name, partition), (0, None))
                if end > following:
                    waiting.append(int(recorded or 0))
        return waiting


async def _bounds(tx: Tx) -> tuple[int, int]:
    """When the newest record that is in was recorded, and the least such of all partitions."""
    row = await tx.fetch_one("SELECT max(recorded), min(recorded) FROM applied")
    return int(row[0] or 0), int(row[1] or 0)


def before_relay(source: Database) -> Carried:
    """When the first record of a journal that its relay has not carried yet was recorded."""

    async def first() -> int | None:
        async with source.reading() as tx:
            carried = await positions.load(tx, "relay", "journal") or 1
            row = await tx.fetch_one(
                "SELECT recorded FROM journal WHERE seq >= $1 ORDER BY seq LIMIT 1", carried
            )
        return None if row is None else int(row[0])

    return first
