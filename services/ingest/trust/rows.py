"""A visit's row of sightings: made from the ledger, compared, and read as a Sighting; pure.

Owns the columns and which of them are the signals' results. Statements are left to `store`.
"""

from dataclasses import dataclass, fields
from typing import Any

import msgspec

from services.ingest.trust.signals import Sighting
from services.ingest.trust.traits import Answers, Spot

Key = tuple[str, str]
Place = tuple[int, str, str]
_ANSWERS = msgspec.json.Decoder(Answers)
_LIST = msgspec.json.Decoder(list[str])
_NONE = "[]"


@dataclass(slots=True)
class Row:
    """One row of sightings; see `tables.SightingRow` for the columns."""

    visit_id: str
    source: str
    revision: int
    form_revision: int
    school_code: str
    monitor_id: str | None
    at: int
    day: int
    received_at: int
    standing: str
    kind: str
    status: str
    rounded: int
    minutes: int | None
    lat: int | None
    lon: int | None
    accuracy_m: int | None
    answers: str
    marks: str
    facts: str
    counted: int
    own: str = _NONE
    speed: str = _NONE
    hours: str = _NONE
    jumps: str = _NONE
    shared: str = _NONE
    flags: str = _NONE
    state: str = ""

    @property
    def key(self) -> Key:
        """The visit's identity, id first."""
        return self.visit_id, self.source

    @property
    def place(self) -> Place:
        """Where it comes among visits."""
        return self.at, self.visit_id, self.source

    @property
    def circle(self) -> str:
        """The visits that are this one sent again; without a monitor it is alone."""
        if self.monitor_id is None:
            return f"{self.source}/{self.visit_id}"
        return f"{self.day}/{len(self.school_code)}/{self.school_code}/{self.monitor_id}"

    @property
    def judged(self) -> bool:
        """Whether signals may flag it: it stands, or a reviewer excluded it."""
        return self.standing in ("standing", "excluded")

    def mark_list(self) -> list[str]:
        """Its photographs and sets of answers."""
        return [] if self.marks == _NONE else _LIST.decode(self.marks)

    def sighting(self) -> Sighting:
        """The visit as the signals see it."""
        spot = None
        if self.lat is not None and self.lon is not None:
            spot = Spot(self.lat, self.lon, self.accuracy_m or 0)
        return Sighting(
            visit_id=self.visit_id,
            source=self.source,
            at=self.at,
            standing=self.standing == "standing",
            counted=bool(self.counted),
            rounded=bool(self.rounded),
            spot=spot,
            answers=_ANSWERS.decode(self.answers),
        )

    def merge(self) -> None:
        """Put all its flags together."""
        parts = [self.own, self.speed, self.hours, self.jumps, self.shared]
        inner = [part[1:-1] for part in parts if part != _NONE]
        self.flags = f"[{','.join(inner)}]"

    def values(self) -> tuple[Any, ...]:
        """The row in the order of `COLUMNS`."""
        return tuple([getattr(self, name) for name in COLUMNS])


COLUMNS = tuple(field.name for field in fields(Row))
