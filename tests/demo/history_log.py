"""The demonstration as a log for the oracle: what was sent, without what figures never use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from demo.visits import Arrival, History

_OF_NO_ACCOUNT = ("location", "photos", "remarks", "facilities", "device_id", "ended_at")


def operations(history: History) -> Iterator[dict[str, Any]]:
    """Every accepted operation in the order of sending; replays are left out."""
    register = history.register
    start = "2018-01-01"
    yield {"op": "units", "items": register.unit_bodies(), "day": start}
    yield {"op": "schools", "items": list(register.school_bodies()), "day": start}
    posted: set[tuple[str, str]] = set()
    for arrival in history.arrivals():
        if arrival.kind == "school":
            day = arrival.at.date().isoformat()
            yield {"op": "schools", "items": [arrival.body], "day": day}
        elif arrival.kind != "visit":
            yield _amendment(arrival)
        elif (key := (arrival.source, arrival.visit_id)) not in posted:
            posted.add(key)
            yield _named(arrival) | {"op": "visit", "form": _measured(arrival)}


def _amendment(arrival: Arrival) -> dict[str, Any]:
    if arrival.kind == "withdrawal":
        return _named(arrival) | {"op": "withdraw"}
    return _named(arrival) | {"op": "correct", "form": _measured(arrival)}


def _named(arrival: Arrival) -> dict[str, Any]:
    return {"source": arrival.source, "visit_id": arrival.visit_id}


def _measured(arrival: Arrival) -> dict[str, Any]:
    assert arrival.body is not None
    return {name: part for name, part in arrival.body.items() if name not in _OF_NO_ACCOUNT}
