"""What the events of visits and of the register carry, as JSON schemas.

Owns descriptions, made from the structs that read the same content when it comes in; the events
themselves are made in `drafts` and `registry.store`.
"""

from typing import Any

from services.ingest.documents import inlined
from services.ingest.drafts import ACCEPTED, CORRECTED, WITHDRAWN
from services.ingest.drafts import TOPIC as VISITS
from services.ingest.registry.schemas import SchoolIn, UnitIn
from services.ingest.registry.store import SCHOOLS, UNITS
from services.ingest.registry.store import TOPIC as REGISTRY
from services.ingest.schemas import VisitForm

Document = dict[str, Any]
_NEVER = ("remarks", "location", "device_id", "source")
_INSTANT: Document = {"type": "string", "format": "date-time"}
_CODE: Document = {"type": "string", "minLength": 1}


def events() -> dict[str, tuple[str, Document]]:
    """Topic and schema of the data, by the events' types."""
    visit, unit, school = _visit(), _registry("unit", UnitIn), _registry("school", SchoolIn)
    return {
        ACCEPTED: (VISITS, visit),
        CORRECTED: (VISITS, visit),
        WITHDRAWN: (VISITS, visit),
        UNITS.event: (REGISTRY, unit),
        SCHOOLS.event: (REGISTRY, school),
    }


def _visit() -> Document:
    form = inlined(VisitForm)
    for name in _NEVER:
        form["properties"].pop(name, None)
    # An event carries the id as well, as it was sent.
    form["properties"]["visit_id"] = {"type": "string", "format": "uuid"}
    return {
        "type": "object",
        "description": "A visit's state after a revision; ignore a revision that is not newer.",
        "additionalProperties": False,
        "required": [
            *("source", "visit_id", "revision", "recorded_at", "received_at"),
            *("school_code", "standing", "visited_at", "form"),
        ],
        "properties": {
            "source": _CODE,
            "visit_id": {"type": "string", "format": "uuid"},
            "revision": {"type": "integer", "minimum": 1},
            "recorded_at": _INSTANT,
            "received_at": _INSTANT,
            "school_code": _CODE | {"description": "the canonical code"},
            "previous_school_code": _CODE | {"description": "given when the school changed"},
            "standing": {
                "enum": ["standing", "quarantined", "excluded", "withdrawn"],
                "description": "only what is standing counts, and only at a registered school",
            },
            "visited_at": _INSTANT,
            "form": form | {"description": "as sent, without remarks, place, device and source"},
        },
    }


def _registry(name: str, kind: Any) -> Document:
    record = inlined(kind)
    record["required"] = sorted({*record.get("required", ()), "valid_from"})
    return {
        "type": "object",
        "description": f"A dated record of a {name}; `version` grows by one over the register.",
        "additionalProperties": False,
        "required": ["version", "recorded_at", "changes", name],
        "properties": {
            "version": {"type": "integer", "minimum": 1},
            "recorded_at": _INSTANT,
            "changes": {"type": "array", "items": {"type": "string"}},
            name: record,
        },
    }
