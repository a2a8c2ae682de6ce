"""kill -9 while flags are computed: nothing is left out, and nothing is left over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.support.processes import Processes
from tests.support.waiting import eventually
from tests.trust.brute import expected
from tests.trust.test_signals import shown
from tests.trust.worlds import World

KILLS = 2


@dataclass
class Front:
    """A running deployment as worlds see it."""

    client: httpx.AsyncClient


def backlog(number: int) -> str:
    """Visits that keep the signals busy, apart from those of the world."""
    at = f"2018-04-{1 + number:02d}T09:07:00+05:00"
    forms: list[dict[str, Any]] = [
        {
            "visit_id": str(uuid4()),
            "source": "filler",
            "school_code": f"f{index % 50}",
            "visited_at": at,
            "status": "open",
            "monitor_id": f"F{index % 7}",
        }
        for index in range(400)
    ]
    return "\n".join(map(json.dumps, forms))


async def test_flags_after_kills_are_those_of_brute_force(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    deployment = processes.embedded()
    (served,) = deployment.all
    world = World(Random(5), "k")
    try:
        async with httpx.AsyncClient(
            base_url=served.url,
            headers={"Authorization": f"Bearer {deployment.key}"},
            timeout=30,
            trust_env=False,
        ) as client:
            front: Any = Front(client)
            await world.begin(front)
            for number in range(KILLS):
                answer = await client.post(
                    "/v1/visits/batch",
                    content=backlog(number),
                    headers={"Content-Type": "application/x-ndjson"},
                )
                assert answer.json()["quarantined"] == 400
                for _ in range(30):
                    await world.step(front)
                served.kill()
                served.start()
            wanted = expected(list(world.visits.values()), world.points)
            assert sum(map(bool, wanted.values())) > 10

            async def right() -> bool:
                flags = await shown(front)
                return all(flags[key] == codes for key, codes in wanted.items())

            await eventually(right, "the flags are those of brute force", 60, 0.3)
            queue = await client.get("/v1/reviews?flag=unknown_school&source=filler&limit=200")
            assert len(queue.json()["reviews"]) == 200
    finally:
        processes.close()
