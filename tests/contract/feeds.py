"""A journal and the feed that carries it, for tests that hold both feeds to one contract.

Owns a SQLite journal and, for Kafka, the product's own relay that copies it. What a feed must do
is said in `test_feed`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import MetaData

from shared.db.sqlite import SqliteDatabase
from shared.journal import journal, positions
from shared.journal.feed import Feed
from shared.journal.journal_feed import JournalFeed
from shared.journal.kafka_feed import KafkaFeed
from shared.journal.records import Batch, Event
from shared.journal.relay import Relay
from shared.journal.tables import add_journal_tables
from tests.support.kafka import Kafka
from tests.support.waiting import eventually

TOPICS = ["rtsm.visits", "rtsm.registry"]
PARTITIONS = 3


def event(number: int, key: str = "s1", topic: str = "rtsm.visits") -> Event:
    """An event that is told from others by its number, with every field its own value."""
    return Event(
        topic=topic,
        type="rtsm.visit.accepted.v1",
        key=key,
        subject=f"subject {number} ‏نمبر",
        time=1_520_000_000_000_000 + number,
        recorded=1_530_000_000_000_000 + number,
        data=b'{"number":%d}' % number,
    )


class Reader:
    """Reads one feed as a consumer does: it keeps positions, and every record it was given."""

    def __init__(self, feed: Feed, left: dict[str, int] | None = None) -> None:
        self.feed = feed
        self.left = {} if left is None else left
        self.asked: list[str] = []
        self.batches: list[Batch] = []

    async def open(self) -> "Reader":
        async def load(partition: str) -> int | None:
            self.asked.append(partition)
            return self.left.get(partition)

        await self.feed.open(load)
        return self

    async def fetch(self, limit: int = 100, wait: float = 0.05) -> Batch | None:
        """One batch, and the position after it."""
        batch = await self.feed.fetch(limit, wait)
        if batch is not None:
            self.batches.append(batch)
            self.left[batch.partition] = batch.next
        return batch

    async def take(self, count: int, limit: int = 100) -> list[Event]:
        """The next `count` events, or TimeoutError."""
        seen: list[Event] = []

        async def enough() -> bool:
            batch = await self.fetch(limit)
            seen.extend(record.event for record in batch.records) if batch else None
            return len(seen) >= count

        await eventually(enough, f"{count} events", 30)
        return seen


@dataclass
class Carrier:
    """One journal, and as many feeds of it as a test opens; everything is closed at the end."""

    database: SqliteDatabase
    new_feed: Callable[[str], Feed]
    relay: Relay | None
    opened: list[Feed] = field(default_factory=list)

    async def write(self, *events: Event) -> None:
        """Commit events to the journal; with a relay they reach Kafka by themselves."""
        async with self.database.transaction() as tx:
            await journal.append(tx, events)

    async def carried(self) -> None:
        """Return when the relay has acknowledged all that the journal holds."""
        if self.relay is None:
            return

        async def done() -> bool:
            async with self.database.reading() as tx:
                return await positions.load(tx, "relay", "journal") == await journal.end(tx)

        await eventually(done, "the relay has carried everything", 60)

    async def reader(self, group: str = "readers", left: dict[str, int] | None = None) -> Reader:
        """A reader of a new feed of this group, standing where `left` says."""
        feed = self.new_feed(group)
        self.opened.append(feed)
        return await Reader(feed, left).open()

    async def close(self) -> None:
        for feed in self.opened:
            await feed.close()
        await self.database.close()


async def new_database(path: Path) -> SqliteDatabase:
    """A new SQLite file with a journal."""
    tables = MetaData()
    add_journal_tables(tables)
    database = SqliteDatabase(path, tables)
    await database.open()
    return database


async def journal_carrier(folder: Path) -> Carrier:
    """The embedded way: the journal is the feed."""
    database = await new_database(folder / "ingest.db")
    return Carrier(database, lambda _: JournalFeed(database, "ingest", TOPICS), None)


class KafkaCarrier(Carrier):
    """The distributed way: the product's relay copies the journal to a real Kafka."""

    @classmethod
    async def made(cls, folder: Path, kafka: Kafka) -> "KafkaCarrier":
        await kafka.delete_topics()
        database = await new_database(folder / "ingest.db")
        relay = Relay("ingest", database, kafka.bootstrap, PARTITIONS)
        carrier = cls(
            database,
            lambda group: KafkaFeed(kafka.bootstrap, group, TOPICS, PARTITIONS),
            relay,
        )
        carrier.start()
        return carrier

    def start(self) -> None:
        """Let the relay run."""
        assert self.relay is not None
        self._work = asyncio.create_task(self.relay.run())

    async def stop(self) -> None:
        """Stop the relay where it is."""
        self._work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._work

    async def close(self) -> None:
        try:
            await self.stop()
        finally:
            # A feed left open stays in its group, and takes partitions from the next test.
            await super().close()
