"""Copies a service's journal to Kafka, in order, at least once.

One relay works per journal (the others stand by); its position is a row of the journal's own
database, moved after Kafka has acknowledged. A crash in between sends records again, which every
consumer absorbs by key and revision. A topic that was deleted and made again is filled again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.postgres import PostgresDatabase
from shared.journal import journal, positions
from shared.journal.ending import ended
from shared.journal.records import Fenced, Record, headers
from shared.journal.topics import PRODUCER, ensure_topics, partitions_of, unwritten

_LOG = structlog.get_logger("rtsm.relay")
_CHUNK = 2_000
# Just under what brokers accept (message.max.bytes): each partition's part of a chunk is one batch.
_BATCH_BYTES = 1_000_000
_PAUSE_SECONDS = 0.05
_STAND_BY_SECONDS = 1.0
_BACK_OFF = (0.1, 0.5, 1.0, 2.0)
_NAME = "relay"


class Relay:
    """Carries the journal of `service` to the topics that it feeds."""

    def __init__(self, service: str, database: Database, bootstrap: str, partitions: int) -> None:
        self._service = service
        self._database = database
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._topics = [topic for topic, producer in PRODUCER.items() if producer == service]
        self._leads: Callable[[], bool] = lambda: True
        self.trouble: str | None = None

    async def run(self) -> None:
        """Relay until cancelled, through every outage of Kafka and of the database."""
        tries = 0
        while True:
            try:
                async with AsyncExitStack() as stack:
                    if await self._lead(stack):
                        producer = await self._producer(stack)
                        tries = 0
                        await self._relay(producer)
                self.trouble = None
                await asyncio.sleep(_STAND_BY_SECONDS)
            except (Transient, KafkaError, OSError, Fenced, TimeoutError) as error:
                self.trouble = f"relay of {self._service}: {error}"
                _LOG.warning("relay waits", service=self._service, error=repr(error))
                await asyncio.sleep(_BACK_OFF[min(tries, len(_BACK_OFF) - 1)])
                tries += 1

    async def _lead(self, stack: AsyncExitStack) -> bool:
        """Become the one relay of this journal, or learn that there is one."""
        if not isinstance(self._database, PostgresDatabase):
            return True
        held = await stack.enter_async_context(self._database.held(_NAME))
        self._leads = held or self._leads
        return held is not None

    async def _producer(self, stack: AsyncExitStack) -> Any:
        await ensure_topics(self._bootstrap, self._topics, self._partitions)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            # An idempotent producer never gives up, and so could never say that Kafka is away;
            # what is sent twice is absorbed by key and revision.
            enable_idempotence=False,
            request_timeout_ms=5_000,
            max_batch_size=_BATCH_BYTES,
            linger_ms=0,
        )
        stack.push_async_callback(ended, producer, producer.client)
        await producer.start()
        return producer

    async def _start(self) -> int | None:
        """Where to go on: after what was sent, or earlier when Kafka has lost a whole topic."""
        async with self._database.reading() as tx:
            start = await positions.load(tx, _NAME, "journal")
        lost = await unwritten(self._bootstrap, self._topics) if start is not None else []
        if not lost:
            return start
        async with self._database.transaction() as tx:
            row = await tx.fetch_one(
                "SELECT min(seq) FROM journal WHERE topic = ANY($1::text[])", lost
            )
            first = row[0]
            if first is None or start is None or first >= start:
                return start
            _LOG.error("Kafka lost topics; sending the journal again", topics=lost, start=first)
            await positions.advance(tx, _NAME, "journal", start, first)
        return int(first)

    async def _relay(self, producer: Any) -> None:
        start = await self._start()
        rings = self._database.committed.rings
        records = await self._read(start or 1)
        while True:
            if not self._leads():
                raise Transient("the relay's lock is gone")
            if not records:
                self.trouble = None
                await self._database.committed.wait(rings, _PAUSE_SECONDS)
                if await self._was_moved(start):
                    raise Fenced("the relay's position was moved")
                rings = self._database.committed.rings
                records = await self._read(start or 1)
                continue
            following = records[-1].position + 1
            rings = self._database.committed.rings
            # The next ones are read while Kafka takes these.
            sent, ahead = await asyncio.gather(
                self._publish(producer, records), self._read(following), return_exceptions=True
            )
            if isinstance(sent, BaseException):
                raise sent
            async with self._database.transaction() as tx:
                await positions.advance(tx, _NAME, "journal", start, following)
            start = following
            if isinstance(ahead, BaseException):
                raise ahead
            records = ahead

    async def _read(self, start: int) -> list[Record]:
        async with self._database.reading() as tx:
            return await journal.read(tx, "journal", start, self._topics, _CHUNK)

    async def _was_moved(self, start: int | None) -> bool:
        """Whether somebody (a replay) set the position back while there was nothing to do."""
        async with self._database.reading() as tx:
            return await positions.load(tx, _NAME, "journal") != start

    async def _publish(self, producer: Any, records: list[Record]) -> None:
        """Send records in batches, order kept within each partition; return when all are acked."""
        lanes: dict[tuple[str, int], list[Record]] = defaultdict(list)
        choose = DefaultPartitioner()
        numbers: dict[str, list[int]] = {}
        for record in records:
            topic = record.event.topic
            if topic not in numbers:
                known = await producer.partitions_for(topic)
                numbers[topic] = sorted(known) or [*range(partitions_of(topic, self._partitions))]
            lane = choose(record.event.key.encode(), numbers[topic], numbers[topic])
            lanes[topic, lane].append(record)
        await asyncio.gather(
            *(self._lane(producer, topic, lane, items) for (topic, lane), items in lanes.items())
        )

    async def _lane(self, producer: Any, topic: str, lane: int, records: list[Record]) -> None:
        batch = producer.create_batch()
        for record in records:
            event = record.event
            message = {
                "key": event.key.encode(),
                "value": event.data,
                # Kafka forgets by this time: that of sending. A journal that is sent again after
                # months would be deleted before anyone has read it.
                "timestamp": None,
                "headers": headers(event, self._service, record.position),
            }
            if batch.append(**message) is None:
                batch.close()
                await (await producer.send_batch(batch, topic, partition=lane))
                batch = producer.create_batch()
                if batch.append(**message) is None:
                    raise RuntimeError(f"journal record {record.position} is too large for Kafka")
        batch.close()
        await (await producer.send_batch(batch, topic, partition=lane))
