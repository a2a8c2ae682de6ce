"""The fold in a real database against the whole computed at once, for any order of arrival."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.indicators.cells import FLOWS, STOCKS, decode_presence, decode_rows, sum_presence
from services.indicators.contributions import Deltas
from services.indicators.incoming import Revision
from services.indicators.measures import FLOW, STOCK
from services.indicators.projector import Projector
from services.indicators.register import Register
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import Registers
from services.indicators.segments import SchoolVersion, UnitVersion
from services.indicators.tables import IndicatorsTable
from shared.clock import SetClock
from shared.db.sqlite import SqliteDatabase
from shared.db.transaction import Tx
from shared.domain.days import day_date
from shared.journal.records import Event, Record
from shared.journal.tables import add_journal_tables
from tests.properties.fold_worlds import (
    LOOK_BACK,
    Cells,
    Known,
    corrected,
    school_change,
    unit_change,
    units,
    visit,
)
from tests.properties.test_contributions import named, plus, presence, whole

ZONE = ZoneInfo("Asia/Karachi")
CLOCK = SetClock(datetime(2018, 4, 1, tzinfo=UTC))


@asynccontextmanager
async def database() -> AsyncIterator[SqliteDatabase]:
    add_journal_tables(IndicatorsTable.metadata)
    with TemporaryDirectory() as folder:
        opened = SqliteDatabase(Path(folder) / "indicators.db", IndicatorsTable.metadata)
        await opened.open()
        try:
            yield opened
        finally:
            await opened.close()


def revision(known: Known) -> Revision:
    row = known.row(0)
    head = (known.source, known.visit_id, known.revision, known.code, known.day, known.at)
    times = (known.received, known.received)
    texts = (known.monitor, known.kind, "open", known.standing)
    return Revision(*head, *times, *texts, *row[-4:])


def registry_record(position: int, version: UnitVersion | SchoolVersion) -> Record:
    item: dict[str, Any] = {"valid_from": day_date(version.valid_from).isoformat(), "name": "x"}
    if isinstance(version, UnitVersion):
        item |= {"unit_id": version.unit_id, "parent_id": version.parent_id}
        item |= {"level": version.level}
        body: dict[str, Any] = {"unit": item}
    else:
        item |= {"school_code": version.code, "unit_id": version.unit_id}
        item |= {"gender": version.gender, "status": version.status}
        body = {"school": item}
    body |= {"version": version.version, "recorded_at": "2018-03-01T00:00:00.000000Z"}
    event = Event("rtsm.registry", "t", "k", "k", 0, 0, json.dumps(body).encode())
    return Record("registry", position, event)


async def cells(tx: Tx, table: str, register: Register, column: str) -> Cells:
    width, names = (FLOWS, FLOW) if column == "flow" else (STOCKS, STOCK)
    when = "day" if table == "day_cells" else "month"
    rows = await tx.fetch(f"SELECT unit, {when}, {column} FROM {table}")
    found: Cells = Counter()
    for row, values in zip(rows, decode_rows([row[2] for row in rows], width), strict=True):
        for name, value in zip(names, values.tolist(), strict=True):
            found[register.unit_ids[row[0]], row[1], name] += value
    return Counter({key: value for key, value in found.items() if value})


async def presence_held(tx: Tx) -> Counter:
    found: Counter = Counter()
    for path, quarter, data in await tx.fetch("SELECT path, quarter, data FROM presence"):
        for record in sum_presence(decode_presence([data])):
            key = (path, quarter, *(int(record[name]) for name in ("school", "day", "mask")))
            found[key] += int(record["count"])
    left = Counter({key: value for key, value in found.items() if value})
    assert all(value > 0 for value in left.values())
    return left


async def compare(tx: Tx, register: Register, expected: Deltas) -> None:
    for part, names in (("flow", FLOW), ("stock", STOCK)):
        sums = getattr(expected, part)
        assert await cells(tx, "day_cells", register, part) == named(sums, names, register)
        months = named(sums.by_month(), names, register)
        assert await cells(tx, "month_cells", register, part) == plus(months, Counter())
    assert await presence_held(tx) == presence(expected)


def arrivals(rng: Random) -> tuple[list[Any], list[Known], list[Known]]:
    """Register versions, every revision that is ever sent, and the newest of each visit."""
    register: list[Any] = units(rng)
    register += [unit_change(rng, n + 2) for n in range(rng.randrange(4))]
    register += [school_change(rng, n + 10) for n in range(rng.randrange(1, 14))]
    sent, newest = [], []
    for number in range(rng.choice((rng.randrange(30), rng.randrange(80)))):
        held = visit(rng, number)
        sent.append(held)
        while rng.random() < 0.35:
            held = corrected(rng, held, held.revision + 1)
            sent.append(held)
        newest.append(held)
    return register, sent, newest


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
async def test_any_order_and_batching_ends_in_the_whole(seed: int) -> None:
    rng = Random(seed)
    versions, sent, newest = arrivals(rng)
    visits = [*sent, *(known for known in sent if rng.random() < 0.2)]  # and some again
    rng.shuffle(visits)
    rng.shuffle(versions)
    # With a long look-back the fold sees a slice of a school's visits, with a short one all.
    look_back = rng.choice((LOOK_BACK, 25))
    async with database() as db:
        registers = Registers()
        projector = Projector(registers, CLOCK, ZONE, look_back)
        fold = RegistryFold(registers, CLOCK, look_back)
        position = 0
        while visits or versions:
            some = rng.randrange(1, 8)
            if rng.random() < 0.1:
                registers = Registers()  # another process takes over
                projector = Projector(registers, CLOCK, ZONE, look_back)
                fold = RegistryFold(registers, CLOCK, look_back)
            async with db.transaction() as tx:
                if versions and (not visits or rng.random() < 0.5):
                    records = [registry_record(n, v) for n, v in enumerate(versions[:some])]
                    await fold.handle(tx, records)
                    versions = versions[some:]
                else:
                    await projector.fold(tx, [revision(known) for known in visits[:some]])
                    visits = visits[some:]
            position += some
        async with db.reading() as tx:
            register = await registers.current(tx)
            fresh = await Registers().current(tx)
            await compare(tx, register, whole(newest, register, look_back))
            assert fresh.unit_ids == register.unit_ids
            assert fresh.paths == register.paths
            assert (fresh.seg_path == register.seg_path).all()
            past = await tx.fetch("SELECT source, visit_id, revision FROM visits_past")
            current = await tx.fetch("SELECT source, visit_id, revision FROM visits")
        everything = {(v.source, v.visit_id, v.revision) for v in sent}
        assert {tuple(row) for row in (*past, *current)} == everything
        assert {tuple(row) for row in current} == {
            (v.source, v.visit_id, v.revision) for v in newest
        }
