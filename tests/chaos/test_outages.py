"""Kafka, Redis, the mail server, the SMS gateway or PostgreSQL away, at the start or later.

Intake goes on (all but PostgreSQL's), `/health/ready` names what is missing, and everything drains
after the return, without a restart of any process.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.flows.test_alert_life import PACE, Office
from tests.support.kafka import Kafka
from tests.support.postgres import Postgres
from tests.support.processes import Deployment, Processes, Served
from tests.support.redis_server import RedisServer
from tests.support.settled import until_applied
from tests.support.sms_gateway import SmsGateway
from tests.support.smtp_sink import SmtpSink
from tests.support.waiting import eventually

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]
SESSION = {"RTSM_KAFKA__SESSION_MS": "3000"}


class Server(Protocol):
    """What can be taken away and brought back."""

    def kill(self) -> None: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.close()


@pytest.fixture
async def restored(
    kafka_broker: Kafka, redis_server: RedisServer, postgres: Postgres
) -> AsyncIterator[None]:
    """Whatever a test took away and did not bring back is there for the next one."""
    yield
    for server in (kafka_broker, redis_server, postgres):
        server.resume()
        if not server._program.running:
            await asyncio.to_thread(server.start)


async def missing(client: httpx.AsyncClient, served: Served) -> dict[str, str]:
    """What `/health/ready` of a process says is missing; the gateway would ask reports' own."""
    answer = await client.get(f"{served.url}/health/ready")
    found: dict[str, str] = answer.json()["missing"]
    assert answer.status_code == (503 if found else 200)
    return found


async def until_missing(client: httpx.AsyncClient, served: Served, what: str) -> None:
    async def named() -> bool:
        return what in await missing(client, served)

    await eventually(named, f"{served.name} says that {what} is missing", 60)


async def until_all_ready(client: httpx.AsyncClient, deployment: Deployment) -> None:
    async def ready() -> bool:
        answers = [await missing(client, served) for served in deployment.all]
        return not any(answers)

    await eventually(ready, "every process is ready", 120)


class Tablet:
    """One source that goes on sending, whatever is away."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client = client
        self.key = key
        self.sent: list[dict[str, Any]] = []

    async def begin(self) -> None:
        units = [{"unit_id": "D", "name": "D", "level": "district", "parent_id": None}]
        units += [{"unit_id": "C", "name": "C", "level": "cluster", "parent_id": "D"}]
        school = {"school_code": "1", "name": "S", "unit_id": "C", "level": "primary"}
        for path, body in (("/v1/units", units), ("/v1/schools", [school])):
            answer = await self.client.put(path, json=body)
            assert answer.status_code == 200, answer.text

    async def post(self) -> httpx.Response:
        """Send one visit; its id is remembered when it is acknowledged."""
        visit_id = str(uuid.uuid4())
        form = {"visit_id": visit_id, "school_code": "1", "status": "open"}
        form["visited_at"] = f"2019-03-05T09:{len(self.sent) % 60:02d}:00+05:00"
        answer = await self.client.post("/v1/visits", json=form)
        if answer.status_code == 201:
            self.sent.append({"source": "test", "visit_id": visit_id, "revision": 1})
        return answer

    async def accepted(self, visits: int) -> None:
        """Send so many, all of which are acknowledged."""
        for _ in range(visits):
            answer = await self.post()
            assert answer.status_code == 201, answer.text


async def test_everything_but_the_ledger_is_away_at_the_start(
    processes: Processes,
    postgres_url: str,
    kafka: Kafka,
    redis_server: RedisServer,
    redis_url: str,
    sms_gateway: SmsGateway,
    smtp_sink: SmtpSink,
    restored: None,
) -> None:
    smtp_sink.stop()
    sms_gateway.stop()
    channels = {
        "RTSM_SMTP__HOST": smtp_sink.host,
        "RTSM_SMTP__PORT": str(smtp_sink.port),
        "RTSM_SMTP__TLS": "none",
        "RTSM_SMS__KIND": "kannel",
        "RTSM_SMS__URL": sms_gateway.url,
        "RTSM_SMS__USERNAME": "rtsm",
        "RTSM_SMS__PASSWORD": "secret",
    }
    deployment = processes.distributed(
        postgres_url, kafka.bootstrap, redis_url, settings=PACE | SESSION | channels
    )
    assert {served.terminate() for served in deployment.all} == {0}
    await kafka.delete_topics()
    kafka.kill()
    redis_server.kill()
    for served in deployment.all:
        served.start(wait=False)
    for served in deployment.all:
        served.until_live()

    async with deployment.client() as client, httpx.AsyncClient(timeout=10) as plain:
        office = Office(client)
        await office.prepare("+923001234567")
        await office.visits(1, 20, 1)
        for served in deployment.all:
            await until_missing(plain, served, "kafka")
            await until_missing(plain, served, "cache")
        for channel in ("sms", "email"):
            await until_missing(plain, deployment.notify[0], f"notify:{channel}")

        kafka.start()
        await office.until("pending")
        await office.visits(21, 24, 1)
        await office.until("firing")
        redis_server.start()
        smtp_sink.start()
        sms_gateway.start()
        await office.until_told("fire", {"sms": {"accepted", "delivered"}, "email": {"accepted"}})
        await until_all_ready(plain, deployment)
        assert len(smtp_sink.mails) == 1


async def test_kafka_loses_its_disk(
    processes: Processes,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    restored: None,
) -> None:
    """With records nobody had read, and again while consumers run; nothing is lost or doubled."""
    deployment = processes.distributed(postgres_url, kafka.bootstrap, redis_url, settings=SESSION)
    async with deployment.client() as client, httpx.AsyncClient(timeout=10) as plain:
        tablet = Tablet(client, deployment.key)
        await tablet.begin()
        await tablet.accepted(20)
        await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)
        for running in (True, False):
            if not running:
                deployment.indicators[0].kill()
            await tablet.accepted(5)
            kafka.erase()
            await tablet.accepted(5)
            kafka.start()
            if not running:
                deployment.indicators[0].start()
            await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)
            await tablet.accepted(30)
            await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)
        await until_all_ready(plain, deployment)
        card = await client.get("/v1/cards/D", params={"period": "2019-03"})
        assert card.json()["visits"] == len(tablet.sent)
    verified = processes.command("verify", settings=deployment.settings, check=False)
    assert verified.returncode == 0, verified.stdout


async def test_each_goes_away_later_and_comes_back(
    processes: Processes,
    postgres: Postgres,
    postgres_url: str,
    kafka: Kafka,
    redis_server: RedisServer,
    redis_url: str,
    restored: None,
) -> None:
    deployment = processes.distributed(postgres_url, kafka.bootstrap, redis_url, settings=SESSION)
    async with deployment.client() as client, httpx.AsyncClient(timeout=10) as plain:
        tablet = Tablet(client, deployment.key)
        await tablet.begin()
        await tablet.accepted(3)
        await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)

        outages: list[tuple[Server, str, Callable[[], None], Callable[[], None]]] = [
            (kafka, "kafka", kafka.kill, kafka.start),
            (kafka, "kafka", kafka.pause, kafka.resume),
            (redis_server, "cache", redis_server.kill, redis_server.start),
            (redis_server, "cache", redis_server.pause, redis_server.resume),
        ]
        for _, name, away, back in outages:
            away()
            await tablet.accepted(5)
            await until_missing(plain, deployment.ingest[0], name)
            card = await client.get("/v1/cards/D", params={"period": "2019-03"})
            assert card.status_code == 200, card.text
            await tablet.accepted(5)
            back()
            await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)
            await until_all_ready(plain, deployment)

        postgres.kill()
        refused = await tablet.post()
        assert refused.status_code == 503, refused.text
        assert "retry-after" in refused.headers
        await until_missing(plain, deployment.ingest[0], "ingest:ledger")
        postgres.start()

        async def accepted() -> bool:
            answer = await tablet.post()
            assert answer.status_code in (201, 503), answer.text
            return answer.status_code == 201

        await eventually(accepted, "visits are accepted again", 60)
        await until_applied(deployment.indicators[0].url, deployment.key, tablet.sent)
        await until_all_ready(plain, deployment)

        card = await client.get("/v1/cards/D", params={"period": "2019-03"})
        assert card.json()["visits"] == len(tablet.sent)
    kafka.kill()
    redis_server.kill()
    assert {served.terminate() for served in deployment.all} == {0}
    verified = processes.command("verify", settings=deployment.settings, check=False)
    assert verified.returncode == 0, verified.stdout
