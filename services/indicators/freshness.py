"""How fresh the figures are: up to which instant everything recorded is known to be in.

Owns the reckoning, in two ways: from the journal itself where it is the feed, exactly; from what
waits on the way where Kafka is between. When nothing waits, figures are as fresh as the newest
record in them, and never older than a moment.

Whoever records chooses the instant under the journal's lock, later than the last one. So all that
was recorded before the first record that is not in, is in; and while nobody holds the lock, nothing
can still come that was recorded before now, but for what the clocks of two machines differ.

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

_CLOCKS = 1_000_000
"""Microseconds by which the clocks of two machines may differ."""
_LOOKS = 6
_LOOK_SECONDS = 0.02
"""While somebody commits, and the newest record is old: so often is looked again, so far apart."""
_REMEMBER_SECONDS = 0.1
_MOVED_SECONDS = 0.02
_PATIENCE_SECONDS = 0.25
_SILENT_SECONDS = 2.0
_JOURNAL = ".journal"
"""How the one partition is called of a consumer whose feed is a journal."""

First = Callable[[Tx], Awaitable[int | None]]
"""When the first record of a journal that has not passed a place was recorded; None: all have."""
Carried = Callable[[], Awaitable[int]]
"""Up to which instant all that was recorded has been carried into the feed."""
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


class Committed:
    """Up to which instant everything recorded in a journal has passed a place."""

    def __init__(self, clock: Clock, source: Database) -> None:
        self._clock = clock
        self._source = source
        self._told = 0

    async def settled(self) -> int:
        """An instant up to which everything that is recorded under the journal's lock is visible.

        That is more than the journal: a night's estimates are recorded under its lock as well.
        """
        now = micros(self._clock.now()) - _CLOCKS
        if await self._source.free(journal.JOURNAL_LOCK):
            self._told = max(self._told, now)
        return self._told

    async def upto(self, first: First) -> int:
        """The instant before the first record that has not passed; else the newest one's, or now.

        It is exact whoever is committing meanwhile: what they record comes later than the newest.
        """
        for _ in range(_LOOKS):
            now = micros(self._clock.now()) - _CLOCKS
            # Before the journal is read: whoever lets go of the lock afterwards records later.
            quiet = await self._source.free(journal.JOURNAL_LOCK)
            async with self._source.reading() as source:
                waits = await first(source)
                newest = await journal.last_recorded(source)
            if waits is not None:
                return waits - 1
            if quiet or newest >= now:
                self._told = max(newest, now)
                return self._told
            await asyncio.sleep(_LOOK_SECONDS)
        # Somebody takes long to commit. What was told before holds: they had not begun by then.
        return max(newest, min(self._told, now))


class OfJournal:
    """Freshness where the journal is the feed: its records against the snapshot's positions."""

    def __init__(
        self, clock: Clock, source: Database, service: str, topics: Mapping[str, str]
    ) -> None:
        """`topics`: the topic that each consumer (by name) reads from the service's journal."""
        self._committed = Committed(clock, source)
        self._partition = f"{service}.journal"
        self._topics = topics

    async def look(self) -> int:
        """Up to when the snapshot will hold what is recorded beside the journal."""
        return await self._committed.settled()

    async def within(self, tx: Tx, looked: int) -> int:
        """Up to when all is in that the consumers had come to in the snapshot.

        No later than what is in it, or than was seen before it: estimates that were recorded after
        both may be missing from it.
        """
        following = {
            topic: await positions.load(tx, name, self._partition) or 1
            for name, topic in self._topics.items()
        }
        newest = 0

        async def first(source: Tx) -> int | None:
            nonlocal newest
            newest = await journal.recorded_before(source, max(following.values()))
            waiting: list[Record] = []
            for topic, start in following.items():
                waiting += await journal.read(source, self._partition, start, [topic], 1)
            return min((record.event.recorded for record in waiting), default=None)

        told = await self._committed.upto(first)
        return min(told, max(looked, newest))


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
        self,
        clock: Clock,
        database: Database,
        carried: Carried,
        ends: Mapping[str, Ends],
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """`ends`: the feed's ends for each consumer by name; `database` holds what is in.

        Places that do not answer within `patience` (seconds) are not waited for.
        """
        self._patience = patience
        self._clock = clock
        self._database = database
        self._carried = carried
        self._ends = ends
        self._looking = asyncio.Lock()
        self._looked = float("-inf")
        self._rest = 0.0
        self._newest = -1
        self._as_of = 0
        self._known: set[tuple[str, str]] | None = None
        """Consumers and partitions that there were when the feed last answered."""

    async def look(self) -> int:
        """Everything recorded by this instant is in; it never goes back."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            async with self._database.reading() as tx:
                newest = await _newest(tx)
            # What was just folded must be told of, but not by a look for every question.
            pause = _MOVED_SECONDS if newest != self._newest else _REMEMBER_SECONDS
            if loop.time() - self._looked >= max(pause, self._rest):
                self._as_of = max(self._as_of, await self._upto())
                self._looked, self._newest = loop.time(), newest
            return self._as_of

    async def within(self, tx: Tx, looked: int) -> int:  # noqa: ARG002 - the other way needs it
        """What was said before."""
        return looked

    async def _upto(self) -> int:
        now = micros(self._clock.now())
        self._rest = 0.0
        try:
            async with asyncio.timeout(self._patience):
                told = await self._told()
        except (Transient, OSError, TimeoutError):
            # Nobody says what there is: what every partition had by then is in all the same.
            self._rest = _SILENT_SECONDS
            return min(now, await self._in_every_partition())
        return min(now, told)

    async def _told(self) -> int:
        """Up to when all has been carried, and has passed each partition where something waits."""
        # In this order: what is carried is in the feed, what is in the feed before its end is in.
        told = [await self._carried()]
        ends = {name: await tell() for name, tell in self._ends.items()}
        async with self._database.reading() as tx:
            held = await _held(tx)
        known: set[tuple[str, str]] = set()
        for name, partitions in ends.items():
            if partitions is None:
                raise Transient(f"{name} does not know the ends of its feed")
            for partition, end in partitions.items():
                known.add((name, partition))
                following, recorded = held.get((name, partition), (0, 0))
                if end > following:
                    told.append(_before(recorded))
        self._known = known
        return min(told)

    async def _in_every_partition(self) -> int:
        """Up to when all has passed every partition of the feed, whatever waits in it.

        What a partition had that is gone (the journal was the feed once; a topic was made anew with
        fewer) says nothing: it would make figures look old for ever.
        """
        async with self._database.reading() as tx:
            held = await _held(tx)
        lasting = {
            key: recorded
            for key, (_, recorded) in held.items()
            if key[0] in self._ends and not key[1].endswith(_JOURNAL)
        }
        if self._known is not None:
            lasting = {key: lasting.get(key, 0) for key in self._known}
        return min(map(_before, lasting.values()), default=0)


def _before(recorded: int) -> int:
    """Before the last record that is in: what comes next may have been recorded with it."""
    return max(recorded - 1, 0)


async def _held(tx: Tx) -> dict[tuple[str, str], tuple[int, int]]:
    """What comes next for each consumer and partition, and when the last that is in was recorded.

    That is 0 where nothing is.
    """
    rows = await tx.fetch(
        "SELECT p.consumer, p.partition, p.next, a.recorded FROM positions p "
        "LEFT JOIN applied a ON a.consumer = p.consumer AND a.partition = p.partition"
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3] or 0)) for row in rows}


async def _newest(tx: Tx) -> int:
    """When the newest record that is in was recorded."""
    row = await tx.fetch_one("SELECT max(recorded) FROM applied")
    return int(row[0] or 0)


def before_relay(clock: Clock, source: Database) -> Carried:
    """Up to which instant the relay of a journal has carried all that was recorded."""
    committed = Committed(clock, source)

    async def first(tx: Tx) -> int | None:
        carried = await positions.load(tx, "relay", "journal") or 1
        row = await tx.fetch_one(
            "SELECT recorded FROM journal WHERE seq >= $1 ORDER BY seq LIMIT 1", carried
        )
        return None if row is None else int(row[0])

    async def upto() -> int:
        return await committed.upto(first)

    return upto
