"""kill -9 of ingest, of the relay and of indicators under load, in separate processes.

Three killers work at once against two ingest and two indicators processes on PostgreSQL and Kafka:
the first kills any ingest, the second the ingest that carries the journal to Kafka just then, the
third any indicators. Afterwards nothing is lost, nothing counts twice, every figure is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.chaos.fieldwork import SOURCE, Fieldwork
from tests.chaos.leader import relay_of
from tests.chaos.nemesis import Nemesis, until_live
from tests.chaos.verdict import judge
from tests.support import dated
from tests.support.embedded import NOW
from tests.support.kafka import Kafka
from tests.support.postgres import Postgres
from tests.support.processes import Deployment, Processes, Served
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed
TRIALS = 20
FREEZES = 5
SEED = 20180301
SESSION = {"RTSM_KAFKA__SESSION_MS": "2000"}
CARRIED = "SELECT next FROM ingest.positions WHERE consumer = 'relay'"
FOLDED = "SELECT count(*) FROM indicators.visits"


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND wait_event_type = 'Lock' AND query_start < now() - interval '3 seconds'
"""


class Field:
    """Two ingest and two indicators processes, and who and what a nemesis may ask for."""

    def __init__(self, processes: Processes, deployment: Deployment, postgres: Postgres) -> None:
        self.processes = processes
        self.deployment = deployment
        self.key = processes.key(deployment.settings, name=SOURCE)
        self._postgres = postgres
        self._url = deployment.settings["RTSM_DATABASE_URL"]

    async def told(self, sql: str) -> int:
        """The one number that a query answers."""
        return int(self._postgres.execute(sql, self._url) or 0)

    async def any_ingest(self, rng: Random) -> Served:
        return rng.choice(self.deployment.ingest)

    async def any_indicators(self, rng: Random) -> Served:
        return rng.choice(self.deployment.indicators)

    async def the_relay(self, _: Random) -> Served:
        """The ingest process that carries the journal to Kafka just now."""

        async def leads() -> Served | None:
            return relay_of("ingest", self._postgres, self._url, self.deployment.ingest)

        found = await eventually(leads, "somebody carries the journal", 60, pause=0.1)
        assert found is not None
        return found

    async def carried(self) -> int:
        return await self.told(CARRIED)

    async def folded(self) -> int:
        return await self.told(FOLDED)

    async def blocked(self) -> bool:
        return await self.told(WAITING) > 0

    async def judged(self, work: Fieldwork, nemesis: Nemesis) -> None:
        """Everything lives again, and ledger, figures and cells are right."""
        for served in self.deployment.all:
            await until_live(work.client, served)
        print(f"stopped {dict(nemesis.kills)}, answers {dict(work.answers)}")
        async with self.deployment.client(self.key) as client:
            await judge(work, client, self.deployment.indicators[0].url)
        settings = self.deployment.settings
        verified = self.processes.command("verify", settings=settings, check=False)
        assert verified.returncode == 0, verified.stdout


@pytest.fixture
def field(
    tmp_path: Path,
    postgres: Postgres,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Field]:
    monkeypatch.setenv(dated.SHIFT, dated.shift_to(NOW))
    processes = Processes(tmp_path, dated.ENTRY)
    deployment = processes.distributed(
        postgres_url,
        kafka.bootstrap,
        redis_url,
        ingest=2,
        indicators=2,
        others=0,
        settings=SESSION,
    )
    yield Field(processes, deployment, postgres)
    processes.close()


@pytest.mark.timeout(900)
async def test_killed_twenty_times_each(field: Field) -> None:
    async with httpx.AsyncClient(timeout=10) as plain:
        work = Fieldwork(plain, field.deployment.urls("ingest"), field.key, SEED)
        nemesis = Nemesis(plain, SEED)

        async def acknowledged() -> int:
            return len(work.log)

        await work.during(
            4,
            nemesis.hunt("ingest", field.any_ingest, acknowledged, TRIALS, 5),
            nemesis.hunt("relay", field.the_relay, field.carried, TRIALS, 5),
            nemesis.hunt("indicators", field.any_indicators, field.folded, TRIALS, 5),
        )
        await field.judged(work, nemesis)
    assert all(nemesis.kills[kind] >= TRIALS for kind in ("ingest", "relay", "indicators"))


@pytest.mark.timeout(600)
async def test_frozen_until_others_took_over(field: Field) -> None:
    """A consumer that wakes up after its partitions were handed on must add nothing."""
    async with httpx.AsyncClient(timeout=10) as plain:
        work = Fieldwork(plain, field.deployment.urls("ingest"), field.key, SEED + 1)
        nemesis = Nemesis(plain, SEED + 1)
        await work.during(
            4,
            nemesis.freeze(
                "indicators", field.any_indicators, field.folded, field.blocked, FREEZES, 5
            ),
        )
        await field.judged(work, nemesis)
    assert nemesis.kills["indicators"] >= FREEZES
