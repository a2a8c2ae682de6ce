"""On PostgreSQL journal numbers are in the order of commits, so that "after n" skips nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import pytest
from sqlalchemy import MetaData

from shared.db.postgres import PostgresDatabase
from shared.journal import journal
from shared.journal.journal_feed import JournalFeed
from shared.journal.relay import Relay
from shared.journal.tables import add_journal_tables
from tests.contract.feeds import Reader, event
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
# What `append` would be without its lock: a number, and the row, with the commit still to come.
UNLOCKED = (
    "INSERT INTO journal (topic,type,key,subject,time,recorded,data) "
    "VALUES ('rtsm.visits','t','k','s',$1,0,'{}')"
)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    tables = MetaData()
    add_journal_tables(tables)
    opened = PostgresDatabase(postgres_url, "ingest", tables, size=12)
    await opened.open()
    yield opened
    await opened.close()


async def reader(database: PostgresDatabase) -> Reader:
    return await Reader(JournalFeed(database, "ingest", ["rtsm.visits"])).open()


async def write(database: PostgresDatabase, number: int) -> None:
    async with database.transaction() as tx:
        await journal.append(tx, [event(number)])


async def one_waits(database: PostgresDatabase) -> None:
    async def waits() -> bool:
        async with database.reading() as tx:
            return bool((await tx.fetch_one(WAITING))[0])

    await eventually(waits, "the second writer waits for the first")


async def test_a_lower_number_held_open_is_not_skipped(database: PostgresDatabase) -> None:
    reading = await reader(database)
    async with database.transaction() as first:
        await journal.append(first, [event(1)])
        second = asyncio.create_task(write(database, 2))
        await one_waits(database)
        assert await reading.fetch(wait=0.01) is None
    await second
    assert await reading.take(2) == [event(1), event(2)]


async def test_a_number_given_back_does_not_stop_the_feed(database: PostgresDatabase) -> None:
    reading = await reader(database)
    second: asyncio.Task[None] | None = None

    async def fails_after_the_append() -> None:
        nonlocal second
        async with database.transaction() as first:
            await journal.append(first, [event(1)])
            second = asyncio.create_task(write(database, 2))
            await one_waits(database)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails_after_the_append()
    assert second is not None
    await second
    assert await reading.take(1) == [event(2)]


async def test_a_long_transaction_elsewhere_does_not_stop_the_feed(
    database: PostgresDatabase,
) -> None:
    reading = await reader(database)
    async with database.transaction() as long:
        await long.execute("UPDATE positions SET next = 1 WHERE consumer = 'nobody'")
        await write(database, 1)
        assert await reading.take(1) == [event(1)]


async def test_without_the_lock_the_lower_number_would_be_skipped(
    database: PostgresDatabase,
) -> None:
    """The danger is real: this is what the test above would see if `append` took no lock."""
    reading = await reader(database)
    async with database.transaction() as first:
        await first.execute(UNLOCKED, 1)
        async with database.transaction() as second:
            await second.execute(UNLOCKED, 2)
        seen = await reading.take(1)
    assert [e.time for e in seen] == [2]
    assert await reading.fetch(wait=0.01) is None


async def test_many_writers_and_a_hasty_reader(database: PostgresDatabase) -> None:
    rng = Random(5)
    reading = await reader(database)

    async def writer(first: int) -> None:
        for number in range(first, first + 40):
            async with database.transaction() as tx:
                for _ in range(rng.randrange(3)):  # work of any length before the append
                    await tx.fetch("SELECT count(*) FROM positions")
                await journal.append(tx, [event(number)])
                for _ in range(rng.randrange(3)):  # and, against the rule, after it
                    await tx.fetch("SELECT count(*) FROM positions")

    writers = asyncio.gather(*(writer(1000 * n) for n in range(6)))
    seen = await reading.take(240, limit=7)
    await writers
    wanted = sorted(event(1000 * n + k).time for n in range(6) for k in range(40))
    assert sorted(e.time for e in seen) == wanted


async def test_two_relays_of_one_journal_take_turns(database: PostgresDatabase) -> None:
    """Only one session holds the relay's lock; the other gets it when the first is gone."""
    first, second = (Relay("ingest", database, "127.0.0.1:1", 1) for _ in range(2))
    async with AsyncExitStack() as leading:
        assert await first._lead(leading)
        async with AsyncExitStack() as standing_by:
            assert not await second._lead(standing_by)
    async with AsyncExitStack() as leading:
        assert await second._lead(leading)
