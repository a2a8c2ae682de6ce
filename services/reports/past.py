"""What became of a unit, told line by line from its history in the register (pure).

Owns which lines there are and their order; words are left to `texts`, reading to `register`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
_TOLD_ELSEWHERE = {"created", "renamed", "moved", "predecessors_changed"}


@dataclass(frozen=True, slots=True)
class Event:
    """One line: the day, the key of its words, what fills them, and the units that it names."""

    day: str
    key: str
    values: Mapping[str, str]
    units: tuple[str, ...] = ()


def events(history: Document) -> tuple[Event, ...]:
    """The lines of a unit's history, the newest first."""
    made = {each["on"] for each in history["predecessors"]}
    told = [*_versions(history["versions"], made), *_kin(history)]
    return tuple(sorted(told, key=lambda event: event.day, reverse=True))


def mentioned(history: Document, lines: Iterable[Event]) -> tuple[set[str], dict[str, str]]:
    """The ids of all units that the lines name, and the names that the history itself tells."""
    ids = {unit for line in lines for unit in line.units}
    kin = ("predecessors", "successors", "joined", "left")
    return ids, {each["unit_id"]: each["name"] for key in kin for each in history[key]}


def _versions(versions: Iterable[Document], made: set[str]) -> Iterator[Event]:
    before: Document = {}
    for version in versions:
        day, words = version["valid_from"], version["changes"]
        if "created" in words and day not in made:
            yield Event(day, "past.created", {})
        if "renamed" in words and version["name"] != before.get("name"):
            values = {"before": before["name"], "after": version["name"]}
            yield Event(day, "past.renamed", values)
        if "moved" in words and version["parent_id"] is not None:
            yield Event(day, "past.moved", {}, (version["parent_id"],))
        for word in words:
            if word not in _TOLD_ELSEWHERE:
                ended = word == "ended"
                yield Event(version["valid_to"] if ended else day, f"past.{word}", {})
        for former in version["replaced"]:
            values = {"name": former["name"], "moment": former["recorded_at"]}
            yield Event(day, "past.replaced", values)
        before = version


def _kin(history: Document) -> Iterator[Event]:
    for each in history["predecessors"]:
        yield Event(each["on"], f"past.from_{each['how']}", {}, (each["unit_id"],))
    for each in history["successors"]:
        yield Event(each["on"], f"past.to_{each['how']}", {}, (each["unit_id"],))
    for each in history["joined"]:
        yield Event(each["on"], "past.joined", {}, (each["unit_id"],))
    for each in history["left"]:
        yield Event(each["on"], "past.left", {}, (each["unit_id"],))
