"""How fast all is computed anew from the journal: a rebuild against the live fold, and its memory.

`python -m tests.benchmarks.rebuild [--visits N] [--schools N] [--country] [--rounds N] [--only …]`

The same visits, uploaded through ingest's own interface, are folded by one indicators process as
they would be live (Kafka to PostgreSQL, which is a country's; journal to PostgreSQL; journal to
SQLite), and are then computed anew beside it, each rebuild in a process of its own whose largest
resident set is printed with that of its workers. All end with `verify`. With `--country` the
schools are Bangladesh's 65,000 and so are their days: 5 million visits would fill two years.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from demo import synthetic
from services.app import create_app
from services.indicators.rebuild import rebuild
from shared.clock import SetClock
from shared.settings import Settings, load_settings
from tests.benchmarks import country
from tests.benchmarks.country import Country
from tests.benchmarks.fold import relayed
from tests.benchmarks.house import (
    FIRST,
    LAST,
    NOW,
    REGISTER_SEED,
    VISITS_SEED,
    Pace,
    application,
    client_of,
    fold,
    upload,
    verified,
)
from tests.support.kafka import Kafka
from tests.support.postgres import Postgres

_COUNTRY_VISITS = 5_000_000
_SERVER = ("shared_buffers=1GB", "max_wal_size=4GB", "effective_cache_size=6GB")
"""As a server of a country would be set, for both sides of the ratio."""


def _largest() -> tuple[float, float]:
    """MiB: the most this process ever held, and the most any of its workers did."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return tuple(resource.getrusage(each).ru_maxrss / 1024 for each in who)  # type: ignore[return-value]


def _processor() -> float:
    """Seconds of processor time of this process and of the workers that have ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(each) for each in who]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _rebuilt(settings: Settings, told: multiprocessing.Queue[tuple[float, ...]]) -> None:
    """Compute all anew; tells seconds by the clock and of processors, MiB of it and of a worker."""

    async def run() -> None:
        app = create_app(settings, SetClock(NOW), background=False)
        async with app.router.lifespan_context(app):
            database = app.state.platform.database
            began, used = time.perf_counter(), _processor()
            await rebuild(
                database("indicators"), database("ingest"), settings, lambda done, total: None
            )
            seconds = time.perf_counter() - began
            told.put((seconds, _processor() - used, *_largest()))

    asyncio.run(run())


def _register(given: argparse.Namespace) -> tuple[synthetic.Register | Country, date, date]:
    """Who is visited, and the first and the last day on which."""
    if not given.country:
        return synthetic.register(given.schools, REGISTER_SEED), FIRST, LAST
    days = (country.LAST - country.FIRST).days * given.visits // _COUNTRY_VISITS
    return country.country(), country.FIRST, country.FIRST + timedelta(days)


async def measured(given: argparse.Namespace, settings: Settings, name: str) -> None:
    """Fold live, then rebuild, in turns as often as asked; prints the ratio of the best."""
    register, first, last = _register(given)
    made = synthetic.visits(register, given.visits, VISITS_SEED, first, last, False)
    async with application(settings) as app:
        async with client_of(app) as client:
            await upload(client, register, (body for _, body in made))
        if settings.relayed:
            await relayed(app)
        live = await fold(app, register, given.visits)
        print(f"live fold, {name}: {live}", flush=True)
        database = app.state.platform.database
        ratios = []
        for _ in range(given.rounds):
            spawning = multiprocessing.get_context("spawn")
            told = spawning.Queue()
            process = spawning.Process(target=_rebuilt, args=(settings, told))
            process.start()
            seconds, used, own, worker = await asyncio.to_thread(told.get, timeout=3_600)
            await asyncio.to_thread(process.join)
            pace = Pace(given.visits, seconds, used)
            ratios.append(pace.rate / live.rate)
            print(
                f"rebuild, {name}: {pace}, {ratios[-1]:.2f} × the live fold (at least 5); "
                f"at most {own:,.0f} MiB, a worker {worker:,.0f} MiB",
                flush=True,
            )
        await verified(database("indicators"), database("ingest"), settings)
    print(json.dumps({"rebuild": name, "ratio": round(max(ratios), 2)}), flush=True)


async def _on_postgresql(
    given: argparse.Namespace, services: list[str], name: str, *, by_kafka: bool
) -> None:
    postgres, kafka = Postgres(settings=_SERVER if given.country else ()), Kafka()
    try:
        postgres.start()
        more: dict[str, object] = {}
        if by_kafka:
            kafka.start()
            more["kafka"] = {"bootstrap": kafka.bootstrap}
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings(
                {},
                services=services,
                database_url=postgres.new_database(),
                data_dir=Path(folder),
                **more,
            )
            await measured(given, settings, name)
    finally:
        kafka.close()
        postgres.close()


async def main() -> None:
    """Both kinds of database, and both feeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=100_000)
    parser.add_argument("--schools", type=int, default=3_000)
    parser.add_argument("--country", action="store_true")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=("kafka", "postgresql", "sqlite"))
    given = parser.parse_args()
    services = ["ingest", "indicators"]
    for feed, name in (("kafka", "Kafka -> PostgreSQL"), ("postgresql", "journal -> PostgreSQL")):
        if given.only in (None, feed):
            await _on_postgresql(given, services, name, by_kafka=feed == "kafka")
    if given.only in (None, "sqlite"):
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings({}, services=services, data_dir=Path(folder))
            await measured(given, settings, "journal -> SQLite")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
