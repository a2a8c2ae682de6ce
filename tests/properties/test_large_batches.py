"""Large batches take ways of their own: written in hope, set where they were read. Same figures."""

from __future__ import annotations

from contextlib import AsyncExitStack
from random import Random

import pytest

from services.indicators import cell_store, projector
from services.indicators.projector import Projector
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import Registers
from services.indicators.tables import IndicatorsTable
from shared.db.engine import Database
from shared.db.postgres import PostgresDatabase
from shared.journal.tables import add_journal_tables
from tests.properties.fold_worlds import LOOK_BACK
from tests.properties.test_contributions import whole
from tests.properties.test_contributions_fold import (
    CLOCK,
    ZONE,
    arrivals,
    compare,
    database,
    registry_record,
    revision,
)


async def opened(stack: AsyncExitStack, dialect: str, request: pytest.FixtureRequest) -> Database:
    if dialect == "sqlite":
        return await stack.enter_async_context(database())
    add_journal_tables(IndicatorsTable.metadata)
    url = request.getfixturevalue("postgres_url")
    made = PostgresDatabase(url, "indicators", IndicatorsTable.metadata)
    await made.open()
    stack.push_async_callback(made.close)
    return made


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_visits_that_come_again_by_the_batch_count_once(
    seed: int, dialect: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "_LARGE", 3)
    monkeypatch.setattr(cell_store, "_LARGE", 3)
    rng = Random(seed)
    versions, sent, newest = arrivals(rng)
    while len(sent) < 40:
        versions, sent, newest = arrivals(rng)
    first = sorted(sent, key=lambda known: known.revision)
    again = rng.sample(sent, len(sent) // 2)
    rng.shuffle(sent)
    # All in order, then some again, then none that is new, then all as they would never come.
    arriving = [*first[: len(first) // 2], *again, *first, *sent]
    registers = Registers()
    visits = Projector(registers, CLOCK, ZONE, LOOK_BACK)
    register = RegistryFold(registers, CLOCK, LOOK_BACK)
    async with AsyncExitStack() as stack:
        held = await opened(stack, dialect, request)
        async with held.transaction() as tx:
            await register.handle(tx, [registry_record(0, version) for version in versions])
        for begin in range(0, len(arriving), 7):
            async with held.transaction() as tx:
                await visits.fold(tx, [revision(known) for known in arriving[begin : begin + 7]])
        async with held.reading() as tx:
            now = await Registers().current(tx)
            await compare(tx, now, whole(newest, now))
