"""Schools of every gender, level, zone and shift, for histories whose figures are divided.

Owns the words; which record is told when is as it was.
"""

from __future__ import annotations

from random import Random
from typing import Any

FIELDS = {
    "gender": ("boys", "girls", "mixed", None),
    "level": ("primary", "middle", "high", None),
    "zone": ("summer", "winter", None),
    "shift": ("morning", "evening", None),
}
History = list[dict[str, Any]]


def varied(history: History, seed: int) -> History:
    """The same history with schools of every level, zone and shift, or of none said."""
    rng = Random(seed)
    return [
        {
            **op,
            "items": [
                {**item, **{name: rng.choice(words) for name, words in FIELDS.items()}}
                for item in op["items"]
            ],
        }
        if op["op"] == "schools"
        else op
        for op in history
    ]
