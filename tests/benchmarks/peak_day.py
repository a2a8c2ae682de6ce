"""A day of Bangladesh's peak, replayed: every visit acknowledged, every figure the oracle's.

`python -m tests.benchmarks.peak_day [--visits N] [--schools N] [--postgres]`

The day is `tests.histories.peak`'s: Bangladesh's own divisions, districts and upazilas, half of
the visits in one hour and 30 % in ten minutes, half of all sent twice, late uploads, corrections,
withdrawals, schools and a cluster that move meanwhile; each ten minutes is sent as fast as sixteen
senders can, while the consumers run. At the end every unit of the country must say what the
brute-force recount of the accepted calls says, of the day and of the month, in both views; so must
schools drawn by chance and all that moved; and `rtsm verify` must find nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from demo.bangladesh import country
from services.app import create_app
from shared.clock import SetClock
from shared.settings import Settings, load_settings
from tests.benchmarks.house import client_of, count_of, verified
from tests.histories.peak import DAY, MONTH, ZONE, Peak, Tenth
from tests.oracle.compare import VIEWS, Window, month_window
from tests.oracle.everywhere import Everywhere, compared
from tests.support.postgres import Postgres

REGISTER_SEED, DAY_SEED = 1, 7
SCHOOLS_ASKED = 400
WINDOWS = (Window(f"{DAY}..{DAY}", DAY, DAY), month_window(MONTH))
_TOLD_EVERY = 250


@asynccontextmanager
async def living(settings: Settings, clock: SetClock) -> AsyncIterator[FastAPI]:
    """The application with its consumers at work."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


async def folded(app: FastAPI) -> float:
    """Wait until every event is in the figures; the seconds that took."""
    began = time.perf_counter()
    ingest, indicators = (app.state.platform.database(n) for n in ("ingest", "indicators"))
    for consumer in ("registry", "visits"):
        async with ingest.reading() as tx:
            topic = f"rtsm.{consumer}"
            row = await tx.fetch_one(
                "SELECT coalesce(max(seq), -1) FROM journal WHERE topic = $1", topic
            )
        following = 0
        while following <= row[0]:
            await asyncio.sleep(0.05)
            async with indicators.reading() as tx:
                held = await tx.fetch_one(
                    "SELECT next FROM positions WHERE consumer = $1", f"indicators.{consumer}"
                )
            following = 0 if held is None else held[0]
    return time.perf_counter() - began


async def replayed(settings: Settings, given: argparse.Namespace) -> list[str]:
    """Play the day; what the figures say otherwise than the oracle."""
    made, clock = country(given.schools, REGISTER_SEED), SetClock(Peak.BEGINS)
    async with living(settings, clock) as app, client_of(app) as client:
        peak = Peak(client, clock, made, given.visits, DAY_SEED)
        await peak.register()
        print(f"{len(made):,} schools under {len(made.unit_bodies()):,} units", flush=True)
        await folded(app)
        began = time.perf_counter()
        await peak.day(_told)
        took = time.perf_counter() - began
        behind = await folded(app)
        played = peak.played
        seconds = sorted(played.answered)
        busiest = max(played.tenths, key=lambda tenth: tenth.visits)
        print(
            f"{len(played.visits):,} visits, {len(played.changes):,} changes and the retries, "
            f"{played.calls:,} calls, in {took:,.1f} s ({played.calls / took:,.0f} calls/s); "
            f"the busiest ten minutes, {busiest.visits:,} visits in {busiest.calls:,} calls, in "
            f"{busiest.seconds:,.1f} s ({600 / busiest.seconds:,.1f} x faster than they came); a "
            f"POST p50 {seconds[len(seconds) // 2] * 1e3:.1f} ms, p99 "
            f"{seconds[int(len(seconds) * 0.99)] * 1e3:.1f} ms; all folded {behind:.2f} s later",
            flush=True,
        )
        if await count_of(app.state.platform.database("indicators"), "visits") != len(
            played.visits
        ):
            raise RuntimeError("not every visit is held")
        everywhere = Everywhere(played.log())
        chosen = random.Random(DAY_SEED).sample(range(len(made)), min(SCHOOLS_ASKED, len(made)))
        units = everywhere.units() + sorted(
            {f"school:{school + 1}" for school in chosen} | played.touched
        )
        began, found = time.perf_counter(), []
        for number, unit in enumerate(units, 1):
            found += await compared(client, everywhere.of(unit), unit, WINDOWS, VIEWS, DAY)
            if number % _TOLD_EVERY == 0 or number == len(units):
                spent = time.perf_counter() - began
                print(f"{number:,} of {len(units):,} units compared, {spent:,.0f} s", flush=True)
        database = app.state.platform.database
        await verified(database("indicators"), database("ingest"), settings)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    asked = len(units) * len(WINDOWS) * len(VIEWS)
    print(f"{asked:,} answers compared; `verify` finds nothing; {memory:,} MiB at most", flush=True)
    return found


async def _told(place: int, tenth: Tenth) -> None:
    began = (Peak.BEGINS.hour * 60 + place * 10) // 60, place * 10 % 60
    print(
        f"{began[0]:02d}:{began[1]:02d} {tenth.visits:6,} visits {tenth.calls:6,} calls "
        f"{tenth.seconds:7.1f} s",
        flush=True,
    )


async def main() -> int:
    """Replay the day; 1 when a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=65_567)
    parser.add_argument("--schools", type=int, default=65_000)
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
            data = Path(folder)
            settings = load_settings(
                {}, services=services, data_dir=data, timezone=ZONE.key, **more
            )
            found = await replayed(settings, given)
    finally:
        if postgres is not None:
            postgres.close()
    print("\n".join(found[:20]) or "every figure asked is the oracle's", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
