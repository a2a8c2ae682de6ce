"""A database that is closed while it is written to: what was begun is finished, and it ends."""

import asyncio

import pytest
from sqlalchemy import MetaData

from shared.db.errors import Transient
from shared.db.postgres import PostgresDatabase
from shared.journal import journal
from shared.journal.tables import add_journal_tables
from tests.contract.feeds import event
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed


async def test_closing_waits_for_what_is_under_way_and_ends(postgres_url: str) -> None:
    tables = MetaData()
    add_journal_tables(tables)
    database = PostgresDatabase(postgres_url, "ingest", tables)
    await database.open()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with database.transaction() as tx:
            await journal.append(tx, [event(1)])
            begun.set()
            await go_on.wait()

    async def refuses() -> bool:
        try:
            async with database.reading():
                return False
        except Transient:
            return True

    writing = asyncio.create_task(write())
    await begun.wait()
    closing = asyncio.create_task(database.close())
    await eventually(refuses, "nothing new is begun")
    go_on.set()
    await asyncio.wait_for(asyncio.gather(writing, closing), 10)

    await database.open()
    async with database.reading() as tx:
        assert await journal.end(tx) == 2
    await database.close()
