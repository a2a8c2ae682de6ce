"""Listeners that join while a look is under way: nobody waits for ever, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from services.indicators.definition_file import shipped
from services.indicators.freshness import OfJournal
from services.indicators.registry_store import Registers
from services.indicators.snapshots import Snapshots
from services.indicators.stream import Stream
from shared.clients.calendar import CalendarClient
from tests.support.embedded import Embedded, embedded

CONNECTIONS = 4
"""How many readers a SQLite file has."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Embedded]:
    async with embedded(tmp_path, services=["ingest", "indicators"]) as opened:
        unit = {"unit_id": "D", "level": "district", "name": "D"}
        (await opened.client.put("/v1/units", json=[unit])).raise_for_status()
        school = {"school_code": "1001", "unit_id": "D", "name": "S", "status": "open"}
        (await opened.client.put("/v1/schools", json=[school])).raise_for_status()
        await visit(opened, "2019-05-01")
        yield opened


async def visit(house: Embedded, day: str) -> None:
    form = {"visit_id": str(uuid4()), "school_code": "1001", "status": "open"}
    form["visited_at"] = f"{day}T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text
    await house.drain()


def parts(house: Embedded) -> tuple[Snapshots, Stream]:
    platform, asked = house.platform, house.settings
    topics = {"indicators.visits": "rtsm.visits"}
    database = platform.database("indicators")
    snapshots = Snapshots(
        database,
        Registers(),
        house.clock,
        asked.zone,
        asked.look_back_days,
        OfJournal(house.clock, platform.database("ingest"), "ingest", topics),
        shipped(),
        CalendarClient(platform.client("ingest")),
    )
    return snapshots, Stream(database, snapshots, asyncio.Event())


async def test_joining_with_every_connection_taken_does_not_wait_for_a_look(
    house: Embedded,
) -> None:
    snapshots, stream = parts(house)
    async with snapshots.open() as snapshot:
        first = await stream.join(snapshot, "first", None, None)
    await visit(house, "2019-05-02")
    async with asyncio.timeout(20), AsyncExitStack() as stack:
        held = [await stack.enter_async_context(snapshots.open()) for _ in range(CONNECTIONS)]
        looking = asyncio.create_task(stream.look())
        await asyncio.sleep(0)  # it has begun, and waits for a connection
        assert not looking.done()
        late = [await stream.join(each, "late", None, None) for each in held]
        await stack.aclose()
        await looking
    notice = first.take()
    assert notice is not None
    assert notice.units == ["D"]
    assert [each.take() for each in late] == [None] * CONNECTIONS


async def test_who_joins_with_an_older_snapshot_misses_nothing(house: Embedded) -> None:
    snapshots, stream = parts(house)
    async with snapshots.open() as snapshot:
        first = await stream.join(snapshot, "first", None, None)
    async with snapshots.open() as older:
        await visit(house, "2019-05-02")
        await stream.look()
        late = await stream.join(older, "late", None, None)
    await stream.look()
    for listener in (first, late):
        notice = listener.take()
        assert notice is not None
        assert notice.first_day == "2019-05-02"
        assert listener.take() is None
    await stream.look()
    assert (first.take(), late.take()) == (None, None)
