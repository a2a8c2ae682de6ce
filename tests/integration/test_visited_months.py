"""Who was visited, remembered: always what the presence rows of the reader's snapshot say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import numpy as np
import pytest
from sqlalchemy import MetaData

from services.indicators import presence, read_store
from services.indicators.cells import PRESENCE, encode_presence, sum_presence
from services.indicators.intervals import Integers
from services.indicators.measures import BIT, LEFT_OVER, SEEN
from services.indicators.presence import Present
from services.indicators.spans import Span
from services.indicators.tables import IndicatorsTable
from services.indicators.visited import month_days
from services.indicators.visited_memory import VisitedMonths
from shared.db.postgres import PostgresDatabase
from shared.db.transaction import Tx

pytestmark = pytest.mark.distributed
FIRST, LAST = 2018 * 4 + 1, 2018 * 4 + 3
SCHOOLS, PATHS, SLOTS = 40, 6, 2
WORDS = (
    BIT["visits"],
    BIT["visits_routine"],
    BIT["official_answered"],
    BIT["official_deo_answered"],
)
STARTS = [day for quarter in range(FIRST, LAST + 1) for day in month_days(quarter)[:-1]]
WINDOWS = [
    (first, last - 1)
    for place, first in enumerate(STARTS)
    for last in [*STARTS, month_days(LAST)[-1]][place + 1 :]
]
WINDOWS += [(STARTS[0] + 9, STARTS[0] + 12), (STARTS[1] - 3, STARTS[2] + 4)]
WINDOWS += [(STARTS[0] + 20, STARTS[7] + 5), (STARTS[2] - 1, STARTS[4]), (STARTS[3], STARTS[3])]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresDatabase]:
    tables = MetaData()
    IndicatorsTable.metadata.tables["presence"].to_metadata(tables)
    database = PostgresDatabase(url, "indicators", tables)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def visit(tx: Tx, rng: Random, visits: int) -> None:
    """Record visits, and take some back in another writer's slot, as corrections do."""
    rows: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
    for _ in range(visits):
        quarter, path = rng.randrange(FIRST, LAST + 1), rng.randrange(PATHS)
        school = rng.choice((path * 6 + rng.randrange(6), rng.randrange(SCHOOLS)))
        day = rng.randrange(*month_days(quarter)[:: len(month_days(quarter)) - 1])
        mask = WORDS[0] | sum(word for word in WORDS[1:] if rng.random() < 0.5)
        record = (school, day, mask)
        rows.setdefault((path, quarter, rng.randrange(SLOTS)), []).append((*record, 1))
        if rng.random() < 0.2:
            rows.setdefault((path, quarter, rng.randrange(SLOTS)), []).append((*record, -1))
    for (path, quarter, slot), records in rows.items():
        at = "path = $1 AND quarter = $2 AND slot = $3"
        held = await tx.fetch(f"SELECT data FROM presence WHERE {at}", path, quarter, slot)
        before = np.frombuffer(held[0][0] if held else b"", PRESENCE)
        after = sum_presence(np.concatenate((before, np.array(records, PRESENCE))))
        key = (path, quarter, slot)
        await tx.execute(f"DELETE FROM presence WHERE {at}", *key)
        if after.size:
            columns = ("path", "quarter", "slot", "data")
            await tx.insert_rows("presence", columns, [(*key, encode_presence(after))])


def counted(present: Present) -> list[list[int]]:
    """Everything that is counted of visits, of each path and of all of them."""
    seen = presence.seen(present, PATHS, SCHOOLS)
    found = []
    for grouping in (np.arange(PATHS), np.zeros(PATHS, np.int64)):
        found += [
            presence.distinct(seen, grouping, PATHS).ravel().tolist(),
            presence.repeats(seen, grouping, PATHS).tolist(),
            presence.newest(seen, grouping, PATHS).tolist(),
        ]
    made = presence.covered(seen, np.arange(SCHOOLS), SCHOOLS)
    return [*found, *(part.tolist() for part in made)]


async def same(tx: Tx, memory: VisitedMonths, today: Integers | None = None) -> None:
    """What is remembered counts as what is read, over every run of months."""
    windows = [Span(first, last, last) for first, last in WINDOWS]
    visited = await memory.of(tx, windows, SCHOOLS)
    plain = (await read_store.presence_of(tx, None, FIRST, LAST)).marked(tuple(LEFT_OVER))
    remembered: presence.Presence = visited
    if today is not None:
        remembered, plain = visited.placed(today), plain.placed(today)
    for first, last in WINDOWS:
        assert counted(remembered.marked(()).between(first, last)) == counted(
            plain.between(first, last)
        )


async def test_what_is_remembered_counts_as_what_is_read(postgres_url: str) -> None:
    rng = Random(5)
    memory = VisitedMonths()
    assert len(SEEN) > len(BIT)
    async with opened(postgres_url) as database:
        for size in (0, 300, 1, 4, 40, 1):
            async with database.transaction() as tx:
                await visit(tx, rng, size)
            async with database.reading() as tx:
                await same(tx, memory)
                await same(
                    tx, memory, today=np.array([rng.randrange(PATHS) for _ in range(SCHOOLS)])
                )
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM presence WHERE path < 5")
        async with database.reading() as tx:
            await same(tx, memory)


async def test_an_older_snapshot_is_answered_from_its_own_rows(postgres_url: str) -> None:
    rng = Random(6)
    memory = VisitedMonths()
    async with opened(postgres_url) as database:
        async with database.transaction() as tx:
            await visit(tx, rng, 100)
        async with database.reading() as older:
            await same(older, memory)
            async with database.transaction() as tx:
                await visit(tx, rng, 100)
            async with database.reading() as newer:
                await same(newer, memory)
                await same(older, memory)
                await same(newer, memory)
