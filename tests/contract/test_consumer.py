"""A consumer's effects and its position are one: nothing is lost, nothing counts twice."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from shared.clock import SetClock
from shared.db.errors import Transient
from shared.db.sqlite import SqliteDatabase
from shared.journal import journal, positions
from shared.journal.consumer import Consumer
from shared.journal.journal_feed import JournalFeed
from shared.journal.records import Batch, Event, InvalidEvent, LostPast, Record
from shared.journal.tables import add_journal_tables

CLOCK = SetClock(datetime(2026, 1, 5, tzinfo=UTC))
ADD = "INSERT INTO counts VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = counts.n + 1"


def event(key: str, topic: str = "rtsm.visits") -> Event:
    return Event(topic, "rtsm.visit.accepted.v1", key, key, 1, 2, b"{}")


@pytest.fixture
async def database(tmp_path: Path):
    tables = MetaData()
    add_journal_tables(tables)
    Table("counts", tables, Column("key", Text, primary_key=True), Column("n", Integer))
    database = SqliteDatabase(tmp_path / "one.db", tables)
    await database.open()
    yield database
    await database.close()


async def write(database: SqliteDatabase, *events: Event) -> None:
    async with database.transaction() as tx:
        await journal.append(tx, events)


async def counts(database: SqliteDatabase) -> dict[str, int]:
    async with database.reading() as tx:
        return dict(await tx.fetch("SELECT key, n FROM counts"))


async def add(tx, records: list[Record]) -> None:
    for record in records:
        await tx.execute(ADD, record.event.key)


def consumer(database: SqliteDatabase, handle=add, **options) -> Consumer:
    feed = JournalFeed(database, "ingest", ["rtsm.visits"])
    return Consumer("counting", feed, database, handle, CLOCK, **options)


async def test_every_record_of_its_topics_counts_once_over_restarts(database) -> None:
    await write(database, *(event(f"s{n % 3}") for n in range(7)), event("x", "rtsm.registry"))
    assert await consumer(database, batch=2).drain() == 7
    await write(database, event("s0"))
    assert await consumer(database).drain() == 1
    assert await counts(database) == {"s0": 4, "s1": 2, "s2": 2}


async def test_an_instance_that_was_replaced_adds_nothing(database) -> None:
    first, second = consumer(database), consumer(database)
    await write(database, event("a"))
    await first.drain()
    await second.drain()
    await write(database, event("a"))
    await second.drain()
    await first.drain()
    assert await counts(database) == {"a": 2}


async def test_a_batch_that_fails_midway_leaves_nothing_and_comes_again(database) -> None:
    failing = True

    async def handle(tx, records: list[Record]) -> None:
        await add(tx, records)
        if failing:
            raise Transient("the server went away")

    reader = consumer(database, handle)
    await write(database, event("a"), event("b"))
    with pytest.raises(Transient):
        await reader.drain()
    assert await counts(database) == {}
    failing = False
    await reader.drain()
    assert await counts(database) == {"a": 1, "b": 1}


async def test_an_event_that_makes_no_sense_is_set_aside_with_its_reason(database) -> None:
    async def handle(tx, records: list[Record]) -> None:
        for record in records:
            if record.event.key == "poison":
                raise InvalidEvent(record, "no school")
        await add(tx, records)

    await write(database, event("a"), event("poison"), event("b"))
    await consumer(database, handle).drain()
    assert await counts(database) == {"a": 1, "b": 1}
    async with database.reading() as tx:
        rows = await tx.fetch("SELECT consumer, position, reason FROM set_aside")
    assert [tuple(row) for row in rows] == [("counting", 2, "no school")]


async def test_when_nothing_makes_sense_the_consumer_stops(database) -> None:
    async def handle(tx, records: list[Record]) -> None:
        raise InvalidEvent(records[0], "wrong topic")

    await write(database, *(event("x") for _ in range(150)))
    with pytest.raises(RuntimeError, match="invalid events in a row"):
        await consumer(database, handle).drain()


async def test_a_running_consumer_hears_a_commit(database) -> None:
    heard = asyncio.Event()

    async def handle(tx, records: list[Record]) -> None:
        heard.set()

    task = asyncio.create_task(consumer(database, handle, pause=60).run())
    await write(database, event("a"))
    await asyncio.wait_for(heard.wait(), 10)
    task.cancel()


async def test_what_a_feed_lost_is_taken_from_the_journal(database) -> None:
    class Forgetful:
        """Has only what came last."""

        def __init__(self) -> None:
            self.lost = True

        async def open(self, load) -> None:
            self.load = load

        async def close(self) -> None: ...

        def forget(self, partition: str) -> None: ...

        def healed(self) -> None:
            self.lost = False

        async def lag(self) -> None: ...

        async def fetch(self, limit: int, wait: float) -> Batch | None:
            if self.lost:
                raise LostPast("starts at 9")
            return None

    seen = []

    async def handle(tx, records: list[Record]) -> None:
        seen.extend(record.event.key for record in records)

    await write(database, event("a"), event("b"))
    reader = Consumer(
        "counting",
        Forgetful(),
        database,
        handle,
        CLOCK,
        ledger=lambda: JournalFeed(database, "ingest", ["rtsm.visits"]),
    )
    await reader.drain()
    assert seen == ["a", "b"]


async def test_a_position_moves_only_from_where_it_was_left(database) -> None:
    async with database.transaction() as tx:
        await positions.advance(tx, "c", "p", None, 5)
        await positions.advance(tx, "c", "p", 5, 9)
        assert await positions.load(tx, "c", "p") == 9
    for expected in (None, 5, 8):
        with pytest.raises(Exception, match="c p"):
            async with database.transaction() as tx:
                await positions.advance(tx, "c", "p", expected, 11)
