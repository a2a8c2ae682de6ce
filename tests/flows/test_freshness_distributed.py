"""How fresh figures are is said by a process that folds nothing, of one that hangs while it should.

Two indicators processes share the partitions. One is frozen: the other must say how late its
answers are, though everything it was given itself is in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.support.kafka import Kafka
from tests.support.processes import Processes
from tests.support.waiting import eventually

pytestmark = [pytest.mark.distributed]
SCHOOLS = [f"{number}" for number in range(101, 125)]


def visit(code: str) -> dict[str, Any]:
    return {
        "visit_id": str(uuid4()),
        "school_code": code,
        "visited_at": "2019-05-03T09:40:00+05:00",
        "status": "open",
    }


async def shared(bootstrap: str) -> bool:
    """Whether two members share the partitions of the visits, and none is on its way."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups(["indicators.visits"])
    finally:
        await admin.close()
    _, _, state, _, _, members = answer.groups[0][:6]
    return state == "Stable" and len(members) == 2


async def test_a_process_that_hangs_makes_the_others_say_how_late_they_are(
    tmp_path: Path, processes: Processes, postgres_url: str, kafka: Kafka, redis_url: str
) -> None:
    # A frozen member keeps its partitions for as long as the test lasts.
    settings = {"RTSM_KAFKA__SESSION_MS": "60000"}
    deployment = processes.distributed(
        postgres_url, kafka.bootstrap, redis_url, indicators=2, others=0, settings=settings
    )
    frozen, asked = deployment.indicators
    headers = {"Authorization": f"Bearer {deployment.key}"}
    async with (
        deployment.client() as client,
        httpx.AsyncClient(base_url=asked.url, headers=headers, timeout=30) as other,
    ):
        units = [{"unit_id": "C", "level": "cluster", "name": "C"}]
        (await client.put("/v1/units", json=units)).raise_for_status()
        schools = [{"school_code": code, "unit_id": "C", "name": code} for code in SCHOOLS]
        (await client.put("/v1/schools", json=schools)).raise_for_status()

        async def send() -> datetime:
            answer = await client.post("/v1/visits/batch", json=[visit(c) for c in SCHOOLS])
            assert answer.status_code == 200, answer.text
            last = answer.json()["results"][-1]["received_at"]
            return datetime.fromisoformat(last)

        async def answer() -> tuple[int, datetime, float]:
            path, asked_for = "/v1/units/C/figures", {"period": "2019-05"}
            got = await other.get(path, params=asked_for)
            if got.status_code == 404:  # the register is on its way
                return 0, datetime.min.replace(tzinfo=UTC), 0.0
            told = got.json()
            return told["visits"], datetime.fromisoformat(told["as_of"]), told["lag_seconds"]

        async def all_in(visits: int, at: datetime) -> bool:
            counted, as_of, _ = await answer()
            return counted == visits and as_of >= at

        first = await send()
        await eventually(lambda: all_in(len(SCHOOLS), first), "the first visits are in", 60)
        await eventually(lambda: shared(kafka.bootstrap), "both hold partitions", 60)
        frozen.pause()
        second = await send()

        async def late() -> bool:
            counted, as_of, lag = await answer()
            assert counted == 2 * len(SCHOOLS) or as_of < second, "it says what it cannot know"
            return counted < 2 * len(SCHOOLS) and lag > 3.0

        await eventually(late, "the other says how late it is", 30)
        frozen.resume()
        await eventually(lambda: all_in(2 * len(SCHOOLS), second), "everything is in", 60)
        # Dead members of so long a session would keep the group waiting: these leave it.
        for served in deployment.indicators:
            served.terminate()
