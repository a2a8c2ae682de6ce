"""Lines of visits as signals see them: all of a school, or of a monitor, in order of time.

Owns the statements that read along a line; how much of it is needed is left to `reach`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from services.ingest.trust.rows import Place
from services.ingest.trust.signals import Sighting
from services.ingest.trust.tables import SightingRow
from services.ingest.trust.traits import Answers, Spot
from shared.db.transaction import Tx

_TABLE = str(SightingRow.__tablename__)
_JUDGED = "standing IN ('standing','excluded')"
_ORDER = "at,visit_id,source"
_DOWN = "at DESC,visit_id DESC,source DESC"
_ANSWERS = msgspec.json.Decoder(Answers)
_NOTHING = Answers()
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit on a line, and what is stored of the line's signals by column."""

    visit: Sighting
    stored: dict[str, str]


@dataclass(frozen=True)
class Lines:
    """A kind of lines: what names one, what is read of a visit, which signals look along it."""

    names: tuple[str, ...]
    read: tuple[str, ...]
    columns: tuple[str, ...]
    build: Callable[[Any], Seen]

    @property
    def select(self) -> str:
        """The head of a query for visits; the line's name comes last."""
        return f"SELECT {','.join((*self.read, *self.columns, *self.names))} FROM {_TABLE} WHERE "

    def _any(self) -> str:
        return " AND ".join(f"{name} = ANY(${n}::text[])" for n, name in enumerate(self.names, 1))

    async def lengths(self, tx: Tx, lines: Sequence["Line"]) -> dict["Line", int]:
        """How many visits each line has."""
        found: dict[Line, int] = {}
        for some in _parts(lines):
            named = ",".join(self.names)
            rows = await tx.fetch(
                f"SELECT {named},count(*) FROM {_TABLE} WHERE {self._any()} GROUP BY {named}",
                *(sorted(set(column)) for column in zip(*(o.values for o in some), strict=True)),
            )
            found |= {Line(self, tuple(row)[:-1]): row[len(self.names)] for row in rows}
        return found

    async def whole(self, tx: Tx, lines: Sequence["Line"]) -> dict["Line", list[Seen]]:
        """All visits of each line, in order."""
        found: dict[tuple[str, ...], list[Seen]] = {line.values: [] for line in lines}
        width = len(self.names)
        for some in _parts(lines):
            rows = await tx.fetch(
                f"{self.select}{self._any()} AND {_JUDGED} ORDER BY {_ORDER}",
                *(sorted(set(column)) for column in zip(*(o.values for o in some), strict=True)),
            )
            for row in rows:
                visits = found.get(tuple(row[-width:]))
                if visits is not None:
                    visits.append(self.build(row))
        return {line: found[line.values] for line in lines}


def _parts(lines: Sequence["Line"]) -> list[list["Line"]]:
    """Lines by the hundred; monitors of one source at a time, as ids repeat among sources."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(line.values[:-1], []).append(line)
    return [
        group[start : start + _AT_ONCE]
        for group in groups.values()
        for start in range(0, len(group), _AT_ONCE)
    ]


@dataclass(frozen=True)
class Line:
    """One line: a school's, or a monitor's."""

    kind: Lines
    values: tuple[str, ...]
    more: str = ""

    def located(self) -> "Line":
        """Only those of its visits whose place is known."""
        return Line(self.kind, self.values, " AND lat IS NOT NULL")

    def _head(self) -> str:
        named = " AND ".join(f"{name} = ${n}" for n, name in enumerate(self.kind.names, 1))
        return f"{self.kind.select}{named}{self.more} AND {_JUDGED} AND (at,visit_id,source) "

    async def around(self, tx: Tx, first: Place, last: Place, most: int) -> list[Seen]:
        """Its visits from one place to another, and up to `most` on each side, in order."""
        head, width = self._head(), len(self.values)
        one = "(${},${},${})".format(*range(width + 1, width + 4))
        two = "(${},${},${})".format(*range(width + 4, width + 7))
        rows = await tx.fetch(
            f"SELECT * FROM ({head} < {one} ORDER BY {_DOWN} LIMIT {most}) AS a "
            f"UNION ALL SELECT * FROM ({head} >= {one} AND (at,visit_id,source) <= {two}) AS b "
            f"UNION ALL SELECT * FROM ({head} > {two} ORDER BY {_ORDER} LIMIT {most}) AS c",
            *self.values,
            *first,
            *last,
        )
        return sorted(map(self.kind.build, rows), key=lambda seen: seen.visit.place)

    async def beyond(self, tx: Tx, place: Place, most: int, *, back: bool) -> list[Seen]:
        """Its next visits before (`back`) or after a place, the nearest first."""
        width = len(self.values)
        one = "(${},${},${})".format(*range(width + 1, width + 4))
        order = f"< {one} ORDER BY {_DOWN}" if back else f"> {one} ORDER BY {_ORDER}"
        rows = await tx.fetch(f"{self._head()}{order} LIMIT {most}", *self.values, *place)
        return [self.kind.build(row) for row in rows]


def _of_school(row: Any) -> Seen:
    visit_id, source, at, standing, counted, answers, found, *_ = row
    visit = Sighting(
        visit_id=visit_id,
        source=source,
        at=at,
        standing=standing == "standing",
        counted=bool(counted),
        rounded=False,
        spot=None,
        answers=_ANSWERS.decode(answers),
    )
    return Seen(visit, {"jumps": found})


def _of_monitor(row: Any) -> Seen:
    visit_id, source, at, standing, rounded, lat, lon, accuracy, hours, speed, *_ = row
    visit = Sighting(
        visit_id=visit_id,
        source=source,
        at=at,
        standing=standing == "standing",
        counted=False,
        rounded=bool(rounded),
        spot=None if lat is None or lon is None else Spot(lat, lon, accuracy or 0),
        answers=_NOTHING,
    )
    return Seen(visit, {"hours": hours, "speed": speed})


_VISIT = ("visit_id", "source", "at", "standing")
SCHOOLS = Lines(("school_code",), (*_VISIT, "counted", "answers"), ("jumps",), _of_school)
MONITORS = Lines(
    ("source", "monitor_id"),
    (*_VISIT, "rounded", "lat", "lon", "accuracy_m"),
    ("hours", "speed"),
    _of_monitor,
)
