"""What the events of figures carry, as a JSON schema; `announce` makes them."""

from typing import Any


def events() -> dict[str, tuple[str, dict[str, Any]]]:
    """Topic and schema of the data, by the events' types."""
    day = {"type": "string", "format": "date"}
    moved = {
        "type": "object",
        "description": "Figures of these units may have moved over these days; ask for the values.",
        "additionalProperties": False,
        "required": ["units", "first_day", "last_day"],
        "properties": {
            "units": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "first_day": day,
            "last_day": day,
        },
    }
    return {"rtsm.figures.changed.v1": ("rtsm.figures", moved)}
