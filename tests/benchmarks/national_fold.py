"""The fold at a country's size: how long a visit takes to the figures, and what memory it needs.

`python -m tests.benchmarks.national_fold --keep DIR [--rate N] [--seconds N] [--backlog N]`

On the database that `country_load` made. First intake and indicators serve as one process, visits
are posted at fixed moments, and each is measured until the figures hold it (see `freshness`). Then
they serve as two processes and a backlog is uploaded: the resident set of the one that folds is
looked at ten times a second. Every run adds its visits to those that are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import httpx

from demo import synthetic
from tests.benchmarks.country import country
from tests.benchmarks.country_load import address, kept
from tests.benchmarks.freshness import Pace
from tests.benchmarks.house import upload_visits
from tests.benchmarks.memory import resident
from tests.support.processes import Processes

_DAYS = date(2020, 1, 1), date(2020, 1, 14)
_WARM_UP_SECONDS = 3
_LIMIT_MIB = 512
_BEHIND = 2
"""Seconds: where nothing is on its way, figures are as of a second ago."""
_LOOK_SECONDS = 0.1


def visits(count: int) -> list[bytes]:
    """So many new visits to the country's schools, with ids that no other run gave."""
    seed = time.time_ns() % 1_000_000_000
    made = synthetic.visits(country(), count, seed, *_DAYS, shuffled=False)
    return [body for _, body in made]


def client_of(url: str, key: str) -> httpx.AsyncClient:
    """A client of one process."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=600, trust_env=False)


async def freshness(
    processes: Processes, settings: dict[str, str], rate: int, seconds: int
) -> None:
    """Post at a steady pace to one process that does both."""
    key = processes.key(settings)
    served = processes.serve("both", settings | {"RTSM_SERVICES": "ingest,indicators"})
    pace = Pace(served.port, key, rate)
    await pace.run(visits(rate * (seconds + _WARM_UP_SECONDS)))
    for name, times in (("figures", pace.figures), ("receipt", pace.receipts)):
        times.sort()
        p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.50, 0.99))
        print(f"POST to {name}, {rate}/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(times):,})")
    now, most = resident(served.program.pid)
    print(f"the process of both: {now:.0f} MiB, at most {most:.0f} MiB (p99 to figures <= 250 ms)")
    served.terminate()


async def memory(processes: Processes, settings: dict[str, str], backlog: int) -> None:
    """Upload a backlog; look at the process that folds it until it is done."""
    key = processes.key(settings)
    intake = processes.serve("ingest", settings | {"RTSM_SERVICES": "ingest"})
    elsewhere = {"RTSM_SERVICES": "indicators", "RTSM_INGEST_URL": intake.url}
    async with client_of(intake.url, key) as client:
        bodies = iter(visits(backlog))
        await upload_visits(client, bodies)
        folding = processes.serve("indicators", settings | elsewhere)
        async with client_of(folding.url, key) as figures:
            began, seen = time.perf_counter(), 0.0
            while (await lag(figures)) >= _BEHIND:
                seen = max(seen, resident(folding.program.pid)[0])
                await asyncio.sleep(_LOOK_SECONDS)
        took = time.perf_counter() - began
    _, most = resident(folding.program.pid)
    print(
        f"indicators folded {backlog:,} visits in {took:.0f} s and held {seen:.0f} MiB, "
        f"at most {most:.0f} MiB (at most {_LIMIT_MIB})"
    )
    for served in (folding, intake):
        served.terminate()


async def lag(client: httpx.AsyncClient) -> float:
    """Seconds by which the figures are behind."""
    answer = (await client.get("/v1/figures/version")).raise_for_status()
    return float(answer.json()["lag_seconds"])


async def main() -> None:
    """Start the kept cluster, measure both, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--backlog", type=int, default=50_000)
    given = parser.parse_args()
    postgres = kept(given.keep.resolve())
    try:
        postgres.start()
        settings = {
            "RTSM_DATABASE_URL": address(postgres),
            # The journal holds the register and what is sent here, not the visits that were loaded.
            "RTSM_VERIFY_SECONDS": "0",
        }
        with tempfile.TemporaryDirectory() as folder:
            processes = Processes(Path(folder))
            try:
                await freshness(processes, settings, given.rate, given.seconds)
                await memory(processes, settings, given.backlog)
            finally:
                processes.close()
    finally:
        postgres.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
