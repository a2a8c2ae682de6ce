"""The whole interface examined by schemathesis with all its checks, for a bounded time.

Embedded, and distributed behind the deployment's own gateway: Caddy with the shipped table of
routes, its services' addresses exchanged.

The coverage phase alone takes minutes for all calls: by hand, in `tests/contract/schemathesis`, run
`schemathesis run URL/openapi.json -H "Authorization: Bearer KEY" --checks all`, with the address at
which partners may be asked as TESTS_PARTNER_URL.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from tests.contract.openapi_world import LAST, World
from tests.support.available import need
from tests.support.caddy import caddy
from tests.support.embedded import Embedded
from tests.support.kafka import Kafka
from tests.support.partner_servers import KoboServer
from tests.support.processes import Deployment, Processes

HERE = Path(__file__).with_name("schemathesis")
SECONDS = 30


@pytest.fixture
def partner() -> Iterator[KoboServer]:
    """The server of every partner that is declared: nothing is asked outside this machine."""
    server = KoboServer("aXyZ123")
    server.token = "0123456789abcdef"  # noqa: S105 - of the example
    server.start()
    yield server
    server.stop()


async def seed(deployment: Deployment, partner: KoboServer) -> None:
    """Send every example once, so that the calls find what they are about."""
    async with deployment.client() as client:
        document = (await client.get("/openapi.json")).json()
        opened: Any = SimpleNamespace(client=client, drain=lambda: asyncio.sleep(0))
        world = World(cast("Embedded", opened), document)
        world.body_of("put_adapter")["url"] = partner.url
        await world.prepare()
        for path, method, operation in world.ordered():
            if operation["operationId"] not in LAST:
                await world.send(path, method, operation)


async def test_no_check_fails(processes: Processes, partner: KoboServer) -> None:
    deployment = processes.embedded()
    await seed(deployment, partner)
    await examine(deployment.url, deployment.key, partner)


@pytest.mark.distributed
async def test_no_check_fails_behind_the_gateway(
    processes: Processes,
    partner: KoboServer,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    tmp_path: Path,
) -> None:
    need("Caddy")
    deployment = processes.distributed(postgres_url, kafka.bootstrap, redis_url)
    await seed(deployment, partner)
    with caddy(deployment, tmp_path) as url:
        await examine(url, deployment.key, partner)


async def examine(url: str, key: str, partner: KoboServer) -> None:
    """Run schemathesis over the document at an address; its findings fail the test."""
    known = len(partner.calls)
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{url}/openapi.json", "--checks", "all", "--no-color"),
        *("-H", f"Authorization: Bearer {key}"),
        *("--phases", "examples,fuzzing", "-n", "3", "--seed", "1", "--no-shrink"),
        *("--max-time", str(SECONDS), "--continue-on-failure", "--generation-database", "none"),
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        words,
        cwd=HERE,
        env=os.environ | {"PYTHONPATH": str(HERE), "TESTS_PARTNER_URL": partner.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert len(partner.calls) > known, "the partners that were declared were asked"
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        told = await client.get("/v1/adapters", headers={"Authorization": f"Bearer {key}"})
    addresses = {one.get("url") for one in told.json()["adapters"]}
    assert addresses <= {partner.url, None}, "nobody else's server was named"
