"""The test servers are what they claim to be: real, ours, durable where they should be."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.support.kafka import Kafka
from tests.support.postgres import Postgres
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.distributed


async def fetch(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_postgresql_is_durable_and_survives_a_crash(
    postgres: Postgres, postgres_url: str
) -> None:
    assert await fetch(postgres_url, "SHOW fsync") == "on"
    assert await fetch(postgres_url, "SHOW synchronous_commit") == "on"
    await fetch(postgres_url, "CREATE TABLE visits AS SELECT 57158 AS n")

    postgres.kill()
    with pytest.raises(OSError):  # noqa: PT011  # refused or reset, as the kernel likes
        await fetch(postgres_url, "SELECT 1")
    postgres.start()

    assert await fetch(postgres_url, "SELECT n FROM visits") == 57158


async def test_a_database_is_copied_from_a_template(new_database: Callable[..., str]) -> None:
    template = new_database()
    await fetch(template, "CREATE TABLE visits AS SELECT 1 AS n")

    copies = [new_database(template=template) for _ in range(2)]
    await fetch(copies[0], "UPDATE visits SET n = 2")

    assert await fetch(copies[1], "SELECT n FROM visits") == 1


async def test_redis_numbers_are_emptied_and_apart(redis_server: RedisServer) -> None:
    urls = [redis_server.new_url(), redis_server.new_url()]
    clients = [redis.asyncio.Redis.from_url(url) for url in urls]
    await clients[0].set("card", "1")

    assert await clients[1].get("card") is None
    for client in clients:
        await client.aclose()


async def test_a_frozen_redis_answers_nothing_until_it_goes_on(
    redis_server: RedisServer, redis_url: str
) -> None:
    client = redis.asyncio.Redis.from_url(
        redis_url, socket_timeout=0.2, retry=Retry(NoBackoff(), 0)
    )
    await client.set("card", "1")
    redis_server.pause()
    with pytest.raises(redis.asyncio.TimeoutError):
        await client.get("card")
    redis_server.resume()
    assert await client.get("card") == b"1"
    await client.aclose()


async def consumed(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def produced(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type="lz4"
    )
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def topic_made(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()


async def test_kafka_keeps_records_through_a_kill(kafka: Kafka) -> None:
    await topic_made(kafka.bootstrap, "rtsm.visits")
    await produced(kafka.bootstrap, "rtsm.visits", [b"one", b"two"])
    assert await consumed(kafka.bootstrap, "rtsm.visits", 2) == [b"one", b"two"]

    kafka.kill()
    kafka.start()

    await produced(kafka.bootstrap, "rtsm.visits", [b"three"])
    assert await consumed(kafka.bootstrap, "rtsm.visits", 3) == [b"one", b"two", b"three"]


async def test_kafka_begins_without_topics_whatever_was_there(kafka: Kafka) -> None:
    await topic_made(kafka.bootstrap, "anything")
    assert await kafka.topics() == {"anything"}

    await kafka.delete_topics()

    assert await kafka.topics() == set()
