"""How long the parts of a figure take, which are made from visits when asked (`split_by`).

`python -m tests.benchmarks.splits [--visits N] [--schools N] [--rounds N]`

Twelve months of a province, and of one of its districts, by every kind, asked over the HTTP route
of a service on PostgreSQL. Prints milliseconds beside the whole answer without parts, the visits
read a second, and the process's peak of memory: parts are read a few hundred schools at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
from functools import partial
from typing import Any

import httpx

from demo import synthetic
from services.indicators.traits import KINDS
from shared.settings import load_settings
from tests.benchmarks.figures import PERIOD, PROVINCE, best_of
from tests.benchmarks.house import (
    FIRST,
    LAST,
    REGISTER_SEED,
    VISITS_SEED,
    application,
    client_of,
    fold,
    upload,
)
from tests.support.postgres import Postgres


async def ask(client: httpx.AsyncClient, unit: str, kind: str | None) -> dict[str, Any]:
    """The figures of a unit, with their parts of a kind."""
    asked = {"period": PERIOD} | ({} if kind is None else {"split_by": kind})
    answer = await client.get(f"/v1/units/{unit}/figures", params=asked)
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


def whole(document: dict[str, Any], kind: str) -> int:
    """How many totals have parts; raises AssertionError where they do not add to the whole."""
    figures, found = document["figures"], 0
    for total in [row for row in figures if row["split"] is None]:
        own = [
            row
            for row in figures
            if row["indicator"] == total["indicator"] and str(row["split"]).startswith(f"{kind}:")
        ]
        for name in ("numerator", "denominator", "visits") if own else ():
            assert sum(row[name] or 0 for row in own) == (total[name] or 0), (kind, total)
        found += bool(own)
    return found


async def main() -> None:
    """Fill, ask in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=57_158)
    parser.add_argument("--schools", type=int, default=14_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    register = synthetic.register(given.schools, REGISTER_SEED)
    made = synthetic.visits(register, given.visits, VISITS_SEED, FIRST, LAST, False)
    postgres = Postgres()
    try:
        postgres.start()
        settings = load_settings(
            {}, services=["ingest", "indicators"], database_url=postgres.new_database()
        )
        async with application(settings) as app, client_of(app) as client:
            await upload(client, register, (body for _, body in made))
            await fold(app, register, given.visits)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            district = (await client.get("/v1/search", params={"level": "district"})).json()
            for unit in (PROVINCE, district["units"][0]["unit_id"]):
                totals = {kind: whole(await ask(client, unit, kind), kind) for kind in KINDS}
                assert all(totals.values()), totals
                ways = {kind: partial(ask, client, unit, kind) for kind in KINDS}
                best = await best_of(given.rounds, whole=partial(ask, client, unit, None), **ways)
                told = ", ".join(f"{kind} {took * 1000:,.0f} ms" for kind, took in best.items())
                visits = (await ask(client, unit, None))["visits"]
                slowest = max(best[kind] for kind in KINDS)
                print(f"{unit}, {visits:,} visits: {told}; {visits / slowest:,.0f} visits/s")
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"peak of memory {after >> 10} MiB, {before >> 10} MiB of it before any question")
    finally:
        postgres.close()


if __name__ == "__main__":
    asyncio.run(main())
