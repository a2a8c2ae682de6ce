"""How fast visits become figures: the complete fold against doing nothing with the same records.

`python -m tests.benchmarks.fold [--visits N] [--schools N] [--rounds N] [--order ...] [--only ...]
[--batch N ...] [--processes N ...]`

Visits of the full form enter through ingest's own upload and are carried by its relay to a real
topic. Then, in turns: an empty aiokafka loop over the topic, and indicators processes of one group
doing all of it (visits, flows, stocks, all levels, days and months, presence) into PostgreSQL, with
batches of each size and in each number of processes. Last, the same visits embedded: journal to
SQLite. Every fold ends with `verify`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from itertools import product
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI

from demo import synthetic
from shared.db.engine import Database
from shared.settings import Settings, load_settings
from tests.benchmarks.folding_process import VISITS, Processes
from tests.benchmarks.house import (
    FIRST,
    LAST,
    REGISTER_SEED,
    VISITS_SEED,
    Pace,
    application,
    client_of,
    consumer_of,
    count_of,
    fold,
    upload,
    verified,
)
from tests.support.kafka import Kafka
from tests.support.postgres import Postgres

TOPIC = "rtsm.visits"
_PATIENCE_MS = 30_000
_LOOK_SECONDS = 0.02
_LOOPS = 3
"""Empty loops a round: half a second each, and they differ by a factor of two."""


async def empty_loop(bootstrap: str, partitions: int, total: int) -> Pace:
    """An aiokafka loop that does nothing with the records, timed after its first batch."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        # Named one by one: what a fresh topic's first answer leaves out would never be read.
        consumer.assign([TopicPartition(TOPIC, number) for number in range(partitions)])
        seen = before = 0
        start = processor = 0.0
        while seen < total:
            fetched = await consumer.getmany(timeout_ms=_PATIENCE_MS, max_records=2_000)
            if not fetched:
                raise RuntimeError(f"Kafka gave {seen} of {total} records")
            seen += sum(map(len, fetched.values()))
            if seen and not before:
                before, start, processor = seen, time.perf_counter(), time.process_time()
        return Pace(total - before, time.perf_counter() - start, time.process_time() - processor)
    finally:
        await consumer.stop()


async def relayed(app: FastAPI) -> Pace:
    """Let ingest's relay carry its whole journal, timed from its start to the last of it."""
    database = app.state.platform.database("ingest")
    relay, *_ = app.state.running.relays
    async with database.reading() as tx:
        end = (await tx.fetch_one("SELECT max(seq) FROM journal"))[0]
    start, processor = time.perf_counter(), time.process_time()
    carrying = asyncio.create_task(relay.run())
    at = None
    while at is None or at[0] <= end:
        await asyncio.sleep(0.02)
        async with database.reading() as tx:
            at = await tx.fetch_one("SELECT next FROM positions WHERE consumer = 'relay'")
    pace = Pace(end, time.perf_counter() - start, time.process_time() - processor)
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    return pace


async def distributed(
    given: argparse.Namespace, register: synthetic.Register, bodies: list[bytes], name: str
) -> None:
    """Kafka to PostgreSQL, against the empty loop."""
    postgres, kafka = Postgres(), Kafka()
    try:
        postgres.start()
        kafka.start()
        source = load_settings(
            {},
            services=["ingest"],
            database_url=postgres.new_database(),
            kafka={"bootstrap": kafka.bootstrap},
        )
        async with application(source) as app:
            async with client_of(app) as client:
                await upload(client, register, bodies)
            print(f"journal -> Kafka, {name}: {await relayed(app)}", flush=True)
            loops: list[Pace] = []
            folds: dict[tuple[int, int], list[Pace]] = {}
            for _ in range(given.rounds):
                for _ in range(_LOOPS):
                    loops.append(
                        await empty_loop(kafka.bootstrap, source.kafka.partitions, len(bodies))
                    )
                    print(f"  empty loop {loops[-1]}", flush=True)
                for batch, count in product(given.batch, given.processes):
                    pace = await _folded(app, source, postgres, register, len(bodies), batch, count)
                    folds.setdefault((batch, count), []).append(pace)
                    print(f"  fold       {pace}, batches of {batch}, {count} at it", flush=True)
        _tell(name, _median(loops), folds)
    finally:
        kafka.close()
        postgres.close()


def _tell(name: str, loop: float, folds: dict[tuple[int, int], list[Pace]]) -> None:
    """Print the median of each against that of the empty loop, and of one process."""
    usual = {how: _median(paces) for how, paces in folds.items()}
    for (batch, count), rate in usual.items():
        one = usual.get((batch, 1))
        against = f", {rate / one:.2f} x one (at least 1.4)" if one and count > 1 else ""
        ratio = f", ratio {rate / loop:.3f} (at least 0.06, aim 0.12)" if count == 1 else ""
        print(
            f"Kafka -> PostgreSQL, {name}, batches of {batch}, {count} process"
            f"{'' if count == 1 else 'es'}: {rate:,.0f} visits/s, empty loop {loop:,.0f}/s"
            f"{ratio}{against}",
            flush=True,
        )


def _median(paces: list[Pace]) -> float:
    """Visits a second: the median, because one lucky or unlucky run says nothing of a ratio."""
    return statistics.median(pace.rate for pace in paces)


async def _folded(
    app: FastAPI,
    source: Settings,
    postgres: Postgres,
    register: synthetic.Register,
    visits: int,
    batch: int,
    count: int,
) -> Pace:
    """So many indicators processes over the whole topic, into an empty database."""
    url = postgres.new_database()
    settings = source.model_copy(update={"services": ["indicators"], "database_url": url})
    async with application(settings) as folding:
        database = folding.state.platform.database("indicators")
        registry = consumer_of(folding, "indicators.registry")
        while await count_of(database, "schools") < len(register):
            await registry.step(0.05)
        await registry.close()
        async with Processes(settings, batch, count) as processes:
            await processes.begin()
            before, start = await _position(database), time.perf_counter()
            now = before
            while now < visits:
                await asyncio.sleep(_LOOK_SECONDS)
                now = await _position(database)
            seconds = time.perf_counter() - start
            pace = Pace(now - before, seconds, await processes.end())
        held = await count_of(database, "visits")
        if held != visits:
            raise RuntimeError(f"{held} visits of {visits} were folded")
        if before > visits / 2:
            raise RuntimeError(f"{before} of {visits} were folded before all were at it")
        await verified(database, app.state.platform.database("ingest"), settings)
    return pace


async def _position(database: Database) -> int:
    """How many records of the topic are in the figures."""
    async with database.reading() as tx:
        row = await tx.fetch_one(
            "SELECT coalesce(sum(next), 0) FROM positions WHERE consumer = $1", VISITS
        )
    return int(row[0])


async def embedded(register: synthetic.Register, bodies: list[bytes], name: str) -> None:
    """Journal to SQLite, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({}, services=["ingest", "indicators"], data_dir=Path(folder))
        async with application(settings) as app:
            async with client_of(app) as client:
                await upload(client, register, bodies)
            pace = await fold(app, register, len(bodies))
            database = app.state.platform.database
            await verified(database("indicators"), database("ingest"), settings)
            print(f"journal -> SQLite, {name}: {pace}", flush=True)


async def main() -> None:
    """Run it all and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=60_000)
    parser.add_argument("--schools", type=int, default=14_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="+", default=[2_000, 5_000])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--order", choices=("in-order", "shuffled"))
    parser.add_argument("--only", choices=("distributed", "embedded"))
    given = parser.parse_args()
    register = synthetic.register(given.schools, REGISTER_SEED)
    for name in ("in-order", "shuffled"):
        if given.order not in (None, name):
            continue
        made = synthetic.visits(
            register, given.visits, VISITS_SEED, FIRST, LAST, name == "shuffled"
        )
        bodies = [body for _, body in made]
        if given.only != "embedded":
            await distributed(given, register, bodies, name)
        if given.only != "distributed":
            await embedded(register, bodies, name)


if __name__ == "__main__":
    asyncio.run(main())
