"""How fast visits become figures: the complete fold against doing nothing with the same records.

`python -m tests.benchmarks.fold [--visits N] [--schools N] [--rounds N] [--order ...] [--only ...]`

Visits of the full form enter through ingest's own upload and are carried by its relay to a real
topic. Then, in turns: an empty aiokafka loop over the topic, and the consumer of one indicators
process doing all of it (visits, flows, stocks, all levels, days and months, presence) into
PostgreSQL. Last, the same visits embedded: journal to SQLite. Every fold ends with `verify`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI

from demo import synthetic
from shared.settings import Settings, load_settings
from tests.benchmarks.house import (
    FIRST,
    LAST,
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

TOPIC = "rtsm.visits"
_PATIENCE_MS = 30_000


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
    """Let the relay carry the whole journal, timed from its start to the last acknowledgement."""
    database = app.state.platform.database("ingest")
    [relay] = app.state.running.relays
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
            loops, folds = [], []
            for _ in range(given.rounds):
                loops.append(
                    await empty_loop(kafka.bootstrap, source.kafka.partitions, len(bodies))
                )
                print(f"  empty loop {loops[-1]}", flush=True)
                folds.append(await _folded(app, source, postgres, register, len(bodies)))
                print(f"  fold       {folds[-1]}", flush=True)
        loop, best = max(pace.rate for pace in loops), max(pace.rate for pace in folds)
        print(
            f"Kafka -> PostgreSQL, {name}: {best:,.0f} visits/s, empty loop {loop:,.0f}/s, "
            f"ratio {best / loop:.3f} (at least 0.02, aim 0.05)",
            flush=True,
        )
    finally:
        kafka.close()
        postgres.close()


async def _folded(
    app: FastAPI,
    source: Settings,
    postgres: Postgres,
    register: synthetic.Register,
    visits: int,
) -> Pace:
    """One indicators process over the whole topic, into an empty database."""
    url = postgres.new_database()
    settings = source.model_copy(update={"services": ["indicators"], "database_url": url})
    async with application(settings) as folding:
        pace = await fold(folding, register, visits)
        ledger = app.state.platform.database("ingest")
        await verified(folding.state.platform.database("indicators"), ledger, settings)
    return pace


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
    parser.add_argument("--rounds", type=int, default=2)
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
