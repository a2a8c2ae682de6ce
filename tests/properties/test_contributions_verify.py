"""Verification finds what is wrong and nothing else; a rebuild mends it, whatever was damaged."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest.mock import patch
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData

from services.indicators import rebuild_spill
from services.indicators.projector import Projector
from services.indicators.rebuild import rebuild
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import Registers
from services.indicators.verify import verify
from shared.clock import rfc3339
from shared.db.sqlite import SqliteDatabase
from shared.journal import journal, positions
from shared.journal.records import Event, Record
from shared.journal.tables import add_journal_tables
from tests.properties.fold_worlds import LOOK_BACK, Known
from tests.properties.test_contributions_fold import (
    CLOCK,
    ZONE,
    arrivals,
    database,
    registry_record,
)


@dataclass(frozen=True)
class Asked:
    look_back_days: int = LOOK_BACK
    zone: ZoneInfo = ZONE
    relayed: bool = False


def visit_event(known: Known) -> Event:
    """An event whose form gives a few of the measures."""
    items = {"clean": "yes", "seating": "no"} if known.mask > 1 else {}
    form = {
        "status": "open",
        "visit_type": known.kind,
        "monitor_id": known.monitor,
        "rooms": {"available": known.flow[5] % 90 + 9, "usable": known.flow[5] % 9},
        "students": {"boys": {"enrolled": 90, "present": known.flow[4] % 90}},
        "environment": items,
    }
    data = {
        "source": known.source,
        "visit_id": known.visit_id,
        "revision": known.revision,
        "recorded_at": rfc3339(known.received + known.revision),
        "received_at": rfc3339(known.received),
        "school_code": known.code,
        "standing": known.standing,
        "visited_at": rfc3339(known.at),
        "form": form,
    }
    return Event("rtsm.visits", "t", known.code, "x", 0, 0, json.dumps(data).encode())


@asynccontextmanager
async def ledger(folder: Path, events: list[Event]) -> AsyncIterator[SqliteDatabase]:
    tables = MetaData()
    add_journal_tables(tables)
    opened = SqliteDatabase(folder / "ingest.db", tables)
    await opened.open()
    async with opened.transaction() as tx:
        await journal.append(tx, events)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def divided(part: int, portion: int) -> AsyncIterator[None]:
    """Let a rebuild divide what it holds as if there were much more of it."""
    with (
        patch.object(rebuild_spill, "SMALL_PART", part),
        patch.object(rebuild_spill, "VISITS_AT_ONCE", portion),
    ):
        yield


def silent(done: int, total: int) -> None:
    assert 0 <= done <= total


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
async def test_rebuild_and_fold_agree_and_verify_finds_damage(seed: int) -> None:
    rng = Random(seed)
    versions, sent, _ = arrivals(rng)
    rng.shuffle(sent)
    sent += [known for known in sent if rng.random() < 0.2]  # a journal that repeats itself
    events = [registry_record(0, version).event for version in versions]
    events += [visit_event(known) for known in sent]
    # Few visits in many parts: what a nation's journal is divided into.
    small = rng.choice((1, 3, rebuild_spill.SMALL_PART))
    async with (
        database() as db,
        ledger(db.path.parent, events) as source,
        divided(small, rng.choice((1, 5))),
    ):
        registers = Registers()
        projector = Projector(registers, CLOCK, ZONE, LOOK_BACK)
        fold = RegistryFold(registers, CLOCK, LOOK_BACK)
        async with source.reading() as tx:
            records = await journal.read(tx, "ingest", 1, ["rtsm.registry", "rtsm.visits"], 9_999)
        async with db.transaction() as tx:
            await positions.put(tx, "indicators.visits", "ingest.journal", len(events) + 1)
        await _fold(db, projector, fold, records)
        assert await verify(db, source, Asked(), silent) == []
        await rebuild(db, source, Asked(), silent, CLOCK)
        assert await verify(db, source, Asked(), silent) == []
        await _fold(db, projector, fold, records)  # the same process goes on, all comes again
        assert await verify(db, source, Asked(), silent) == []
        damaged = await _damage(db, rng)
        assert bool(await verify(db, source, Asked(), silent)) == damaged
        await rebuild(db, source, Asked(), silent, CLOCK)
        assert await verify(db, source, Asked(), silent) == []
        if sent:
            await rebuild(db, source, Asked(look_back_days=LOOK_BACK + 3), silent, CLOCK)
            assert await verify(db, source, Asked(look_back_days=LOOK_BACK + 3), silent) == []


async def _fold(
    db: SqliteDatabase, projector: Projector, fold: RegistryFold, records: list[Record]
) -> None:
    for topic, handle in (("rtsm.visits", projector.handle), ("rtsm.registry", fold.handle)):
        chosen = [record for record in records if record.event.topic == topic]
        if chosen:
            async with db.transaction() as tx:
                await handle(tx, chosen)


async def _damage(db: SqliteDatabase, rng: Random) -> bool:
    """Spoil something that says something; returns whether there was anything to spoil."""
    cell = "flow IS NOT NULL OR stock IS NOT NULL"
    table, says, spoilt = rng.choice(
        (
            ("day_cells", cell, "DELETE FROM day_cells"),
            ("month_cells", cell, "DELETE FROM month_cells"),
            ("presence", "length(data) > 0", "DELETE FROM presence"),
            ("visits", "1", "DELETE FROM visits"),
            ("visits", "1", "UPDATE visits SET day = day + 1"),
            ("visits", "1", "UPDATE visits SET school = 98"),
            ("visits", "school > 0", "UPDATE visits SET school = 0"),
            ("visits", "1", "UPDATE visits SET visit_id = visit_id || 'x'"),
            ("day_cells", cell, "UPDATE day_cells SET unit = 99"),
        )
    )
    end = rng.choice(("min", "max"))
    where = f"WHERE rowid = (SELECT {end}(rowid) FROM {table} WHERE {says})"
    return await db.write(lambda connection: connection.execute(f"{spoilt} {where}").rowcount) > 0
