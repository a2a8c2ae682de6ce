"""Several instances fold into one PostgreSQL at once: the same figures as one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from sqlalchemy import MetaData

from services.indicators.projector import Projector
from services.indicators.rebuild import rebuild
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import Registers
from services.indicators.segments import SchoolVersion, UnitVersion
from services.indicators.tables import IndicatorsTable
from services.indicators.verify import verify
from shared.db.errors import Transient
from shared.db.postgres import PostgresDatabase
from shared.db.transaction import Tx
from shared.journal import journal, positions
from shared.journal.tables import add_journal_tables
from tests.properties.fold_worlds import LOOK_BACK, Known
from tests.properties.test_contributions import whole
from tests.properties.test_contributions_fold import (
    CLOCK,
    ZONE,
    arrivals,
    compare,
    registry_record,
    revision,
)
from tests.properties.test_contributions_verify import Asked, visit_event

pytestmark = pytest.mark.distributed


class Instance:
    """One process: its own register in memory, its own share of the events."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        registers = Registers()
        self.visits = Projector(registers, CLOCK, ZONE, LOOK_BACK)
        self.register = RegistryFold(registers, CLOCK, LOOK_BACK)

    async def do(self, work: Callable[[Tx], object]) -> None:
        """Run in a transaction until no other instance is in the way."""
        while True:
            try:
                async with self._database.transaction() as tx:
                    await work(tx)
            except Transient:
                continue
            return


def many(rng: Random) -> tuple[list[UnitVersion | SchoolVersion], list[Known], list[Known]]:
    """Several small worlds' arrivals as one; versions of the register are numbered anew."""
    versions, sent, newest = arrivals(rng)
    while len(sent) < 60:
        more, others, last = arrivals(rng)
        versions, sent, newest = versions + more, sent + others, newest + last
    return [v._replace(version=n + 1) for n, v in enumerate(versions)], sent, newest


@pytest.mark.parametrize("seed", range(6))
async def test_three_instances_at_once_end_in_the_whole(seed: int, postgres_url: str) -> None:
    rng = Random(seed)
    versions, sent, newest = many(rng)
    arriving = [*sent, *(known for known in sent if rng.random() < 0.3)]
    rng.shuffle(arriving)
    rng.shuffle(versions)
    add_journal_tables(IndicatorsTable.metadata)
    database = PostgresDatabase(postgres_url, "indicators", IndicatorsTable.metadata)
    await database.open()
    try:
        instances = [Instance(database) for _ in range(3)]

        async def some_visits(number: int) -> None:
            fold = instances[number].visits.fold
            mine = arriving[number::3]
            for begin in range(0, len(mine), 4):
                rows = [revision(known) for known in mine[begin : begin + 4]]
                await instances[number].do(lambda tx, rows=rows: fold(tx, rows))

        async def the_register() -> None:
            handle = instances[0].register.handle
            for begin in range(0, len(versions), 3):
                batch = [registry_record(0, v) for v in versions[begin : begin + 3]]
                await instances[0].do(lambda tx, batch=batch: handle(tx, batch))

        await asyncio.gather(*(some_visits(number) for number in range(3)), the_register())
        async with database.reading() as tx:
            register = await Registers().current(tx)
            await compare(tx, register, whole(newest, register))
            slots = await tx.fetch("SELECT DISTINCT slot FROM day_cells")
            assert slots
    finally:
        await database.close()


async def test_rebuild_switches_at_once_beside_a_live_fold(postgres_url: str) -> None:
    rng = Random(5)
    versions, sent, _ = many(rng)
    rng.shuffle(sent)
    events = [registry_record(0, version).event for version in versions]
    events += [visit_event(known) for known in sent]
    tables = MetaData()
    add_journal_tables(tables)
    add_journal_tables(IndicatorsTable.metadata)
    ledger = PostgresDatabase(postgres_url, "ingest", tables)
    database = PostgresDatabase(postgres_url, "indicators", IndicatorsTable.metadata)
    await ledger.open()
    await database.open()
    try:
        async with ledger.transaction() as tx:
            await journal.append(tx, events)
        topics = ["rtsm.registry", "rtsm.visits"]
        async with ledger.reading() as tx:
            records = await journal.read(tx, "ingest", 1, topics, 9_999)
        instance = Instance(database)

        async def live() -> None:
            for begin in range(0, len(records), 5):
                some = records[begin : begin + 5]
                facts = [record for record in some if record.event.topic == topics[0]]
                visits = [record for record in some if record.event.topic == topics[1]]
                if facts:
                    await instance.do(partial(instance.register.handle, records=facts))
                if visits:
                    await instance.do(partial(instance.visits.handle, records=visits))

        async def rebuilt() -> None:
            for _ in range(3):
                await rebuild(database, ledger, Asked(), lambda done, total: None, CLOCK)

        await asyncio.gather(live(), rebuilt())
        async with database.transaction() as tx:
            await positions.put(tx, "indicators.visits", "ingest.journal", len(events) + 1)
        assert await verify(database, ledger, Asked(), lambda done, total: None) == []
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM day_cells WHERE unit = 0")
        assert await verify(database, ledger, Asked(), lambda done, total: None)
        await rebuild(database, ledger, Asked(), lambda done, total: None, CLOCK)
        assert await verify(database, ledger, Asked(), lambda done, total: None) == []
    finally:
        await ledger.close()
        await database.close()
