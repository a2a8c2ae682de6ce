"""Everything that can be asked equals the oracle's, in both modes, after a rebuild amid the work.

One random history a mode and run: embedded on SQLite, and processes on PostgreSQL, Kafka and Redis
with two ingest instances and two indicators instances in one group. Half of it is told, then all is
computed anew while the rest arrives. Its seed is new every time and printed: `TESTS_SEED=…` gives
the same again, `TESTS_STEPS=…` longer ones.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.histories.generator import TODAY, random_history, unit_ids
from tests.histories.player import Player
from tests.histories.variety import varied
from tests.oracle.everything import Both, ask_everything, ask_something
from tests.oracle.figures import Oracle
from tests.oracle.windows import calendar_calls, one_of_each
from tests.support import dated
from tests.support.embedded import NOW, SOURCE, embedded
from tests.support.kafka import Kafka
from tests.support.processes import Deployment, Processes
from tests.support.settled import all_applied, until_applied
from tests.support.waiting import eventually

STEPS = int(os.environ.get("TESTS_STEPS", "260"))
LOCAL = ZoneInfo("Asia/Karachi")
History = list[dict[str, Any]]


@pytest.fixture
def seed() -> int:
    """The history's seed: of the environment, else a new one."""
    given = os.environ.get("TESTS_SEED")
    chosen = int(given) if given else secrets.randbelow(1_000_000)
    print(f"TESTS_SEED={chosen}")
    return chosen


@dataclass
class Told:
    """A history on its way to a server, and what is needed to ask about it afterwards."""

    player: Player
    history: History
    versions: list[int] = field(default_factory=lambda: [0])
    instants: list[datetime] = field(default_factory=list)

    def parts(self) -> tuple[History, History, History]:
        """What is told before the rebuild, while it runs, and after it."""
        half, most = len(self.history) // 2, len(self.history) * 3 // 4
        return self.history[:half], self.history[half:most], self.history[most:]

    async def note(self, answer: httpx.Response) -> None:
        """Remember the newest version of the register (a hook of the client)."""
        path = answer.request.url.path
        if answer.request.method == "PUT" and path in ("/v1/units", "/v1/schools"):
            await answer.aread()
            self.versions.append(answer.json()["version"])

    def questions(self) -> list[dict[str, Any]]:
        """What must be in the figures before they are compared."""
        visits = [
            {"source": source or SOURCE, "visit_id": visit_id, "revision": revision}
            for (source, visit_id), revision in self.player.revisions.items()
        ]
        return [{"registry_version": self.versions[-1]}, *visits]


def moderate(seed: int, *, clock: bool) -> History:
    """The calendars, and then a history with schools of every kind."""
    return calendar_calls() + varied(random_history(seed, STEPS, clock=clock), seed)


async def compared(client: httpx.AsyncClient, told: Told, today: date, seed: int) -> None:
    """Ask everything as it is, and something of everything as known at each of the instants."""
    log, rng = told.player.log, Random(seed)
    oracle = Oracle(log)
    assert len(oracle.visits) > STEPS // 5, "a history that says nothing proves nothing"
    both = Both(client, oracle, today)
    await ask_everything(both, unit_ids(log), one_of_each(rng, oracle, today), rng)
    for instant in told.instants:
        known = [o for o in log if datetime.fromisoformat(o["recorded"]) <= instant]
        then, day = Oracle(log, instant), instant.astimezone(LOCAL).date()
        past = Both(client, then, day, instant, both.found, both.asked)
        await ask_something(past, unit_ids(known), one_of_each(rng, then, day), rng)
    print(dict(both.asked))
    assert both.found == [], f"TESTS_SEED={seed}"


async def test_embedded_rebuilt_while_it_works(seed: int, tmp_path: Path) -> None:
    """Days pass meanwhile, and every call has a second of its own."""
    async with embedded(tmp_path, background=True) as house:

        async def after(_: dict[str, Any]) -> None:
            house.clock.advance(timedelta(seconds=1))

        player = Player(house.client, TODAY, set_day=house.set_day, now=house.clock.now)
        told = Told(player, moderate(seed, clock=True))
        house.client.event_hooks["response"].append(told.note)
        before, meanwhile, afterwards = told.parts()
        await player.play(before, after)
        await asyncio.gather(house.rebuild(), player.play(meanwhile, after))
        await player.play(afterwards, after)
        await all_applied(house.client, told.questions())
        moments = [datetime.fromisoformat(operation["recorded"]) for operation in player.log]
        for share in (0.3, 0.6, 0.9):  # before the rebuild, while it ran, after it
            moment = moments[int(len(moments) * share)]
            told.instants.append(moment + timedelta(seconds=0.5))
        await compared(house.client, told, house.today, seed)
        assert await house.verified() == []


@pytest.fixture
def house(
    tmp_path: Path,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Processes, Deployment]]:
    """Two ingest and two indicators processes whose clocks show 2019-06-03."""
    monkeypatch.setenv(dated.SHIFT, dated.shift_to(NOW))
    started = Processes(tmp_path, dated.ENTRY)
    servers = (postgres_url, kafka.bootstrap, redis_url)
    yield started, started.distributed(*servers, ingest=2, indicators=2, others=0)
    started.close()


def servers_now() -> datetime:
    """What the processes' clocks show."""
    return datetime.now(UTC) + timedelta(seconds=float(os.environ[dated.SHIFT]))


@pytest.mark.distributed
@pytest.mark.timeout(900)
async def test_two_instances_rebuilt_while_they_work(
    seed: int, house: tuple[Processes, Deployment], kafka: Kafka
) -> None:
    """Calls go to two ingest and questions to two indicators processes in turn."""
    processes, deployment = house
    key = processes.key(deployment.settings, name=SOURCE)
    async with deployment.client(key) as client:
        player = Player(client, TODAY, batch_size=20, now=servers_now)
        told = Told(player, moderate(seed, clock=False))
        client.event_hooks["response"].append(told.note)

        async def asked_between() -> None:
            """Ask for figures between two calls; an instant in its middle is between them too."""
            begun = servers_now()
            answer = await client.get("/v1/units/PK-BA/figures", params={"period": "2018"})
            assert answer.status_code == httpx.codes.OK, answer.text
            told.instants.append(begun + (servers_now() - begun) / 2)

        before, meanwhile, afterwards = told.parts()
        await player.play(before[: len(before) // 2])
        await asked_between()
        await player.play(before[len(before) // 2 :])
        await eventually(lambda: shared(kafka), "both instances hold partitions", 120)
        rebuilding = asyncio.create_task(
            asyncio.to_thread(processes.command, "rebuild", settings=deployment.settings)
        )
        await player.play(meanwhile)
        await asked_between()
        await rebuilding
        player.batch = "ndjson"
        await player.play(afterwards[: len(afterwards) // 2])
        await asked_between()
        await player.play(afterwards[len(afterwards) // 2 :])
        await until_applied(deployment.indicators[0].url, key, told.questions())
        await compared(client, told, TODAY, seed)
    verified = processes.command("verify", settings=deployment.settings, check=False)
    assert verified.returncode == 0, verified.stdout


async def shared(kafka: Kafka) -> bool:
    """Whether two members of the group have partitions of the visits each."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups(["indicators.visits"])
    finally:
        await admin.close()
    _, _, state, _, _, members = answer.groups[0][:6]
    return state == "Stable" and sum(bool(member[-1]) for member in members) == 2
