"""What became of one unit or school: its records in order, and who came before and after it.

Owns the assembling of a history from dated records; pure. Reading them is left to `chronicle`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from services.ingest.registry.book import Dated, Records, entry_on
from services.ingest.registry.versions import in_force
from services.ingest.registry.wording import changes
from shared.domain.days import day_date

Document = dict[str, Any]
Replaced = Mapping[int, Sequence[Document]]
Seen = Callable[[str], bool]


def versions(records: Sequence[tuple[int, Document]], replaced: Replaced) -> list[Document]:
    """The records of one unit or school in order, each with its days and what it changed.

    `replaced` are by day the records that stood there before and were corrected, oldest first.
    """
    told: list[Document] = []
    before: Document | None = None
    for place, (day, record) in enumerate(records):
        following = records[place + 1][0] if place + 1 < len(records) else None
        told.append(
            {
                **record,
                "valid_from": _iso(day),
                "holds_until": None if following is None else _iso(following - 1),
                "changes": changes(before, record),
                "replaced": list(replaced.get(day, ())),
            }
        )
        before = record
    return told


def predecessors(records: Records, unit_id: str, seen: Seen) -> list[Document]:
    """The units that a unit was made from, each with the day and how it was."""
    return [
        _named(records, former, day) | {"how": _how(records, former, unit_id, day)}
        for former, day in _from(records[unit_id])
        if former in records and seen(former)
    ]


def successors(records: Records, unit_id: str, seen: Seen) -> list[Document]:
    """The units that were made from a unit, each with the day and how it was."""
    found = [
        (day, other)
        for other, dated in records.items()
        for former, day in _from(dated)
        if former == unit_id and seen(other)
    ]
    return [
        _named(records, other, day) | {"how": _how(records, unit_id, other, day)}
        for day, other in sorted(found)
    ]


def movements(records: Records, unit_id: str, seen: Seen) -> tuple[list[Document], list[Document]]:
    """The units that came to stand directly under a unit, and those that left it, by day."""
    joined: list[tuple[int, str, str | None]] = []
    left: list[tuple[int, str, str | None]] = []
    for other, dated in records.items():
        for earlier, later in pairwise(dated):
            was, now = earlier.content.above, later.content.above
            if was != now and unit_id in {was, now} and seen(other):
                if now == unit_id:
                    joined.append((later.day, other, was))
                else:
                    left.append((later.day, other, now))
    return (
        [
            _named(records, other, day) | {"from": was}
            for day, other, was in sorted(joined, key=str)
        ],
        [_named(records, other, day) | {"to": now} for day, other, now in sorted(left, key=str)],
    )


def _from(dated: Dated) -> Iterator[tuple[str, int]]:
    """Each predecessor with the day of the first record that names it."""
    told: set[str] = set()
    for version in dated:
        for former in version.content.predecessors or ():
            if former not in told:
                told.add(former)
                yield former, version.day


def _how(records: Records, former: str, later: str, day: int) -> str:
    """`split` when the former unit goes on, `merge` when it went into one that had others too."""
    standing = in_force(records[former], day)
    if standing is not None and not standing.content.ended(day):
        return "split"
    existed = records[later][0].day < day
    several = len(entry_on(records, later, day).predecessors or ()) > 1
    return "merge" if existed or several else "replacement"


def _named(records: Records, unit_id: str, day: int) -> Document:
    entry = entry_on(records, unit_id, day)
    return {"unit_id": unit_id, "name": entry.name, "level": entry.level, "on": _iso(day)}


def _iso(day: int) -> str:
    return day_date(day).isoformat()
