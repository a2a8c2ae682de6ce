"""The contract of `shared.journal.feed`, held by the journal and by a real Kafka alike."""

from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.contract.feeds import Carrier, KafkaCarrier, event, journal_carrier


@pytest.fixture(
    params=["journal", pytest.param("kafka", marks=pytest.mark.distributed)],
)
async def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Carrier]:
    if request.param == "journal":
        made = await journal_carrier(tmp_path)
    else:
        made = await KafkaCarrier.made(tmp_path, request.getfixturevalue("kafka_broker"))
    yield made
    await made.close()


async def test_every_event_comes_once_and_as_it_was_written(carrier: Carrier) -> None:
    sent = [event(n, key=f"school {n % 7}") for n in range(40)]
    await carrier.write(*sent)
    seen = await (await carrier.reader()).take(40)
    assert sorted(seen, key=lambda e: e.time) == sent


async def test_what_happened_to_one_key_comes_in_order(carrier: Carrier) -> None:
    for first in range(0, 60, 5):
        await carrier.write(*(event(n, key=f"school {n % 7}") for n in range(first, first + 5)))
    seen = await (await carrier.reader()).take(60, limit=4)
    for _, same in groupby(sorted(seen, key=lambda e: e.key), key=lambda e: e.key):
        numbers = [e.time for e in same]
        assert numbers == sorted(numbers)


async def test_the_registry_comes_in_order_whatever_its_keys(carrier: Carrier) -> None:
    sent = [event(n, key=f"unit {n % 5}", topic="rtsm.registry") for n in range(30)]
    await carrier.write(*sent)
    assert await (await carrier.reader()).take(30, limit=7) == sent


async def test_a_batch_is_one_partition_in_order_and_no_longer_than_asked(
    carrier: Carrier,
) -> None:
    await carrier.write(*(event(n, key=f"school {n}") for n in range(50)))
    reader = await carrier.reader()
    await reader.take(50, limit=6)
    for batch in reader.batches:
        positions = [record.position for record in batch.records]
        assert 0 < len(positions) <= 6
        assert positions == sorted(set(positions))
        assert {record.partition for record in batch.records} == {batch.partition}
        assert batch.next == positions[-1] + 1


async def test_another_reader_goes_on_where_the_first_left(carrier: Carrier) -> None:
    await carrier.write(*(event(n, key=f"school {n % 7}") for n in range(30)))
    first = await carrier.reader()
    seen = await first.take(12, limit=5)
    await first.feed.close()
    await carrier.write(*(event(n, key=f"school {n % 7}") for n in range(30, 40)))
    second = await carrier.reader(left=first.left)
    seen += await second.take(40 - len(seen))
    assert sorted(e.time for e in seen) == [event(n).time for n in range(40)]


async def test_after_forget_the_position_is_asked_for_again(carrier: Carrier) -> None:
    await carrier.write(*(event(n) for n in range(10)))
    reader = await carrier.reader()
    await reader.take(10)
    partition = reader.batches[-1].partition
    asked = len(reader.asked)
    # A rolled-back batch: the position still says where the fourth record is.
    reader.left[partition] = reader.batches[0].records[3].position
    reader.feed.forget(partition)
    assert await reader.take(7) == [event(n) for n in range(3, 10)]
    assert partition in reader.asked[asked:]


async def test_forgetting_one_batch_loses_nothing_of_the_others(carrier: Carrier) -> None:
    await carrier.write(*(event(n, key=f"school {n}") for n in range(40)))
    reader = await carrier.reader()
    seen = await reader.take(5, limit=5)
    dropped = reader.batches[-1]
    kept = len(seen) - len(dropped.records)
    reader.left[dropped.partition] = dropped.records[0].position
    reader.feed.forget(dropped.partition)
    seen = seen[:kept] + await reader.take(40 - kept, limit=5)
    assert sorted(e.time for e in seen) == [event(n).time for n in range(40)]


async def test_an_empty_feed_says_so_and_wakes_for_the_next_event(carrier: Carrier) -> None:
    reader = await carrier.reader()
    await carrier.write(event(0))
    await reader.take(1)
    assert await reader.fetch(wait=0.01) is None
    await carrier.write(event(1))
    assert await reader.take(1) == [event(1)]


async def test_lag_counts_what_was_not_read(carrier: Carrier) -> None:
    await carrier.write(*(event(n) for n in range(9)))
    await carrier.carried()
    reader = await carrier.reader()
    await reader.take(9)
    assert await reader.feed.lag() == 0
    await carrier.write(*(event(n) for n in range(9, 12)))
    await carrier.carried()
    assert await reader.feed.lag() == 3


async def test_large_events_pass(carrier: Carrier) -> None:
    large = [
        event(n).__class__(
            "rtsm.visits", "rtsm.visit.accepted.v1", "s", "s", n, n, b'"%s"' % (b"x" * 200_000)
        )
        for n in range(8)
    ]
    await carrier.write(*large)
    assert await (await carrier.reader()).take(8) == large


async def test_the_ends_are_known_to_a_reader_that_is_given_nothing_to_read(
    carrier: Carrier,
) -> None:
    await carrier.write(*(event(n, key=f"school {n}") for n in range(9)))
    await carrier.carried()
    reader = await carrier.reader()
    await reader.take(9)
    ends = await reader.feed.ends()
    assert ends is not None
    read = {batch.partition: batch.next for batch in reader.batches}
    assert {partition: ends[partition] for partition in read} == read
    await carrier.write(event(9))
    await carrier.carried()
    later = await reader.feed.ends()
    assert later is not None
    assert sum(later.values()) == sum(ends.values()) + 1
