"""Millions of visits in a kept PostgreSQL cluster, as the fold would have left them, in minutes.

`nice python -m tests.benchmarks.country_load --keep DIR [--visits N] [--schools N]`

The register goes through the public interface. Of the visits only 1,024 kinds of answers exist:
each kind goes through intake and measuring once, and every visit is its kind with an id, school,
day, monitor and times of its own (`demo.synthetic`'s law). Rows go in by COPY, cells are computed
by the set-wise fold of a rebuild. Beside them stand raw visits for GROUP BY. Each stage is done
once and remembered in the database, so that an interrupted load goes on where it stopped. The last
stage compares whole upazilas with the oracle, which is fed the bodies themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray

from demo import synthetic
from services.app import create_app
from services.indicators.incoming import Revision, read_revisions
from services.indicators.rebuild_fold import fold_cells
from services.indicators.rebuild_tasks import Plan
from services.indicators.rebuild_workers import workers
from services.indicators.registry_store import Registers
from shared.clock import SetClock, micros
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_number
from shared.journal import journal
from shared.settings import Settings, load_settings
from tests.benchmarks import raw_visits
from tests.benchmarks.country import FIRST, LAST, country, upazilas
from tests.benchmarks.house import VISITS_SEED, client_of, consumer_of, count_of, upload
from tests.oracle.compare import check_everything
from tests.support.postgres import Postgres

NOW = datetime(2020, 1, 3, 3, tzinfo=UTC)
BEGAN = datetime(2018, 1, 1, 1, tzinfo=UTC)
_SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB", "effective_cache_size=6GB")
"""As a server of a country would be set, for both sides of every ratio."""
_ZONE = timezone(timedelta(hours=5))
_DATABASE = "country"
_WAIT = 0.05
_TOLD_EVERY = 250_000


@asynccontextmanager
async def at(settings: Settings, now: datetime) -> AsyncIterator[FastAPI]:
    """The application at an instant; its consumers do nothing by themselves."""
    app = create_app(settings, SetClock(now), background=False)
    async with app.router.lifespan_context(app):
        yield app


def kept(folder: Path) -> Postgres:
    """The cluster kept in a folder; made at its first start."""
    place = folder / "postgres"
    if not place.exists():
        place.mkdir(parents=True, mode=0o755)
        shutil.chown(place, "nobody", "nogroup")
    return Postgres(place, _SETTINGS)


def settings_of(url: str, *services: str) -> Settings:
    """Settings of services on the kept database."""
    return load_settings({}, services=list(services) or ["ingest", "indicators"], database_url=url)


def address(postgres: Postgres) -> str:
    """The address of the country's database, which is made when it is missing."""
    found = postgres.execute(f"SELECT count(*) FROM pg_database WHERE datname = '{_DATABASE}'")
    if found == "0":
        postgres.execute(f"CREATE DATABASE {_DATABASE}")
    return postgres.url(_DATABASE)


class Load:
    """The stages, each in its turn."""

    def __init__(self, url: str, visits: int, schools: int) -> None:
        self._url = url
        self._count = visits
        self._country = country(schools)
        self._settings = settings_of(url)

    async def run(self) -> None:
        """Do every stage that was not done; raises RuntimeError when the proof fails."""
        stages: dict[str, Callable[[], Awaitable[None]]] = {
            "register": self._register,
            "visits": self._visits,
            "cells": self._cells,
            "raw": self._raw,
            "rest": self._rest,
            "proof": self._proof,
        }
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(
                "CREATE SCHEMA IF NOT EXISTS loaded;"
                "CREATE TABLE IF NOT EXISTS loaded.stages (name text PRIMARY KEY, visits bigint)"
            )
            done = dict(await connection.fetch("SELECT name, visits FROM loaded.stages"))
            if any(count != self._count for count in done.values()):
                raise RuntimeError(f"this database was loaded with other visits: {done}")
            for name, stage in stages.items():
                if name in done:
                    continue
                began = time.perf_counter()
                await stage()
                await connection.execute(
                    "INSERT INTO loaded.stages VALUES ($1, $2)", name, self._count
                )
                print(f"{name}: {time.perf_counter() - began:,.0f} s", flush=True)
        finally:
            await connection.close()

    async def _register(self) -> None:
        async with at(self._settings, BEGAN) as app, client_of(app) as client:
            units = self._country.first_units()
            for part in (units, self._country.moved_units()):
                (await client.put("/v1/units", json=part)).raise_for_status()
            schools = list(self._country.school_bodies())
            for first in range(0, len(schools), 2_000):
                part = schools[first : first + 2_000]
                (await client.put("/v1/schools", json=part)).raise_for_status()
            database = app.state.platform.database("indicators")
            consumer = consumer_of(app, "indicators.registry")
            while await count_of(database, "schools") < len(self._country):
                await consumer.step(_WAIT)

    async def _visits(self) -> None:
        kinds = await measured_kinds()
        connection = await asyncpg.connect(self._url)
        await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        index = dict(await connection.fetch("SELECT code, id FROM indicators.schools"))
        places = [
            index[canonical_school_code(self._country.code(school))]
            for school in range(len(self._country))
        ]
        codes = [
            canonical_school_code(self._country.code(school))
            for school in range(len(self._country))
        ]
        async with connection.transaction():
            await connection.execute(
                "SET LOCAL search_path = indicators; TRUNCATE visits;"
                "ALTER TABLE visits DROP CONSTRAINT IF EXISTS visits_pkey;"
                "DROP INDEX IF EXISTS visits_school_day, visits_day_recorded, visits_unattributed"
            )
            await connection.copy_records_to_table(
                "visits",
                schema_name="indicators",
                columns=("school", *Revision._fields),
                records=told(self._revisions(kinds, places, codes), "visits", self._count),
            )
            await connection.execute(
                "ALTER TABLE visits ADD PRIMARY KEY (source, visit_id);"
                "CREATE INDEX visits_school_day ON visits (school, day);"
                "CREATE INDEX visits_day_recorded ON visits (day, recorded);"
                "CREATE INDEX visits_unattributed ON visits (school_code) WHERE school IS NULL;"
                "UPDATE schools SET groups = s.groups FROM (SELECT school, bit_or(groups) AS groups"
                " FROM visits GROUP BY school) s WHERE s.school = id"
            )
        await connection.execute("ANALYZE indicators.visits")
        await connection.close()

    def _draws(self) -> Iterator[synthetic.Draws]:
        return synthetic.draws(len(self._country), self._count, VISITS_SEED, FIRST, LAST, False)

    def _revisions(
        self, kinds: list[Revision], places: list[int], codes: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        start = micros(datetime(FIRST.year, FIRST.month, FIRST.day, 3, tzinfo=UTC))
        begin = day_number(FIRST)
        tails = [tuple(kind)[Revision._fields.index("kind") :] for kind in kinds]
        for some in self._draws():
            moments = (start + some.day * 86_400_000_000 + some.second * 1_000_000).tolist()
            for visited, (received, day, _, school, one, two, three) in zip(
                moments, some.rows(), strict=True
            ):
                yield (
                    *(places[school], "synthetic", synthetic.visit_id(one, two), 1),
                    *(codes[school], begin + day, visited, received, received),
                    f"M-{three % synthetic.MONITORS:05d}",
                    *tails[three % synthetic.TEMPLATES],
                )

    async def _cells(self) -> None:
        async with at(self._settings, NOW) as app:
            database = app.state.platform.database("indicators")
            async with database.transaction() as tx:
                await tx.execute("DELETE FROM presence")
            async with database.reading() as tx:
                register = await Registers().current(tx)
            asked = self._settings
            plan = Plan(register, [], 0, asked.zone, asked.look_back_days, packed=True)
            async with workers(many=True) as working:
                await working.begin(plan)
                await fold_cells(database, working)

    async def _raw(self) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        await connection.execute("DROP SCHEMA IF EXISTS raw CASCADE")
        await raw_visits.make(connection, self._country)
        await self._kinds_of_raw(connection)
        drawn = dict.fromkeys(("school", "kind", "day"), "integer") | {"at": "bigint"}
        drawn |= dict.fromkeys(("visit_id", "monitor"), "text")
        declared = ",".join(f"{name} {kind}" for name, kind in drawn.items())
        await connection.execute(f"CREATE UNLOGGED TABLE drawn ({declared})")
        await connection.copy_records_to_table(
            "drawn",
            schema_name="raw",
            records=told(self._drawn(), "raw visits", self._count),
        )
        own = {
            "day": "date '1970-01-01' + d.day",
            "visited_at": "timestamptz 'epoch' + d.at * interval '1 microsecond'",
        }
        own |= {name: f"d.{name}" for name in ("visit_id", "monitor", "school")}
        chosen = ",".join(own.get(name, f"k.{name}") for name in raw_visits.COLUMNS)
        await connection.execute(
            f"INSERT INTO visits SELECT {chosen} FROM drawn d JOIN kinds k ON k.number = d.kind;"
            "DROP TABLE drawn; DROP TABLE kinds",
            timeout=3_600,
        )
        await raw_visits.index(connection)
        await connection.close()

    async def _kinds_of_raw(self, connection: asyncpg.Connection) -> None:
        """What most would write down of a visit of each kind."""
        await connection.execute(
            "CREATE TABLE kinds AS SELECT 0 AS number, * FROM visits WITH NO DATA"
        )
        rows = [(kind, *raw_visits.row_of(body)) for kind, body in enumerate(kind_bodies())]
        await connection.copy_records_to_table("kinds", records=rows, schema_name="raw")

    def _drawn(self) -> Iterator[tuple[Any, ...]]:
        """What distinguishes the visits that no other visit superseded."""
        superseded = self._superseded()
        start = micros(datetime(FIRST.year, FIRST.month, FIRST.day, 3, tzinfo=UTC))
        begin = day_number(FIRST)
        monitors = [f"M-{number:05d}" for number in range(synthetic.MONITORS)]
        number = 0
        for some in self._draws():
            for _, day, second, school, one, two, three in some.rows():
                number += 1
                if number - 1 not in superseded:
                    yield (
                        *(school + 1, three % synthetic.TEMPLATES, begin + day),
                        start + day * 86_400_000_000 + second * 1_000_000,
                        synthetic.visit_id(one, two),
                        monitors[three % synthetic.MONITORS],
                    )

    def _superseded(self) -> set[int]:
        """The places of visits after which the same monitor sent another of that school and day."""
        keys: list[NDArray[np.int64]] = [
            (some.school * 4096 + some.day) * 8192 + some.noise[2] % synthetic.MONITORS
            for some in self._draws()
        ]
        joined = np.concatenate(keys)
        order = np.argsort(joined, kind="stable")
        same = joined[order][1:] == joined[order][:-1]
        return set(order[:-1][same].tolist())

    async def _rest(self) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute("SET maintenance_work_mem = '512MB'")
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    async def _proof(self) -> None:
        """Compare two whole upazilas, of which one moved, with what the oracle counts."""
        names = upazilas()
        for number in (13, random.Random(self._count).randrange(30, len(names))):
            await self._proven(number, names[number])

    async def _proven(self, number: int, upazila: str) -> None:
        inside = np.flatnonzero(self._country.upazila == number)
        log: list[dict[str, Any]] = [
            {"op": "units", "items": self._country.first_units(), "day": "2018-01-01"},
            {"op": "units", "items": self._country.moved_units(), "day": "2018-01-01"},
        ]
        chosen = set(inside.tolist())
        bodies = self._country.school_bodies()
        schools = [body for place, body in enumerate(bodies) if place in chosen]
        log.append({"op": "schools", "items": schools, "day": "2018-01-01"})
        log += [
            {
                "op": "visit",
                "source": "synthetic",
                "visit_id": form["visit_id"],
                "form": form,
            }
            for form in self._forms(inside)
        ]
        clusters = sorted({school["unit_id"] for school in schools})
        units = [upazila, clusters[0], clusters[-1], f"school:{schools[0]['school_code']}"]
        months = ["2018-03", "2018-07", "2019-12"]
        async with at(self._settings, NOW) as app, client_of(app) as client:
            found = await check_everything(client, log, units, months, today=NOW.date())
        if found:
            raise RuntimeError("\n".join(found[:20]))
        print(f"{upazila}: {len(schools)} schools, {len(log) - 3:,} visits are the oracle's")

    def _forms(self, schools: NDArray[np.intp]) -> Iterator[dict[str, Any]]:
        write = synthetic.bodies(VISITS_SEED, FIRST)
        for some in self._draws():
            inside = np.isin(some.school, schools)
            for wanted, (_, *drawn) in zip(inside.tolist(), some.rows(), strict=True):
                if wanted:
                    yield json.loads(write(*drawn))


def told(rows: Iterator[Any], what: str, count: int) -> Iterator[Any]:
    """The same rows; how many there were is printed as they pass."""
    began = time.perf_counter()
    for number, row in enumerate(rows, 1):
        if number % _TOLD_EVERY == 0:
            rate = number / (time.perf_counter() - began)
            print(f"  {what}: {number:,} of {count:,}, {rate:,.0f} a second", flush=True)
        yield row


def kind_bodies() -> list[bytes]:
    """A visit of each kind of answers, of as many schools."""
    write = synthetic.bodies(VISITS_SEED, FIRST)
    return [write(0, 0, kind, kind, kind, kind) for kind in range(synthetic.TEMPLATES)]


async def measured_kinds() -> list[Revision]:
    """What intake and measuring make of a visit of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({}, services=["ingest", "indicators"], data_dir=Path(folder))
        async with at(settings, NOW) as app:
            async with client_of(app) as client:
                await upload(client, country(synthetic.TEMPLATES), kind_bodies())
            async with app.state.platform.database("ingest").reading() as tx:
                records = await journal.read(
                    tx, "ingest", 1, ["rtsm.visits"], 2 * synthetic.TEMPLATES
                )
        found = read_revisions(records, settings.zone)
    by_school = {revision.school_code: revision for revision in found}
    return [by_school[str(kind + 1)] for kind in range(synthetic.TEMPLATES)]


async def main() -> None:
    """Load what is not loaded yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--visits", type=int, default=5_000_000)
    parser.add_argument("--schools", type=int, default=65_000)
    given = parser.parse_args()
    postgres = kept(given.keep.resolve())
    try:
        postgres.start()
        await Load(address(postgres), given.visits, given.schools).run()
    finally:
        postgres.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
