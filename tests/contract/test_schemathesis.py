"""The whole interface examined by schemathesis with all its checks, for a bounded time.

Embedded, and distributed behind the deployment's own gateway: Caddy with the shipped table of
routes, its services' addresses exchanged.

The coverage phase alone takes minutes for all calls: by hand, in `tests/contract/schemathesis`, run
`schemathesis run URL/openapi.json -H "Authorization: Bearer KEY" --checks all`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.contract.openapi_world import LAST, World
from tests.support.available import need
from tests.support.caddy import caddy
from tests.support.embedded import Embedded
from tests.support.kafka import Kafka
from tests.support.processes import Deployment, Processes

HERE = Path(__file__).with_name("schemathesis")
SECONDS = 30
# These make the server call whatever address they are given: nothing is asked outside this machine.
CALLING_OUT = ("put_adapter", "poll_adapter")


async def seed(deployment: Deployment) -> None:
    """Send every example once, so that the calls find what they are about."""
    async with deployment.client() as client:
        document = (await client.get("/openapi.json")).json()
        opened: Any = SimpleNamespace(client=client, drain=lambda: asyncio.sleep(0))
        world = World(cast("Embedded", opened), document)
        await world.prepare()
        for path, method, operation in world.ordered():
            if operation["operationId"] not in (*LAST, *CALLING_OUT):
                await world.send(path, method, operation)


async def test_no_check_fails(processes: Processes) -> None:
    deployment = processes.embedded()
    await seed(deployment)
    await examine(deployment.url, deployment.key)


@pytest.mark.distributed
async def test_no_check_fails_behind_the_gateway(
    processes: Processes, postgres_url: str, kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    need("Caddy")
    deployment = processes.distributed(postgres_url, kafka.bootstrap, redis_url)
    await seed(deployment)
    with caddy(deployment, tmp_path) as url:
        await examine(url, deployment.key)


async def examine(url: str, key: str) -> None:
    """Run schemathesis over the document at an address; its findings fail the test."""
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{url}/openapi.json", "--checks", "all", "--no-color"),
        *("-H", f"Authorization: Bearer {key}"),
        *("--phases", "examples,fuzzing", "-n", "3", "--seed", "1", "--no-shrink"),
        *("--max-time", str(SECONDS), "--continue-on-failure", "--generation-database", "none"),
    ]
    for name in CALLING_OUT:
        words += ["--exclude-operation-id", name]
    done = await asyncio.to_thread(
        subprocess.run,
        words,
        cwd=HERE,
        env=os.environ | {"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
