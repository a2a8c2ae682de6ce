"""Every figure equals the oracle's in a deployment of separate processes on real servers.

Two ingest and two indicators processes, reports and notify; PostgreSQL, Kafka, Redis. The calls
of one client go to the two ingest processes in turn, and figures are asked of both indicators.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.histories.generator import TODAY, months, random_history, unit_ids
from tests.histories.player import Batch, Player
from tests.oracle.compare import VIEWS, check_everything, month_window
from tests.oracle.comparisons import check_comparisons
from tests.oracle.figures import Oracle
from tests.support import dated
from tests.support.embedded import NOW, SOURCE
from tests.support.kafka import Kafka
from tests.support.processes import Deployment, Processes
from tests.support.settled import until_applied

RANKED = ("student_attendance", "usable_rooms", "coverage")
pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]


@pytest.fixture
def house(
    tmp_path: Path,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Processes, Deployment]]:
    """Six processes whose clocks show 2019-06-03."""
    monkeypatch.setenv(dated.SHIFT, dated.shift_to(NOW))
    started = Processes(tmp_path, dated.ENTRY)
    yield (
        started,
        started.distributed(postgres_url, kafka.bootstrap, redis_url, ingest=2, indicators=2),
    )
    started.close()


@pytest.mark.parametrize(
    ("seed", "batch", "chosen"),
    [(2018, None, months()), (2019, "ndjson", ["2018-03", "2019-05"])],
    ids=["one by one", "ndjson"],
)
async def test_everything_equals_the_oracle(
    house: tuple[Processes, Deployment], seed: int, batch: Batch, chosen: list[str]
) -> None:
    processes, deployment = house
    key = processes.key(deployment.settings, name=SOURCE)
    history = random_history(seed, 400)
    versions = [0]

    async def note(answer: httpx.Response) -> None:
        if answer.request.method == "PUT" and answer.request.url.path in (
            "/v1/units",
            "/v1/schools",
        ):
            await answer.aread()
            versions.append(answer.json()["version"])

    async with deployment.client(key) as client:
        client.event_hooks["response"].append(note)
        player = Player(client, TODAY, batch=batch, batch_size=20)
        await player.play(history[: len(history) // 2])
        # In the middle all is computed anew beside the living services, and switched to at once.
        _, log = await asyncio.gather(
            asyncio.to_thread(processes.command, "rebuild", settings=deployment.settings),
            player.play(history[len(history) // 2 :]),
        )
        await until_applied(deployment.indicators[0].url, key, questions(player, versions[-1]))
        assert len(Oracle(log).visits) > 100, "a history that says nothing proves nothing"
        assert await differences(client, log, chosen) == []
        asked = (["PK-BA", "PK-BA-QTA"], [month_window("2018-03")], VIEWS, TODAY)
        assert await check_comparisons(client, log, *asked, ranked=RANKED) == []
        processes.command("rebuild", settings=deployment.settings)
        assert await differences(client, log, ["2018-03"]) == []
    verified = processes.command("verify", settings=deployment.settings, check=False)
    assert verified.returncode == 0, verified.stdout


async def differences(
    client: httpx.AsyncClient, log: list[dict[str, Any]], chosen: list[str]
) -> list[str]:
    """What the figures of these months say otherwise than the oracle; asked by four at once."""
    units = unit_ids(log)
    parts = [units[first::4] for first in range(4)]
    found = await asyncio.gather(
        *(check_everything(client, log, part, chosen, today=TODAY, odd=False) for part in parts)
    )
    return [what for part in found for what in part]


def questions(player: Player, version: int) -> list[dict[str, Any]]:
    """What must be in the figures before they are compared."""
    visits = [
        {"source": source or SOURCE, "visit_id": visit_id, "revision": revision}
        for (source, visit_id), revision in player.revisions.items()
    ]
    return [{"registry_version": version}, *visits]
