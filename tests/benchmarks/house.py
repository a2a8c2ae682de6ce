"""An application with a register and synthetic visits, consuming only when a benchmark says so.

Owns opening it on a clock of June 2019, filling it through its public interface, driving its
consumers and verifying what they made. What is measured is each benchmark's own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice

import httpx
from fastapi import FastAPI

from services.app import Running, create_app
from services.indicators.verify import verify
from services.serving import spare_collections
from shared.clock import SetClock
from shared.db.engine import Database
from shared.journal.consumer import Consumer
from shared.settings import Settings
from tests.benchmarks.raw_visits import Registered

NOW = datetime(2019, 6, 3, 3, tzinfo=UTC)
FIRST, LAST = date(2018, 1, 1), date(2019, 5, 31)
REGISTER_SEED, VISITS_SEED = 1, 2
_WAIT = 0.05


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[FastAPI]:
    """An application whose consumers and relays do nothing by themselves."""
    app = create_app(settings, SetClock(NOW), background=False)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with the key of a service, without a network between."""
    key = await app.state.platform.access.service_key()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://rtsm.internal",
        headers={"Authorization": f"Bearer {key}"},
        timeout=600,
    ) as client:
        yield client


async def upload(client: httpx.AsyncClient, register: Registered, bodies: Iterable[bytes]) -> None:
    """Send the register and the visits through the public interface."""
    (await client.put("/v1/units", json=register.unit_bodies())).raise_for_status()
    schools = register.school_bodies()
    while piece := list(islice(schools, 2_000)):
        (await client.put("/v1/schools", json=piece)).raise_for_status()
    await upload_visits(client, bodies)


async def upload_visits(client: httpx.AsyncClient, bodies: Iterable[bytes]) -> None:
    """Send visits as NDJSON; raises RuntimeError when one is refused."""
    rest = iter(bodies)
    while lines := list(islice(rest, 10_000)):
        answer = await client.post(
            "/v1/visits/batch",
            content=b"\n".join(lines),
            headers={"Content-Type": "application/x-ndjson"},
        )
        answer.raise_for_status()
        if answer.json()["accepted"] != len(lines):
            raise RuntimeError(f"not every visit was accepted: {answer.text[:300]}")


def consumer_of(app: FastAPI, name: str) -> Consumer:
    """One consumer of the application by its name."""
    running: Running = app.state.running
    consumers = [consumer for service in running.services for consumer in service.consumers]
    return next(consumer for consumer in consumers if consumer.name == name)


async def count_of(database: Database, table: str) -> int:
    """How many rows a table holds."""
    async with database.reading() as tx:
        return int((await tx.fetch_one(f"SELECT count(*) FROM {table}"))[0])


@dataclass(frozen=True, slots=True)
class Pace:
    """So many things, in so many seconds by the clock and of this process's processor time."""

    count: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.count / self.seconds

    def __str__(self) -> str:
        """In words, with the processor time of one."""
        return f"{self.rate:,.0f}/s ({self.processor / self.count * 1e6:,.0f} us CPU each)"


async def fold(app: FastAPI, register: Sized, visits: int) -> Pace:
    """The register, then the visits (timed from the end of the first batch) into the figures."""
    database = app.state.platform.database("indicators")
    registry, folding = (
        consumer_of(app, f"indicators.{topic}") for topic in ("registry", "visits")
    )
    while await count_of(database, "schools") < len(register):
        await registry.step(_WAIT)
    spare_collections()  # as whatever is served does
    while not (before := await folding.step(_WAIT)):
        continue
    done, start, processor = before, time.perf_counter(), time.process_time()
    while done < visits:
        done += await folding.step(_WAIT) or 0
    pace = Pace(visits - before, time.perf_counter() - start, time.process_time() - processor)
    held = await count_of(database, "visits")
    if held != visits:
        raise RuntimeError(f"{held} visits of {visits} were folded")
    return pace


async def verified(database: Database, ledger: Database, settings: Settings) -> None:
    """What `rtsm verify` does; raises RuntimeError when it finds something."""
    wrong = await verify(database, ledger, settings, lambda done, total: None)
    if wrong:
        raise RuntimeError(f"{len(wrong)} differences, the first: {wrong[0]}")
