"""How fast a card's figures are, against GROUP BY over raw visits in the same PostgreSQL.

`python -m tests.benchmarks.figures [--visits N] [--schools N] [--rounds N]`

Twelve months of a province with all its divisions and districts, and its twelve months one by one:
all indicators and splits. Ours from the service's tables, asked inside the service and over its
HTTP route; theirs from a typed, indexed table of raw visits. Both must give the same integers.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from demo import synthetic
from services.indicators import answers
from services.indicators.asking import question
from services.indicators.definition_file import shipped
from services.indicators.registry_store import Registers
from services.indicators.snapshots import Snapshots
from shared.access import Principal
from shared.clients.calendar import CalendarClient
from shared.clock import SetClock, micros
from shared.db.transaction import Tx
from shared.domain.days import month_first, month_number
from shared.settings import Settings, load_settings
from tests.benchmarks import raw_visits
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
    verified,
)
from tests.support.postgres import Postgres

PROVINCE = "PK-BA"
PERIOD = "2018-06..2019-05"
_ANYBODY = Principal(
    key_id="", name="benchmark", source="", scopes=frozenset({"admin"}), units=None
)
Integers = raw_visits.Integers


@dataclass(frozen=True, slots=True)
class Window:
    """Whose figures are asked for, over which months, and when (the clock's time)."""

    unit: str
    period: str
    begin: date
    end: date
    now: datetime

    def months(self) -> list[date]:
        """The first days of the months, and of the one after them."""
        first, last = month_number(self.begin), month_number(self.end)
        return [month_first(month) for month in range(first, last + 2)]


YEAR = Window(PROVINCE, PERIOD, date(2018, 6, 1), date(2019, 5, 31), NOW)


class _AlwaysFresh:
    """Freshness without a question: the journal is not what is measured."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    async def look(self) -> int:
        return 0

    async def within(self, tx: Tx, looked: int) -> int:
        return micros(self._now)


def _lines(document: Any) -> dict[raw_visits.Key, Integers]:
    return {
        (figure["indicator"], figure["split"]): (
            figure["numerator"],
            figure["denominator"],
            figure["visits"],
            figure["schools"],
        )
        for figure in document["figures"]
    }


def _same(ours: dict[raw_visits.Key, Integers], theirs: dict[raw_visits.Key, Integers]) -> int:
    """How many figures are equal; raises AssertionError at the first that is not."""
    for key, integers in theirs.items():
        # A word that nobody used is no line of ours.
        found = ours.get(key, (0, None if integers[1] is None else 0, 0, 0))
        assert found == integers, f"{key}: ours {found}, GROUP BY {integers}"
    assert ours.keys() <= theirs.keys(), ours.keys() - theirs.keys()
    return len(ours)


class Sides:
    """The two ways of asking, each giving documents or answers that can be compared."""

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        client: httpx.AsyncClient,
        raw: asyncpg.Connection,
        window: Window = YEAR,
    ) -> None:
        database = app.state.platform.database("indicators")
        self._snapshots = Snapshots(
            database,
            Registers(),
            SetClock(window.now),
            settings.zone,
            settings.look_back_days,
            _AlwaysFresh(window.now),
            shipped(),
            CalendarClient(app.state.platform.client("ingest")),
        )
        self._client = client
        self._raw = raw
        self._window = window

    async def card(self) -> Any:
        """Figures of the province and of all below it, inside the service."""
        async with self._snapshots.open() as snapshot:
            place = await snapshot.find(self._window.unit, _ANYBODY)
            asked = question(snapshot.today, self._window.period, None, None)
            return await answers.children_figures(snapshot, place, asked, 2, splits=True)

    async def card_by_http(self) -> Any:
        """The same through the route, to the bytes of the answer."""
        path = f"/v1/units/{self._window.unit}/children/figures"
        asked = {"period": self._window.period, "depth": 2}
        answer = await self._client.get(path, params=asked)
        return answer.raise_for_status().content

    async def trend(self) -> Any:
        """The province's months, one by one."""
        async with self._snapshots.open() as snapshot:
            place = await snapshot.find(self._window.unit, _ANYBODY)
            asked = question(snapshot.today, self._window.period, None, None)
            return await answers.all_series(snapshot, place, asked, "month", splits=True)

    async def raw_card(self) -> raw_visits.Answer:
        """By GROUP BY, each school once."""
        return await self._grouped(self._window.begin, self._window.end)

    async def raw_card_naive(self) -> raw_visits.Answer:
        """By GROUP BY with count(DISTINCT school), as one would write it first."""
        return await self._grouped(self._window.begin, self._window.end, naive=True)

    async def raw_trend(self) -> list[raw_visits.Answer]:
        """By GROUP BY, a window at a time."""
        return [
            await self._grouped(first, date.fromordinal(after.toordinal() - 1), children=False)
            for first, after in pairwise(self._window.months())
        ]

    async def _grouped(
        self, first: date, last: date, *, children: bool = True, naive: bool = False
    ) -> raw_visits.Answer:
        root = self._window.unit
        return await raw_visits.figures(
            self._raw, first, last, children=children, naive=naive, root=root
        )

    async def compared(self, *, naive: bool = True, trend: bool = True) -> None:
        """Check that both ways give the same integers everywhere."""
        ours, theirs = await self.card(), await self.raw_card()
        assert not naive or theirs == await self.raw_card_naive()
        documents = {self._window.unit: ours}
        documents |= {child["unit_id"]: child for child in ours["children"]}
        assert documents.keys() == theirs.keys()
        count = sum(_same(_lines(documents[unit]), theirs[unit]) for unit in theirs)
        months = (await self.trend())["series"] if trend else []
        raw_months = await self.raw_trend() if trend else []
        for month, raw_month in zip(months, raw_months, strict=True):
            count += _same(_lines(month), raw_month[self._window.unit])
        print(f"{count:,} figures of {len(theirs)} units and {len(months)} months are the same")


async def best_of(rounds: int, **ways: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    """The best time of each way in seconds, taken in turns; the first turn warms up."""
    best: dict[str, float] = {}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            await way()
            took = time.perf_counter() - start
            if turn:
                best[name] = min(took, best.get(name, took))
    return best


async def main() -> None:
    """Fill both, compare, measure in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=57_158)
    parser.add_argument("--schools", type=int, default=14_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    register = synthetic.register(given.schools, REGISTER_SEED)

    def bodies() -> Any:
        made = synthetic.visits(register, given.visits, VISITS_SEED, FIRST, LAST, False)
        return (body for _, body in made)

    postgres = Postgres()
    try:
        postgres.start()
        url = postgres.new_database()
        settings = load_settings({}, services=["ingest", "indicators"], database_url=url)
        raw = await asyncpg.connect(url)
        async with application(settings) as app, client_of(app) as client:
            await upload(client, register, bodies())
            print(f"folded: {await fold(app, register, given.visits)}", flush=True)
            database = app.state.platform.database
            await verified(database("indicators"), database("ingest"), settings)
            await raw_visits.fill(raw, register, bodies())
            # Both sides stand on tables as a server at rest keeps them.
            await raw.execute("VACUUM ANALYZE")
            sides = Sides(app, settings, client, raw)
            await sides.compared()
            best = await best_of(
                given.rounds,
                inside=sides.card,
                http=sides.card_by_http,
                raw=sides.raw_card,
                naive=sides.raw_card_naive,
                trend=sides.trend,
                raw_trend=sides.raw_trend,
            )
        await raw.close()
        _told(given.visits, best)
    finally:
        postgres.close()


def _told(visits: int, best: dict[str, float]) -> None:
    told = {name: f"{seconds * 1000:,.1f} ms" for name, seconds in best.items()}
    print(f"{visits:,} visits, best of each side:")
    print(f"  GROUP BY {told['raw']}, with count(DISTINCT) {told['naive']}")
    for name, words in (("inside", "inside the service"), ("http", "over its HTTP route")):
        print(
            f"  card with divisions and districts, {words}: {told[name]}, "
            f"ratio {best['raw'] / best[name]:.1f} (at least 20), "
            f"against count(DISTINCT) {best['naive'] / best[name]:.1f}"
        )
    ratio = best["raw_trend"] / best["trend"]
    print(f"  twelve months: {told['trend']}, GROUP BY {told['raw_trend']}, ratio {ratio:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
