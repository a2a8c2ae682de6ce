"""The oracle's visits: the latest state of each, and which of them count (02 §3).

Owns the reading of the client's log. An operation is a dict with `op` one of units, schools,
visit, correct, withdraw, restore, review; anything else in a log (replays, refused conflicts)
changes nothing and is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.register import FIRST_DAY, Register, canonical

ZONE = ZoneInfo("Asia/Karachi")
Operation = dict[str, Any]
Form = dict[str, Any]


@dataclass
class Visit:
    """One (source, visit_id) in its latest revision."""

    source: str
    visit_id: str
    received: Any
    form: Form
    withdrawn: bool = False
    excluded: bool = False
    released: bool = False

    @property
    def code(self) -> str:
        return canonical(self.form["school_code"])

    @property
    def instant(self) -> datetime:
        return datetime.fromisoformat(self.form["visited_at"])

    @property
    def day(self) -> date:
        return self.instant.astimezone(ZONE).date()

    @property
    def kind(self) -> str:
        return self.form.get("visit_type") or "routine"


@dataclass
class World:
    """What a log of accepted operations amounts to."""

    register: Register = field(default_factory=Register)
    visits: dict[tuple[str, str], Visit] = field(default_factory=dict)

    def standing(self, visit: Visit) -> bool:
        """Not withdrawn, not excluded, not quarantined and no verification."""
        early = visit.day < FIRST_DAY and not visit.released
        unknown = visit.code not in self.register.schools
        left_out = visit.withdrawn or visit.excluded or early or unknown
        return not left_out and visit.kind != "verification"

    def counted(self) -> list[Visit]:
        """The standing visits without the superseded, in order of (visited_at, visit_id)."""
        best: dict[tuple[Any, ...], Visit] = {}
        for key, visit in self.visits.items():
            if not self.standing(visit):
                continue
            monitor = visit.form.get("monitor_id")
            group = ("alone", *key) if monitor is None else (visit.code, monitor, visit.day)
            rival = best.get(group)
            if rival is None or _later(visit) > _later(rival):
                best[group] = visit
        return sorted(best.values(), key=lambda v: (v.instant, v.visit_id, v.source))


def _later(visit: Visit) -> tuple[Any, str]:
    return visit.received, visit.visit_id


def replay(history: list[Operation], known_at: datetime | None = None) -> World:
    """Read the log in order. `received` of a visit defaults to its place in the log.

    With `known_at` only what had been `recorded` by then: the rest has not been said yet.
    """
    world = World()
    for place, operation in enumerate(history):
        if known_at is not None and datetime.fromisoformat(operation["recorded"]) > known_at:
            continue
        kind = operation["op"]
        if kind in ("units", "schools"):
            put_on = operation.get("day") or FIRST_DAY
            put_on = date.fromisoformat(put_on) if isinstance(put_on, str) else put_on
            for record in operation["items"]:
                put = world.register.put_unit if kind == "units" else world.register.put_school
                put(record, put_on)
        elif kind in ("visit", "correct", "withdraw", "restore", "review"):
            _apply(world, operation, place)
    return world


def _apply(world: World, operation: Operation, place: int) -> None:
    key = (operation.get("source") or "", operation["visit_id"].lower())
    kind = operation["op"]
    if kind == "visit":
        received = operation.get("received", place)
        world.visits[key] = Visit(*key, received=received, form=operation["form"])
        return
    visit = world.visits[key]
    if kind == "withdraw":
        visit.withdrawn = True
    elif kind in ("correct", "restore"):
        day = visit.day
        visit.form = operation["form"]
        if visit.day != day:  # whoever released the visit released the day it had then
            visit.released = False
        visit.withdrawn = False
    elif operation["decision"] == "release":
        visit.released = True
    else:
        visit.excluded = operation["decision"] == "exclude"
