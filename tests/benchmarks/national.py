"""Cards at a country's size: against GROUP BY, restated against as it was, as known in the past.

`python -m tests.benchmarks.national --keep DIR [--rounds N] [--only figures clickhouse …]`

On the database that `country_load` made. Figures of the whole country with its divisions and
districts over the last twelve months are asked inside the service and over its HTTP route, and by
GROUP BY on raw visits in the same PostgreSQL and by ClickHouse's views of the same visits (from
`requirements/benchmarks.txt`): the integers must be the same. Cards are asked as a
person asks for them, nothing cached: of a district that was split, restated and as it was, and as
known by the middle of the two years, of a district, a division and the country.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from shared.settings import Settings
from tests.benchmarks import raw_visits
from tests.benchmarks.country import CAME, ROOT, SPLIT
from tests.benchmarks.country_load import NOW, address, at, kept, settings_of
from tests.benchmarks.figures import Sides, Window, best_of
from tests.benchmarks.house import client_of
from tests.support.postgres import Postgres

YEAR = Window(ROOT, "2019-01..2019-12", date(2019, 1, 1), date(2019, 12, 31), NOW)
HALFWAY = "2019-07-01T00:00:00Z"
LATE = 184 * 86_400_000_000
LATER = (
    "UPDATE visits SET recorded = recorded + $1 WHERE day >= date '2018-07-01' - date '1970-01-01' "
    "AND day < date '2019-07-01' - date '1970-01-01' AND hashtext(visit_id) % 64 = 0"
)
"""Of the visits of the year before one in sixty-four, all over it, is known by then no more."""
SPLIT_YEAR = "2018-01..2018-12"
_FEW = 1_000_000
"""Visits up to which the months are compared one by one as well: GROUP BY takes minutes."""
PARTS = ("figures", "clickhouse", "restated", "known_at")


async def figures(app: FastAPI, settings: Settings, url: str, visits: int, rounds: int) -> None:
    """Compare the country's figures with GROUP BY, then measure both in turns."""
    least = 200 if visits >= 5_000_000 else 70
    raw = await asyncpg.connect(url, server_settings={"search_path": "raw"})
    async with client_of(app) as client:
        sides = Sides(app, settings, client, raw, YEAR)
        await sides.compared(naive=False, trend=visits <= _FEW)
        best = await best_of(
            rounds,
            inside=sides.card,
            http=sides.card_by_http,
            raw=sides.raw_card,
        )
    await raw.close()
    told = {name: f"{seconds * 1000:,.0f} ms" for name, seconds in best.items()}
    print(f"GROUP BY {told['raw']}")
    for name, words in (("inside", "inside the service"), ("http", "over its HTTP route")):
        ratio = best["raw"] / best[name]
        print(f"  {words}: {told[name]}, {ratio:.0f} × (at least {least})")


async def clickhouse(app: FastAPI, settings: Settings, url: str, folder: Path, rounds: int) -> None:
    """Compare the country's figures with ClickHouse's, then measure both in turns."""
    from tests.benchmarks.clickhouse import ClickHouse

    raw = await asyncpg.connect(url, server_settings={"search_path": "raw"})
    store = ClickHouse(folder / "clickhouse")
    try:
        if not store.filled():
            began = time.perf_counter()
            await store.fill(raw, folder)
            print(f"ClickHouse filled in {time.perf_counter() - began:,.0f} s", flush=True)
        assert store.figures(YEAR.begin, YEAR.end, ROOT) == await raw_visits.figures(
            raw, YEAR.begin, YEAR.end, root=ROOT
        ), "ClickHouse and GROUP BY differ"

        async def theirs() -> None:
            store.figures(YEAR.begin, YEAR.end, ROOT)

        async def flows() -> None:
            store.flows(YEAR.begin, YEAR.end, ROOT)

        async with client_of(app) as client:
            sides = Sides(app, settings, client, raw, YEAR)
            best = await best_of(
                rounds, inside=sides.card, http=sides.card_by_http, theirs=theirs, flows=flows
            )
    finally:
        store.close()
        await raw.close()
    for name, words in (("inside", "inside the service"), ("http", "over the HTTP route")):
        print(
            f"ClickHouse {best['theirs'] * 1000:,.0f} ms (its views alone, without what stands: "
            f"{best['flows'] * 1000:,.0f} ms); {words} {best[name] * 1000:,.0f} ms, "
            f"{best['theirs'] / best[name]:.1f} × (at least 5)",
            flush=True,
        )


async def card(app: FastAPI, client: httpx.AsyncClient, unit: str, **asked: str) -> Any:
    """A card that no cache holds."""
    await app.state.platform.cache.close()
    answer = await client.get(f"/v1/cards/{unit}", params=asked)
    return answer.raise_for_status().json()


async def restated(app: FastAPI, client: httpx.AsyncClient, rounds: int) -> None:
    """Cards of both parts of the split district over the year of the split."""
    for unit in (SPLIT, CAME):
        asked = partial(card, app, client, unit, period=SPLIT_YEAR)
        was, today = await asked(view="as_was"), await asked(view="restated")
        assert was["visits"] != today["visits"], f"{unit} was not split"
        best = await best_of(
            rounds,
            was=partial(asked, view="as_was"),
            restated=partial(asked, view="restated"),
        )
        print(
            f"{unit}, {today['visits']:,} visits restated ({was['visits']:,} as it was): "
            f"as was {best['was'] * 1000:,.0f} ms, restated {best['restated'] * 1000:,.0f} ms, "
            f"{best['restated'] / best['was']:.1f} × (at most 10)",
            flush=True,
        )


async def known_at(app: FastAPI, client: httpx.AsyncClient, url: str, rounds: int) -> None:
    """Cards of what was known halfway, of places of different size.

    Once with every visit recorded within hours, once with some of the year before recorded later.
    """
    raw = await asyncpg.connect(url, server_settings={"search_path": "indicators"})
    try:
        await _known_at(app, client, rounds)
        late = await raw.execute(LATER, LATE)
        await raw.execute("ANALYZE visits")
        print(f"{int(late.split()[1]):,} visits are recorded half a year later", flush=True)
        try:
            await _known_at(app, client, rounds)
        finally:
            await raw.execute(LATER, -LATE)
    finally:
        await raw.close()


async def _known_at(app: FastAPI, client: httpx.AsyncClient, rounds: int) -> None:
    for unit in ("BD-6-1", "BD-6", ROOT):
        asked = partial(card, app, client, unit, period=YEAR.period)
        known = partial(asked, known_at=HALFWAY)
        visits = (await known())["visits"]
        best = await best_of(rounds, plain=asked, known=known)
        print(
            f"{unit}, {visits:,} visits known by then: plain {best['plain'] * 1000:,.0f} ms, "
            f"as known at {best['known'] * 1000:,.0f} ms, "
            f"{best['known'] / best['plain']:.1f} × (at most 100)",
            flush=True,
        )


async def measured(postgres: Postgres, given: argparse.Namespace) -> None:
    """Every part asked for."""
    url = address(postgres)
    visits = int(postgres.execute("SELECT min(visits) FROM loaded.stages", url))
    print(f"{visits:,} visits", flush=True)
    settings = settings_of(url)
    async with at(settings, NOW) as app:
        if "figures" in given.only:
            await figures(app, settings, url, visits, given.rounds)
        if "clickhouse" in given.only:
            await clickhouse(app, settings, url, given.keep.resolve(), given.rounds)
    settings = settings_of(url, "ingest", "indicators", "reports", "notify")
    async with at(settings, NOW) as app, client_of(app) as client:
        if "restated" in given.only:
            await restated(app, client, given.rounds)
        if "known_at" in given.only:
            await known_at(app, client, url, given.rounds)


async def main() -> None:
    """Start the kept cluster, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    postgres = kept(given.keep.resolve())
    try:
        postgres.start()
        await measured(postgres, given)
    finally:
        postgres.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
