"""The AsyncAPI 3.0 document: topics, keys, headers and the data of every event.

Owns the shape of the document. What an event's data is, each service declares in its own value;
what carries it is told by `journal.topics` and `journal.records`.
"""

from collections.abc import Sequence
from typing import Any

from shared.journal.records import Event, headers
from shared.journal.topics import ONE_PARTITION, PRODUCER
from shared.service import Service

Document = dict[str, Any]
_TEXT = {"type": "string"}
_KEYS = {
    "rtsm.visits": "the canonical code of the school",
    "rtsm.registry": "the unit's id, or `school:` and the code",
    "rtsm.observations": "row and unit",
    "rtsm.figures": "the district's id",
    "rtsm.reports": "the unit's id",
    "rtsm.alerts": "the unit's id",
}


def asyncapi(services: Sequence[Service]) -> Document:
    """The document of all topics that these services write."""
    messages: Document = {}
    schemas: Document = {}
    channels: Document = {}
    operations: Document = {}
    for service in services:
        for kind, (topic, schema) in service.events.items():
            schemas[kind] = schema
            messages[kind] = _message(kind, topic, service.name)
            channel = channels.setdefault(_word(topic), _channel(topic))
            channel["messages"][kind] = {"$ref": f"#/components/messages/{kind}"}
    for name, channel in channels.items():
        operations[f"tell_{name}"] = {
            "action": "send",
            "summary": f"RTSM writes these to {channel['address']}; consume them from there.",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [
                {"$ref": f"#/channels/{name}/messages/{kind}"} for kind in channel["messages"]
            ],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "RTSM events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in binary mode: attributes in headers, data as JSON. Each is told "
                "at least once, in order within a key; count it once by ce_id. No names of people, "
                "numbers, addresses, remarks or places of devices are in any event."
            ),
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "messageTraits": {"cloudevent": {"headers": _headers()}},
        },
    }


def _word(topic: str) -> str:
    return topic.replace(".", "_")


def _channel(topic: str) -> Document:
    return {
        "address": topic,
        "description": f"Written by {PRODUCER[topic]}; the key is {_KEYS[topic]}.",
        "messages": {},
        "bindings": {
            "kafka": {"topic": topic, "bindingVersion": "0.5.0"}
            | ({"partitions": 1} if topic in ONE_PARTITION else {})
        },
    }


def _message(kind: str, topic: str, service: str) -> Document:
    return {
        "name": kind,
        "title": kind.removesuffix(".v1").replace(".", " ").replace("rtsm", "RTSM"),
        "summary": f"{kind} of the {service} service",
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {"$ref": f"#/components/schemas/{kind}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": _KEYS[topic]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers() -> Document:
    """The attributes that every event carries, named by the very function that writes them."""
    names = [name for name, _ in headers(Event("", "", "", "", 0, 0, b""), "", 0)]
    instants = {"ce_time": "when it happened", "ce_recordedtime": "when it was learnt"}
    properties = {
        name: _TEXT | {"format": "date-time", "description": instants[name]}
        if name in instants
        else dict(_TEXT)
        for name in names
    }
    properties["ce_id"]["description"] = "unique: count an event once by it"
    return {"type": "object", "required": names, "properties": properties}
