"""kill -9 of ingest, of the relay and of indicators under load, in separate processes.

Three killers work at once against two ingest and two indicators processes on PostgreSQL and Kafka:
the first kills any ingest, the second the ingest that carries the journal to Kafka just then, the
third any indicators. Afterwards nothing is lost, nothing counts twice, every figure is right.
"""

from __future__ import annotations

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
from tests.support.processes import Processes, Served
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed
TRIALS = 20
SEED = 20180301
SESSION = {"RTSM_KAFKA__SESSION_MS": "2000"}
CARRIED = "SELECT next FROM ingest.positions WHERE consumer = 'relay'"
FOLDED = "SELECT count(*) FROM indicators.visits"


@pytest.mark.timeout(900)
async def test_killed_twenty_times_each(
    tmp_path: Path,
    postgres: Postgres,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    key = processes.key(deployment.settings, name=SOURCE)

    def told(sql: str) -> int:
        return int(postgres.execute(sql, postgres_url) or 0)

    try:
        async with deployment.client(key) as client, httpx.AsyncClient(timeout=10) as plain:
            work = Fieldwork(plain, deployment.urls("ingest"), key, SEED)
            nemesis = Nemesis(plain, SEED)

            async def any_ingest(rng: Random) -> Served:
                return rng.choice(deployment.ingest)

            async def any_indicators(rng: Random) -> Served:
                return rng.choice(deployment.indicators)

            async def the_relay(_: Random) -> Served:
                async def leads() -> Served | None:
                    return relay_of("ingest", postgres, postgres_url, deployment.ingest)

                found = await eventually(leads, "somebody carries the journal", 60, pause=0.1)
                assert found is not None
                return found

            async def acknowledged() -> int:
                return len(work.log)

            async def carried() -> int:
                return told(CARRIED)

            async def folded() -> int:
                return told(FOLDED)

            await work.during(
                4,
                nemesis.hunt("ingest", any_ingest, acknowledged, TRIALS, 5),
                nemesis.hunt("relay", the_relay, carried, TRIALS, 5),
                nemesis.hunt("indicators", any_indicators, folded, TRIALS, 5),
            )
            for served in deployment.all:
                await until_live(plain, served)
            print(f"kills {dict(nemesis.kills)}, answers {dict(work.answers)}")
            await judge(work, client, deployment.indicators[0].url)
        verified = processes.command("verify", settings=deployment.settings, check=False)
        assert verified.returncode == 0, verified.stdout
        assert all(nemesis.kills[kind] >= TRIALS for kind in ("ingest", "relay", "indicators"))
    finally:
        processes.close()
