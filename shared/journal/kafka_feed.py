"""Apache Kafka as the feed: a consumer group whose positions live in our database.

A rebalance callback does no more than forget: aiokafka swallows what it raises and does not wait
for the batch in hand. The loop asks for a partition's position when it first sees it, and seeks.
An offset committed to Kafka says no more than that this group has met this very topic.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.clock import micros
from shared.db.errors import Transient
from shared.journal.ending import ended
from shared.journal.feed import Load
from shared.journal.records import Batch, Event, LostPast, Record
from shared.journal.topics import ensure_topics

_LOG = structlog.get_logger("rtsm.feed")
_ANSWER_MS = 5_000
"""For how long a broker may think when it waits for nobody else."""


class _Forgetting(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, feed: "KafkaFeed") -> None:
        self._feed = feed

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._feed.lose(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._feed.lose(assigned)


def _instant(headers: dict[str, bytes], name: str, otherwise: int) -> int:
    try:
        return micros(datetime.fromisoformat(headers[name].decode()))
    except (KeyError, ValueError):
        return otherwise


def _record(partition: str, message: Any) -> Record:
    headers = dict(message.headers)
    stamped = message.timestamp * 1000
    return Record(
        partition,
        message.offset,
        Event(
            topic=message.topic,
            type=headers.get("ce_type", b"").decode("utf-8", "replace"),
            key=(message.key or b"").decode("utf-8", "replace"),
            subject=headers.get("ce_subject", b"").decode("utf-8", "replace"),
            time=_instant(headers, "ce_time", stamped),
            recorded=_instant(headers, "ce_recordedtime", stamped),
            data=message.value or b"",
        ),
    )


class KafkaFeed:
    """Reads topics as a member of the group `group`."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        partitions: int,
        session_ms: int = 10_000,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._topics = list(topics)
        self._partitions = partitions
        self._session_ms = session_ms
        self._consumer: Any = None
        self._load: Load | None = None
        self._known: dict[TopicPartition, int] = {}
        self._waiting: dict[TopicPartition, list[Any]] = {}
        self._passed: set[TopicPartition] = set()
        self._healed = False

    async def open(self, load: Load) -> None:
        """Make the topics and join the group; raises Transient while no broker answers."""
        self._load = load
        await ensure_topics(self._bootstrap, self._topics, self._partitions)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            # To join is answered when the group has given up whoever is dead: after a session.
            # Whoever stops waiting before that only has to ask again.
            request_timeout_ms=2 * self._session_ms + _ANSWER_MS,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 10,
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=10_000,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            consumer.subscribe(self._topics, listener=_Forgetting(self))
            await consumer.start()
        except (KafkaError, OSError) as error:
            await ended(consumer, consumer._client)  # noqa: SLF001 - nothing else closes it
            raise Transient(f"Kafka: {error!r}") from error
        self._consumer = consumer

    async def close(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await ended(consumer, consumer._client)  # noqa: SLF001 - nothing else closes it

    def lose(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget all about partitions that came or went."""
        lost = set(partitions)
        for partition in lost:
            self._known.pop(partition, None)
            self._waiting.pop(partition, None)

    def forget(self, partition: str) -> None:
        """Ask for the position of this partition again."""
        self.lose([known for known in self._known if _name(known) == partition])

    def healed(self) -> None:
        """What is gone was taken from the journal: go on with what Kafka still has."""
        self._healed = True
        self._known.clear()

    async def _meet(self) -> None:
        """Seek to our own position in every partition that is new to us."""
        if self._load is None:
            raise RuntimeError("the feed is not open")
        new = [p for p in self._consumer.assignment() if p not in self._known]
        if not new:
            return
        starts = await self._consumer.beginning_offsets(new)
        ends = await self._consumer.end_offsets(new)
        for partition in new:
            position = await self._load(_name(partition))
            if partition not in self._consumer.assignment():
                continue
            begun = position is None or await self._consumer.committed(partition) is not None
            position = position or 0
            if not (begun and starts[partition] <= position <= ends[partition]):
                if not self._healed:
                    raise LostPast(
                        f"{_name(partition)} has {starts[partition]}..{ends[partition]}"
                        f"{'' if begun else ', made anew'}, position is {position}"
                    )
                position = starts[partition]
            self._consumer.seek(partition, position)
            # A mark that goes when the topic is deleted: one made anew may have grown past us.
            await self._consumer.commit({partition: position})
            self._known[partition] = position
            self._waiting.pop(partition, None)
        self._healed = False

    async def fetch(self, limit: int, wait: float) -> Batch | None:
        """The next batch of one partition; raises Transient when the broker does not answer."""
        try:
            return await self._fetch(limit, wait)
        except OffsetOutOfRangeError as error:
            self._known.clear()
            self._healed = False
            raise LostPast(str(error)) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise Transient(f"Kafka: {error!r}") from error

    async def _fetch(self, limit: int, wait: float) -> Batch | None:
        await self._meet()
        if not self._waiting:
            if not self._known:
                await asyncio.sleep(wait)
                return None
            self._keep(await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit))
        while self._waiting:
            partition = await self._fullest(limit)
            if partition is None:
                continue
            self._passed.discard(partition)
            messages = self._waiting.pop(partition)
            expected = self._known.get(partition)
            if expected is None:
                continue
            messages = [message for message in messages if message.offset >= expected]
            if not messages:
                continue
            if len(messages) > limit:
                self._waiting[partition] = messages[limit:]
                messages = messages[:limit]
            following = messages[-1].offset + 1
            self._known[partition] = following
            name = _name(partition)
            return Batch(name, [_record(name, message) for message in messages], following)
        return None

    def _keep(self, fetched: Mapping[TopicPartition, list[Any]]) -> None:
        for partition, messages in fetched.items():
            self._waiting.setdefault(partition, []).extend(messages)

    async def _fullest(self, limit: int) -> TopicPartition | None:
        """Choose what is handed out: a partition that fills a batch, before one that does not.

        What is fetched at once ends anywhere in a partition, and halves of batches cost nearly as
        much as whole ones. A partition that was passed over so is the next, however little it has.
        """
        passed = list(self._waiting)
        for place, partition in enumerate(passed):
            held = len(self._waiting.get(partition, ()))
            if 0 < held < limit:
                self._keep(
                    await self._consumer.getmany(partition, timeout_ms=0, max_records=limit - held)
                )
            # Meanwhile partitions can have been lost.
            held = len(self._waiting.get(partition, ()))
            if held >= limit or (held and partition in self._passed):
                self._passed.update(passed[:place])
                return partition
        return next(iter(self._waiting), None)

    async def lag(self) -> int | None:
        """Records that the group's own partitions still hold for us."""
        if self._consumer is None:
            return None
        try:
            ends = await self._consumer.end_offsets(list(self._known))
        except (KafkaError, OSError):
            return None
        return int(sum(max(0, ends[p] - self._known[p]) for p in ends if p in self._known))

    async def ends(self) -> Mapping[str, int] | None:
        """The end of every partition of the topics, those of other members of the group too."""
        if self._consumer is None:
            return None
        partitions = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        if not partitions:
            return None
        try:
            ends = await self._consumer.end_offsets(partitions)
        except (KafkaError, OSError):
            return None
        return {_name(partition): int(end) for partition, end in ends.items()}


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
