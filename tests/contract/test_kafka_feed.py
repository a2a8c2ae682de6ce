"""What only Kafka can do to a reader: lose its past, hand partitions on, send twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from shared.db.errors import Transient
from shared.journal import positions
from shared.journal.records import LostPast
from tests.contract.feeds import KafkaCarrier, Reader, event
from tests.support.kafka import Kafka
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed


@pytest.fixture
async def carrier(kafka: Kafka, tmp_path: Path) -> AsyncIterator[KafkaCarrier]:
    made = await KafkaCarrier.made(tmp_path, kafka)
    yield made
    await made.close()


async def lost(reader: Reader) -> str:
    """Read until the feed says that its past is gone; what it says."""

    async def told() -> str | None:
        try:
            await reader.fetch()
        except LostPast as error:
            return str(error)
        return None

    return str(await eventually(told, "LostPast"))


async def expire(kafka: Kafka, partition: TopicPartition, before: int) -> None:
    """What retention does: records before the offset are gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({partition: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def test_retention_that_passed_the_reader_is_noticed_and_healed(
    carrier: KafkaCarrier, kafka: Kafka
) -> None:
    sent = [event(n, topic="rtsm.registry") for n in range(20)]
    await carrier.write(*sent)
    reader = await carrier.reader()
    await reader.take(5, limit=5)
    await reader.feed.close()
    await expire(kafka, TopicPartition("rtsm.registry", 0), 12)
    again = await carrier.reader(left=reader.left)
    assert "rtsm.registry-0" in await lost(again)
    again.feed.healed()
    assert await again.take(8) == sent[12:]


async def test_retention_is_noticed_by_one_who_never_read(
    carrier: KafkaCarrier, kafka: Kafka
) -> None:
    await carrier.write(*(event(n, topic="rtsm.registry") for n in range(20)))
    await carrier.carried()
    await expire(kafka, TopicPartition("rtsm.registry", 0), 12)
    reader = await carrier.reader()
    await lost(reader)


async def test_retention_under_a_running_reader_is_noticed(
    carrier: KafkaCarrier, kafka: Kafka
) -> None:
    await carrier.write(*(event(n, topic="rtsm.registry") for n in range(20)))
    reader = await carrier.reader()
    await reader.take(20)
    partition = reader.batches[-1].partition
    await expire(kafka, TopicPartition("rtsm.registry", 0), 12)
    reader.left[partition] = 4  # a batch that was rolled back and must come again
    reader.feed.forget(partition)
    await lost(reader)


@pytest.mark.parametrize("written_after", [3, 40])
async def test_a_topic_that_was_deleted_and_made_again_is_noticed(
    carrier: KafkaCarrier, kafka: Kafka, written_after: int
) -> None:
    """Whether the new topic is shorter than the position, or has grown past it."""
    before = [event(n, topic="rtsm.registry") for n in range(20)]
    after = [event(n, topic="rtsm.registry") for n in range(20, 20 + written_after)]
    await carrier.write(*before)
    reader = await carrier.reader()
    seen = await reader.take(20)
    await reader.feed.close()
    await carrier.stop()
    await kafka.delete_topics()
    carrier.start()
    await carrier.write(*after)
    await carrier.carried()
    again = await carrier.reader(left=reader.left)

    async def read() -> bool:
        try:
            batch = await again.fetch()
        except LostPast:
            again.feed.healed()
            return False
        seen.extend(record.event for record in batch.records) if batch else None
        return set(before + after) <= set(seen)

    await eventually(read, "everything that was written after, too")


async def test_a_topic_made_again_has_what_nobody_had_read(
    carrier: KafkaCarrier, kafka: Kafka
) -> None:
    """Kafka lost its disk after the relay had delivered and before anybody had read."""
    sent = [event(n, topic="rtsm.registry") for n in range(20)]
    await carrier.write(*sent)
    await carrier.carried()
    await carrier.stop()
    await kafka.delete_topics()
    carrier.start()
    reader = await carrier.reader()
    assert set(await reader.take(20)) == set(sent)


async def test_two_readers_of_a_group_share_and_lose_nothing(carrier: KafkaCarrier) -> None:
    await carrier.write(*(event(n, key=f"school {n}") for n in range(60)))
    first = await carrier.reader()
    seen = await first.take(20, limit=5)
    second = await carrier.reader(left=first.left)

    async def both() -> bool:
        for reader in (first, second):
            batch = await reader.fetch(5, 0.02)
            seen.extend(record.event for record in batch.records) if batch else None
        return len(first.asked) > 0 and len(second.asked) > 0 and len(set(seen)) == 60

    await eventually(both, "both read, and nothing is missing", 30)
    await carrier.write(*(event(n, key=f"school {n}") for n in range(60, 90)))

    async def rest() -> bool:
        await both()
        return len(set(seen)) == 90

    await eventually(rest, "what came after the rebalance", 30)


# aiokafka forgets a connection that was being made when it is cancelled.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_relay_that_starts_again_skips_nothing(carrier: KafkaCarrier) -> None:
    sent = [event(n, topic="rtsm.registry") for n in range(30)]
    for number, one in enumerate(sent):
        await carrier.write(one)
        if number % 7 == 3:
            await carrier.stop()
            carrier.start()
    seen = list(dict.fromkeys(await (await carrier.reader()).take(30)))
    assert seen == sent


async def test_a_replay_sends_again_from_the_position(carrier: KafkaCarrier) -> None:
    await carrier.write(*(event(n, topic="rtsm.registry") for n in range(10)))
    await carrier.carried()
    reader = await carrier.reader()
    await reader.take(10)
    async with carrier.database.transaction() as tx:
        await positions.put(tx, "relay", "journal", 6)
    await carrier.write(event(10, topic="rtsm.registry"))
    seen = await reader.take(6)
    assert seen == [event(n, topic="rtsm.registry") for n in range(5, 11)]


async def test_the_relay_goes_on_when_kafka_comes_back(carrier: KafkaCarrier, kafka: Kafka) -> None:
    assert carrier.relay is not None
    await carrier.write(event(0))
    reader = await carrier.reader()
    await reader.take(1)
    await asyncio.to_thread(kafka.kill)
    await carrier.write(*(event(n) for n in range(1, 20)))

    async def told() -> bool:
        return carrier.relay is not None and carrier.relay.trouble is not None

    await eventually(told, "the relay says what is missing", 60)
    kafka.start()
    seen: list[object] = []

    async def read() -> bool:
        try:
            batch = await reader.fetch(100, 0.2)
        except Transient:
            return False
        seen.extend(record.event for record in batch.records) if batch else None
        return set(seen) >= {event(n) for n in range(1, 20)}

    await eventually(read, "everything after the outage", 60)
