"""What the events of alerts carry, as a JSON schema; `decisions` makes them."""

from typing import Any

from services.notify.decisions import EVENTS, TOPIC
from services.notify.life import Phase
from services.notify.rules import SEVERITIES

Document = dict[str, Any]
_TEXT: Document = {"type": "string"}
_COUNT: Document = {"type": "integer", "minimum": 0}
_SHARE: Document = {"type": ["number", "null"]}
_DAY: Document = {"type": "string", "format": "date"}


def events() -> dict[str, tuple[str, Document]]:
    """Topic and schema of the data, by the events' types."""
    alert = _closed(
        {
            "alert_id": {"type": "string", "format": "uuid"},
            "code": {"type": "string", "minLength": 4, "maxLength": 4},
            "rule_id": _TEXT,
            "rule_version": {"type": "integer", "minimum": 1},
            "unit_id": _TEXT,
            "indicator": _TEXT,
            "split": {"type": ["string", "null"]},
            "severity": {"enum": list(SEVERITIES)},
            "state": {"enum": [phase.value for phase in Phase]},
            "statistics": _statistics(),
        },
        "An alert after a step of its life, with the figure behind the step.",
    )
    return dict.fromkeys(EVENTS.values(), (TOPIC, alert))


def _statistics() -> Document:
    return _closed(
        {
            "first_day": _DAY,
            "last_day": _DAY,
            "known_at": {"type": "integer", "description": "microseconds since 1970, UTC"},
            "state": _TEXT,
            "value": _SHARE,
            "numerator": _COUNT,
            "denominator": {"type": ["integer", "null"]},
            "visits": _COUNT,
            "schools": _COUNT,
            "n_eff": _SHARE,
            "interval": {"type": ["array", "null"], "items": {"type": "number"}},
            "schools_visited": {"type": ["integer", "null"]},
            "schools_registered": {"type": ["integer", "null"]},
            "newest_visit": {"type": ["string", "null"], "format": "date"},
            "new_visits": {"type": ["integer", "null"]},
            "definition": {
                "type": ["integer", "null"],
                "description": "the version of the indicator that the figure was made by",
            },
            "names": {
                "type": ["object", "null"],
                "description": "what the indicator is called in texts, by language",
                "additionalProperties": {"type": "string"},
            },
            "probability": _SHARE,
        },
        "The figure the step stands on.",
    )


def _closed(properties: Document, text: str) -> Document:
    return {
        "type": "object",
        "description": text,
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
