"""What a card as known at a past instant costs, against the plain card of the same unit and period.

`python -m tests.benchmarks.known_at [--visits N] [--schools N] [--rounds N]`

Plain cards are sums of cells; for a card of the past what was recorded since is taken back. Of the
visits half are uploaded a day later than the others and a tenth of the schools are registered anew
between, as others than they were, so that "then" is another world than "now". Both are asked for
over HTTP, nothing cached, of a province and of one of its districts; the figures of the instant
after everything must be those of now. The process's memory is printed: it must not grow with the
visits.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx
from fastapi import FastAPI

from demo import synthetic
from shared.clock import SetClock, rfc3339
from shared.settings import load_settings
from tests.benchmarks.house import (
    FIRST,
    LAST,
    NOW,
    REGISTER_SEED,
    VISITS_SEED,
    application,
    client_of,
    fold,
    upload,
    upload_visits,
)
from tests.support.postgres import Postgres

PERIOD = "2018-06..2019-05"
PROVINCE = "PK-BA"
_DAY = timedelta(days=1)
_MOST = 100


async def asked(
    app: FastAPI, client: httpx.AsyncClient, path: str, **more: str
) -> tuple[Any, float]:
    """A document that no cache holds, and the seconds it took."""
    await app.state.platform.cache.close()
    start = time.perf_counter()
    answer = await client.get(path, params={"period": PERIOD, **more})
    took = time.perf_counter() - start
    return answer.raise_for_status().json(), took


def integers(document: Any) -> list[tuple[Any, ...]]:
    """The figures of a card and of the units below it, as integers."""
    names = ("indicator", "split", "numerator", "denominator", "visits", "schools")
    return [
        tuple(figure[name] for name in names)
        for each in (document, *document["children"])
        for figure in each["figures"]
    ]


async def compared(
    app: FastAPI, client: httpx.AsyncClient, path: str, then: str, now: str, rounds: int
) -> dict[str, float]:
    """The best seconds of the plain card, the one of then and the one of now, in turns."""
    best: dict[str, float] = {}
    for turn in range(rounds + 1):
        plain, took = await asked(app, client, path)
        known, past = await asked(app, client, path, known_at=then)
        whole, last = await asked(app, client, path, known_at=now)
        assert integers(whole) == integers(plain), "what is known now is what there is"
        assert known["visits"] < plain["visits"], "less was known then"
        if turn:
            for name, seconds in (("plain", took), ("then", past), ("now", last)):
                best[name] = min(seconds, best.get(name, seconds))
    return best


async def main() -> None:
    """Fill, compare, measure in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=57_158)
    parser.add_argument("--schools", type=int, default=14_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    register = synthetic.register(given.schools, REGISTER_SEED)
    made = synthetic.visits(register, given.visits, VISITS_SEED, FIRST, LAST, False)
    bodies = (body for _, body in made)
    half = given.visits // 2
    postgres = Postgres()
    try:
        postgres.start()
        settings = load_settings({}, database_url=postgres.new_database())
        async with application(settings) as app, client_of(app) as client:
            clock: SetClock = app.state.platform.clock
            await upload(client, register, islice(bodies, half))
            then = rfc3339(int(NOW.timestamp() * 1_000_000) + 3_600_000_000)
            clock.advance(_DAY)
            again = list(islice(register.school_bodies(), given.schools // 10))
            for school in again:
                school["name"] = f"{school['name']} (again)"
                school["gender"] = "girls" if school.get("gender") == "boys" else "boys"
            (await client.put("/v1/schools", json=again[:2_000])).raise_for_status()
            await upload_visits(client, bodies)
            print(f"folded: {await fold(app, register, given.visits)}", flush=True)
            clock.advance(_DAY)
            now = clock.now().isoformat()
            async with app.state.platform.database("indicators").transaction() as tx:
                await tx.execute("ANALYZE")
            units = register.unit_bodies()
            district = next(unit["unit_id"] for unit in units if unit["level"] == "district")
            for name, unit in (("province", PROVINCE), ("district", district)):
                path = f"/v1/cards/{unit}"
                _told(name, await compared(app, client, path, then, now, given.rounds))
    finally:
        postgres.close()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{given.visits:,} visits, {given.schools:,} schools; the process held {held:,.0f} MiB")


def _told(name: str, best: dict[str, float]) -> None:
    plain = best["plain"]
    for instant, words in (("then", "half known"), ("now", "all known")):
        print(
            f"  {name}: plain {plain * 1000:,.0f} ms, {words} {best[instant] * 1000:,.0f} ms, "
            f"ratio {best[instant] / plain:.1f} (at most {_MOST})",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
