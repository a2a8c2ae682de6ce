"""The fixtures every test may ask for: real services, started when the first test wants them.

Owns lifetimes only: a server is started once a session, what a test writes into it is its own
(a new database, an emptied Redis number, no topics, no mails). What is not installed skips the test
by name, or fails it when RTSM_REQUIRE_SERVICES is set.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.available import REQUIRED, need
from tests.support.kafka import Kafka
from tests.support.kannel import Kannel
from tests.support.postgres import Postgres
from tests.support.processes import Processes
from tests.support.redis_server import RedisServer
from tests.support.sms_gateway import SmsGateway
from tests.support.smtp_sink import SmtpSink

for _name in [name for name in os.environ if name.startswith("RTSM_") and name != REQUIRED]:
    del os.environ[_name]  # a developer's own settings must not decide what the tests see


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's PostgreSQL server; for stopping it, and for databases that outlive a test."""
    need("PostgreSQL")
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture
def new_database(postgres: Postgres) -> Iterator[Callable[..., str]]:
    """Make databases: `new_database()` or `new_database(template=url)`; dropped after the test."""
    made: list[str] = []

    def new(template: str | None = None) -> str:
        made.append(postgres.new_database(template))
        return made[-1]

    postgres.ensure()
    yield new
    postgres.ensure()
    for url in made:
        postgres.drop_database(url)


@pytest.fixture
def postgres_url(new_database: Callable[..., str]) -> str:
    """The address of a new, empty database."""
    return new_database()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The session's Redis server; for stopping and freezing it."""
    need("Redis")
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of an emptied Redis database."""
    redis_server.ensure()
    return redis_server.new_url()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Kafka]:
    """The session's broker as the last test left it; most tests want `kafka`."""
    need("Kafka")
    broker = Kafka()
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
async def kafka(kafka_broker: Kafka) -> AsyncIterator[Kafka]:
    """The session's broker without topics; `kafka.bootstrap` is its address."""
    kafka_broker.ensure()
    await kafka_broker.delete_topics()
    yield kafka_broker
    kafka_broker.ensure()
    await kafka_broker.delete_topics()


@pytest.fixture(scope="session")
def _kannel() -> Iterator[Kannel]:
    need("Kannel")
    gateway = Kannel()
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
def kannel(_kannel: Kannel) -> Kannel:
    """The session's real SMS gateway; `messages()` are those since the test began."""
    _kannel.ensure()
    _kannel.forget()
    return _kannel


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A new SMTP server in this process, listening."""
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def sms_gateway() -> Iterator[SmsGateway]:
    """A new HTTP SMS gateway double, listening."""
    gateway = SmsGateway()
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts real `rtsm` processes; those that still run are killed after the test."""
    started = Processes(tmp_path)
    yield started
    started.close()
