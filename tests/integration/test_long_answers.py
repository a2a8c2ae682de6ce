"""Readers that stop reading, and readers that leave: no view of the database stays open for them.

Real sockets, the server's own configuration, both dialects.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter

from services.http_protocol import WholeAnswers
from services.indicators.lists_routes import add_lists
from services.indicators.sending import Patience, Places
from services.indicators.unit_routes import add_units
from shared.web import Application
from tests.integration.test_stream_joining import parts
from tests.support.embedded import Embedded, embedded
from tests.support.sockets import listening
from tests.support.waiting import eventually

MANY = 40
BULK_READS, ALL = 2, 3
"""How many bulk reads are answered at a time, and how many long answers altogether."""
NEVER = 200.0
SMALL_BUFFER = 8 * 1024
LONG = ("گورنمنٹ گرلز ہائر سیکنڈری اسکول " * 7)[:200]
BULK = "/v1/units/P/bulk/figures?" + urlencode({"period": "2009-06..2019-05", "by": "quarter"})
CSV = "/v1/units/P/lists/not_visited?format=csv"
SMALL_BULK = "/v1/units/C/bulk/figures?period=2019-05"
SMALL_CSV = "/v1/units/P/lists/no_toilet?format=csv"
FIGURES = "/v1/units/C/figures?period=2019-05"
SCHOOLS = 250


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader leaves unread must not vanish in the buffers of this machine."""
    made = WholeAnswers.connection_made

    def connection_made(self: WholeAnswers, transport: asyncio.Transport) -> None:
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        made(self, transport)

    monkeypatch.setattr(WholeAnswers, "connection_made", connection_made)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Where the figures are: in a file, or in a new database."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@asynccontextmanager
async def serving(
    folder: Path, url: str | None, stall: float
) -> AsyncIterator[tuple[Embedded, int]]:
    """A deployment with a register of some size, and the port where it listens."""
    more: dict[str, Any] = {} if url is None else {"database_url": url, "unsafe_durability": True}
    sending = {"stall_seconds": stall}
    served = ["ingest", "indicators"]
    async with embedded(folder, services=served, sending=sending, **more) as house:
        tree = [("P", "province", None), ("D", "district", "P"), ("C", "cluster", "D")]
        units = [
            {"unit_id": unit, "level": level, "parent_id": above, "name": LONG}
            for unit, level, above in tree
        ]
        (await house.client.put("/v1/units", json=units)).raise_for_status()
        schools = [
            {"school_code": f"{1000 + number}", "unit_id": "C", "name": LONG}
            for number in range(SCHOOLS)
        ]
        (await house.client.put("/v1/schools", json=schools)).raise_for_status()
        await visited(house)
        async with listening(house.app) as port:
            yield house, port


async def visited(house: Embedded) -> None:
    """A further visit: what was written after a view was opened shows whether it is open still."""
    form = {
        "visit_id": str(uuid4()),
        "school_code": "1001",
        "visited_at": "2019-05-02T09:40:00+05:00",
        "status": "open",
    }
    (await house.client.post("/v1/visits", json=form)).raise_for_status()
    await house.drain()


async def let_go(house: Embedded) -> bool:
    """Whether nobody holds a view of the figures, as the database itself says."""
    if house.settings.database_url is None:
        path = house.settings.data_dir / "indicators.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as beside:
            busy, _, _ = beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    beside = await asyncpg.connect(house.settings.database_url)
    try:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rtsm' AND "
        within = "datname = current_database() AND state LIKE 'idle in transaction%'"
        return bool(await beside.fetchval(asked + within) == 0)
    finally:
        await beside.close()


def request_of(house: Embedded, path: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.key}\r\n\r\n"
    return head.encode()


@asynccontextmanager
async def stalled(house: Embedded, port: int, *paths: str) -> AsyncIterator[None]:
    """Callers that read the first words of an answer, and then nothing."""
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        for path in paths:
            caller = stack.enter_context(closing(socket.socket()))
            caller.setblocking(False)
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            await loop.sock_connect(caller, ("127.0.0.1", port))
            await loop.sock_sendall(caller, request_of(house, path))
            line = await asyncio.wait_for(loop.sock_recv(caller, 12), 30)
            assert line == b"HTTP/1.1 200", line
        yield


async def get(house: Embedded, port: int, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {house.key}"}
    async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def all_is_well(house: Embedded, port: int) -> None:
    """As if nobody had asked: no view is open, every place is free, all is answered at once."""
    await visited(house)
    await eventually(lambda: let_go(house), "no view of the figures is open", seconds=20.0)
    began = time.monotonic()
    for path in (FIGURES, *[SMALL_BULK] * (BULK_READS + 1), *[SMALL_CSV] * (ALL + 1), CSV):
        answer = await get(house, port, path)
        assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < 15
    assert answer.text.count("\n") == SCHOOLS


async def test_a_reader_that_stops_reading_is_left(
    tmp_path: Path, database_url: str | None
) -> None:
    async with (
        serving(tmp_path, database_url, 0.5) as (house, port),
        stalled(house, port, BULK, BULK, CSV),
    ):
        await all_is_well(house, port)


async def test_long_answers_have_a_few_places_and_others_do_not_wait_for_them(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, None, NEVER) as (house, port):
        async with stalled(house, port, BULK, BULK):
            await visited(house)
            assert not await let_go(house)
            assert (await get(house, port, CSV)).status_code == 200
            async with stalled(house, port, CSV):
                for path in (BULK, CSV):
                    refused = await get(house, port, path)
                    assert refused.status_code == 503
                    assert refused.json()["type"] == "/problems/bulk_busy"
                    assert int(refused.headers["retry-after"]) > 0
                for path in (
                    FIGURES,
                    "/v1/units/C/lists",
                    FIGURES + "&known_at=2019-06-03T04:00:00Z",
                ):
                    assert (await get(house, port, path)).status_code == 200
        await all_is_well(house, port)


async def test_forty_that_leave_in_the_middle_of_a_download_cost_nothing(
    tmp_path: Path, database_url: str | None
) -> None:
    async with serving(tmp_path, database_url, NEVER) as (house, port):

        async def leave(number: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request_of(house, (BULK, CSV)[number % 2]))
            line = await asyncio.wait_for(reader.readline(), 60)
            if number % 4 < 2:
                writer.transport.abort()
            else:
                writer.close()
            return line[:12]

        lines = await asyncio.gather(*(leave(number) for number in range(MANY)))
        assert b"HTTP/1.1 200" in lines
        assert set(lines) <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
        await all_is_well(house, port)


async def test_lists_wait_for_a_place_among_what_reads_visits_and_figures_do_not(
    tmp_path: Path,
) -> None:
    async with embedded(tmp_path, services=["ingest", "indicators"]) as house:
        unit = {"unit_id": "P", "level": "province", "name": "P"}
        (await house.client.put("/v1/units", json=[unit])).raise_for_status()
        await house.drain()
        snapshots, _ = parts(house)
        router, app = APIRouter(), Application()
        add_lists(router, snapshots, Places(), Patience(1.0, 1.0))
        add_units(router, snapshots)
        app.include_router(router)
        app.state.platform = house.platform
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers=house.client.headers
        ) as client:
            async with snapshots.open(from_visits=True), snapshots.open(from_visits=True):
                lists = asyncio.create_task(client.get("/v1/units/P/lists"))
                one = asyncio.create_task(client.get("/v1/units/P/lists/no_toilet"))
                assert (await client.get("/v1/units/P")).status_code == 200
                waited, _ = await asyncio.wait({lists, one}, timeout=0.2)
                assert not waited
            assert [(await each).status_code for each in (lists, one)] == [200, 200]
