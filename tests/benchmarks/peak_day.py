"""A day of Bangladesh's peak, replayed: every visit acknowledged, every figure the oracle's.

`python -m tests.benchmarks.peak_day [--visits N] [--schools N] [--postgres]`

A day's visits of unequal districts arrive as fast as sixteen senders can post them, half of them
twice as retries do, with corrections and withdrawals in between, while the consumers run. At the
end every unit asked must say what the brute-force recount of the accepted calls says, in both
views, and `verify` must find nothing. The whole day is `--visits 120000 --schools 120000`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from demo import synthetic
from services.app import create_app
from shared.clock import SetClock
from shared.domain.days import today
from shared.settings import Settings, load_settings
from tests.benchmarks.house import NOW, REGISTER_SEED, VISITS_SEED, client_of, count_of, verified
from tests.oracle.compare import check_everything
from tests.support.postgres import Postgres

SENDERS = 16
RETRIED, CORRECTED, WITHDRAWN = 0.5, 0.03, 0.01
"""Shares of the visits: retries and duplicates are half of what is sent (09 of the load bar)."""
MONTH = "2019-06"
Operation = dict[str, Any]


@asynccontextmanager
async def living(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application with its consumers at work."""
    app = create_app(settings, SetClock(NOW))
    async with app.router.lifespan_context(app):
        yield app


class Day:
    """The calls of one day and what was accepted of them, in the order in which it was received."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._chance = random.Random(7)
        self.log: list[Operation] = []
        self.visits: list[tuple[str, Operation]] = []
        self.changes: list[Operation] = []
        self.seconds: list[float] = []

    async def register(self, made: synthetic.Register) -> None:
        """Put units and schools."""
        units, schools = made.unit_bodies(), list(made.school_bodies())
        for path, items in (("units", units), ("schools", schools)):
            for first in range(0, len(items), 2_000):
                part = items[first : first + 2_000]
                (await self._client.put(f"/v1/{path}", json=part)).raise_for_status()
                self.log.append({"op": path, "items": part, "day": "2019-06-03"})

    async def send(self, bodies: list[bytes]) -> None:
        """Send them all, by as many senders as there are."""
        rest = iter(bodies)

        async def sender() -> None:
            for body in rest:
                await self._one(body)

        await asyncio.gather(*(sender() for _ in range(SENDERS)))

    async def _one(self, body: bytes) -> None:
        json_body = {"Content-Type": "application/json"}
        began = time.perf_counter()
        answer = await self._client.post("/v1/visits", content=body, headers=json_body)
        self.seconds.append(time.perf_counter() - began)
        if answer.status_code != httpx.codes.CREATED:
            raise RuntimeError(f"not accepted: {answer.status_code} {answer.text[:300]}")
        form, receipt = json.loads(body), answer.json()
        named = {"source": form["source"], "visit_id": form["visit_id"]}
        self.visits.append((receipt["received_at"], {"op": "visit", **named, "form": form}))
        chance = self._chance.random()
        if chance < RETRIED:
            again = await self._client.post("/v1/visits", content=body, headers=json_body)
            if again.status_code != httpx.codes.OK:
                raise RuntimeError(f"a retry was answered {again.status_code}")
        path = f"/v1/visits/{form['visit_id']}?source={form['source']}"
        if self._chance.random() < CORRECTED and form["status"] == "open":
            form = {**form, "rooms": {"available": 9, "usable": 4}}
            headers = {"If-Match": '"1"'}
            (await self._client.put(path, json=form, headers=headers)).raise_for_status()
            self.changes.append({"op": "correct", **named, "form": form})
        elif self._chance.random() < WITHDRAWN:
            (await self._client.delete(f"{path}&reason=mistake")).raise_for_status()
            self.changes.append({"op": "withdraw", **named})

    def accepted(self) -> list[Operation]:
        """All that was accepted, for the oracle."""
        received = [visit for _, visit in sorted(self.visits, key=lambda pair: pair[0])]
        return [*self.log, *received, *self.changes]


async def folded(app: FastAPI, visits: int) -> float:
    """Wait until every event is in the figures; the seconds that took."""
    began = time.perf_counter()
    ingest, indicators = (app.state.platform.database(n) for n in ("ingest", "indicators"))
    async with ingest.reading() as tx:
        end = (await tx.fetch_one("SELECT max(seq) FROM journal WHERE topic = 'rtsm.visits'"))[0]
    following = 0
    while following <= end:
        await asyncio.sleep(0.05)
        async with indicators.reading() as tx:
            row = await tx.fetch_one(
                "SELECT next FROM positions WHERE consumer = 'indicators.visits'"
            )
        following = 0 if row is None else row[0]
    if await count_of(indicators, "visits") != visits:
        raise RuntimeError("not every visit is held")
    return time.perf_counter() - began


async def replayed(settings: Settings, given: argparse.Namespace) -> list[str]:
    """Play the day; what the figures say otherwise than the oracle."""
    register = synthetic.register(given.schools, REGISTER_SEED)
    day = today(NOW, settings.zone)
    made = synthetic.visits(register, given.visits, VISITS_SEED, day, day, False)
    async with living(settings) as app, client_of(app) as client:
        played = Day(client)
        await played.register(register)
        began = time.perf_counter()
        await played.send([body for _, body in made])
        took = time.perf_counter() - began
        behind = await folded(app, given.visits)
        seconds = sorted(played.seconds)
        print(
            f"{given.visits:,} visits, {len(played.changes):,} changes and the retries in "
            f"{took:,.1f} s ({given.visits / took:,.0f} visits/s; the day's peak is 60/s); a POST "
            f"p50 {seconds[len(seconds) // 2] * 1e3:.1f} ms, p99 "
            f"{seconds[int(len(seconds) * 0.99)] * 1e3:.1f} ms; all folded {behind:.2f} s later",
            flush=True,
        )
        log = played.accepted()
        units = ["PK-BA", "SYN-V0", "SYN-D00", "SYN-D31", "SYN-C00000", "SYN-C00007", "school:1"]
        found = await check_everything(client, log, units, [MONTH], today=day)
        database = app.state.platform.database
        await verified(database("indicators"), database("ingest"), settings)
    return found


async def main() -> int:
    """Replay the day; 1 when a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=12_000)
    parser.add_argument("--schools", type=int, default=12_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    postgres = Postgres() if given.postgres else None
    try:
        more = {}
        if postgres is not None:
            postgres.start()
            more["database_url"] = postgres.new_database()
        with tempfile.TemporaryDirectory() as folder:
            services = ["ingest", "indicators"]
            settings = load_settings({}, services=services, data_dir=Path(folder), **more)
            found = await replayed(settings, given)
    finally:
        if postgres is not None:
            postgres.close()
    print("\n".join(found[:20]) or "every figure asked is the oracle's", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
