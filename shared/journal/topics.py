"""The topics: which service's journal feeds them, and making them where they are missing."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.db.errors import Transient

PRODUCER = {
    "rtsm.visits": "ingest",
    "rtsm.registry": "ingest",
    "rtsm.observations": "ingest",
    "rtsm.figures": "indicators",
    "rtsm.reports": "reports",
    "rtsm.alerts": "notify",
}
# A registry change must be seen after the one it builds on, whatever unit it is about.
ONE_PARTITION = {"rtsm.registry"}


def partitions_of(topic: str, partitions: int) -> int:
    """How many partitions a topic is made with."""
    return 1 if topic in ONE_PARTITION else partitions


async def ensure_topics(bootstrap: str, topics: Sequence[str], partitions: int) -> None:
    """Make the topics that are missing; raises Transient while no broker answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        missing = set(topics) - set(await admin.list_topics())
        if missing:
            answer = await admin.create_topics(
                # No assignments, rather than None: the brokers' own replication factor (-1).
                [NewTopic(t, partitions_of(t, partitions), -1, {}) for t in sorted(missing)]
            )
            for topic, code, *_ in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise Transient(f"Kafka does not make {topic}: {for_code(code).__name__}")
    except (KafkaError, OSError) as error:
        raise Transient(f"Kafka: {error!r}") from error
    finally:
        await admin.close()


async def unwritten(bootstrap: str, topics: Sequence[str]) -> list[str]:
    """The topics that never held a record: new ones, and ones deleted and made again."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await consumer.start()
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        if {place.topic for place in places} != set(topics):
            raise Transient("Kafka does not tell the topics' partitions yet")
        ends = await consumer.end_offsets(places)
    except (KafkaError, OSError) as error:
        raise Transient(f"Kafka: {error!r}") from error
    finally:
        await consumer.stop()
    written = {place.topic for place, end in ends.items() if end > 0}
    return [topic for topic in topics if topic not in written]


async def check(bootstrap: str) -> str | None:
    """None when a broker answers, else what is missing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=1_500)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return "Kafka does not answer; visits are kept in the journal until it does"
    finally:
        await admin.close()
    return None
