"""What an event is, in the journal and on the wire (CloudEvents 1.0, Kafka binding, binary mode).

Owns the values and the headers; storing, carrying and counting them is left to the neighbours.
"""

from dataclasses import dataclass

import msgspec

from shared.clock import rfc3339


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened: `data` is JSON; `time` and `recorded` are microseconds."""

    topic: str
    type: str
    key: str
    subject: str
    time: int
    recorded: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """An event where a feed has it: `position` grows within its `partition`."""

    partition: str
    position: int
    event: Event


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition in order; after them the consumer stands at `next`."""

    partition: str
    records: list[Record]
    next: int


class InvalidEvent(Exception):  # noqa: N818 - a kind with a fate
    """One record makes no sense: it is set aside with the reason and the feed goes on."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(f"{record.partition}@{record.position}: {reason}")
        self.record = record
        self.reason = reason


class Fenced(Exception):  # noqa: N818
    """Somebody else moved this consumer's position: what was computed here must be dropped."""


class LostPast(Exception):  # noqa: N818
    """The feed no longer has the records that come next."""


def headers(event: Event, service: str, seq: int) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes of an event as Kafka headers."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{service}:{seq}".encode()),
        ("ce_source", f"/rtsm/{service}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", rfc3339(event.time).encode()),
        ("ce_recordedtime", rfc3339(event.recorded).encode()),
        ("ce_dataschema", f"/asyncapi.json#{event.type}".encode()),
        ("content-type", b"application/json"),
    ]
