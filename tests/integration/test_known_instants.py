"""An instant that was answered for stays answered: nothing is recorded before it afterwards.

Whoever records is held up at the two places where time could pass: before it has the journal to
itself, and after it has chosen its instant. The clock goes on meanwhile, and others ask.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.ingest import intake
from shared.db.sqlite import SqliteDatabase
from shared.journal import journal
from tests.support.embedded import Embedded, embedded
from tests.support.waiting import eventually

ASKED = {"period": "2019-05", "view": "as_was"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    """A school with one visit, on either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    services = ["ingest", "indicators"]
    more = {"database_url": url} if url else {}
    async with embedded(tmp_path, services=services, **more) as opened:
        unit = {"unit_id": "C", "level": "cluster", "name": "C"}
        (await opened.client.put("/v1/units", json=[unit])).raise_for_status()
        school = {"school_code": "1001", "unit_id": "C", "name": "1001", "status": "open"}
        (await opened.client.put("/v1/schools", json=[school])).raise_for_status()
        await visit(opened)
        await opened.drain()
        opened.clock.advance(timedelta(minutes=10))
        yield opened


async def visit(house: Embedded) -> None:
    form = {"visit_id": str(uuid4()), "school_code": "1001", "status": "open"}
    form["visited_at"] = "2019-05-02T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text


async def figures(house: Embedded, **more: Any) -> dict[str, Any]:
    answer = await house.client.get("/v1/units/C/figures", params=ASKED | more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@asynccontextmanager
async def stopped(house: Embedded, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Send a visit whose instant is chosen, and which is not committed before the block ends."""
    begun, go_on = threading.Event(), threading.Event()
    if isinstance(house.platform.database("ingest"), SqliteDatabase):
        insert = intake._insert

        def slow(*given: Any) -> Any:
            begun.set()
            assert go_on.wait(20)
            return insert(*given)

        patch.setattr(intake, "_insert", slow)
    else:
        store = intake._insert_postgres

        async def late(*given: Any) -> None:
            begun.set()
            assert await asyncio.to_thread(go_on.wait, 20)
            await store(*given)

        patch.setattr(intake, "_insert_postgres", late)
    sending = asyncio.create_task(visit(house))
    try:
        assert await asyncio.to_thread(begun.wait, 20)
        yield
    finally:
        go_on.set()
        await sending


async def test_what_waited_for_the_journal_is_recorded_when_it_is_stored(house: Embedded) -> None:
    ledger = house.platform.database("ingest")
    async with ledger.transaction() as tx:
        await tx.lock(journal.JOURNAL_LOCK)
        sending = asyncio.create_task(visit(house))

        async def waits() -> bool:
            if isinstance(ledger, SqliteDatabase):
                return bool(ledger._writing._waiters)
            row = await tx.fetch_one("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(row[0])

        await eventually(waits, "the visit waits for the journal")
        house.clock.advance(timedelta(seconds=10))
        began = house.clock.now()
    await sending
    async with ledger.reading() as tx:
        recorded = await journal.last_recorded(tx)
    assert recorded >= began.timestamp() * 1_000_000


async def test_no_instant_is_answered_for_that_somebody_may_still_record_before(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = await figures(house, seal="true")
    async with stopped(house, monkeypatch):
        house.clock.advance(timedelta(seconds=10))
        card = await figures(house, seal="true")
        then = await figures(house, known_at=card["as_of"])
    assert card["visits"] == then["visits"] == 1
    assert card["as_of"] >= quiet["as_of"], "what was told before holds"
    await house.drain()
    assert (await figures(house))["visits"] == 2
    assert (await figures(house, known_at=card["as_of"]))["visits"] == 1
    for told in (quiet, card):
        asked = ASKED | {"known_at": told["as_of"], "seal": told["seal"]}
        checked = await house.client.get("/v1/units/C/seal", params=asked)
        assert checked.json()["verdict"] == "confirmed"


async def test_what_was_recorded_at_one_instant_is_known_whole_or_not_at_all(
    house: Embedded,
) -> None:
    """A fold that takes half of what was stored together does not answer for its instant."""
    forms = [
        {
            "visit_id": str(uuid4()),
            "school_code": "1001",
            "status": "open",
            "visited_at": f"2019-05-{day:02d}T09:00:00+05:00",
        }
        for day in range(3, 7)
    ]
    answer = await house.client.post("/v1/visits/batch", json=forms)
    assert answer.json()["accepted"] == 4
    consumer = next(
        consumer
        for service in house.app.state.running.services
        for consumer in service.consumers
        if consumer.name == "indicators.visits"
    )
    consumer._limit = 2
    await consumer.step(0.05)
    half = await figures(house)
    assert half["visits"] == 3
    known = await figures(house, known_at=half["as_of"])
    await house.drain()
    assert (await figures(house, known_at=half["as_of"]))["visits"] == known["visits"]
