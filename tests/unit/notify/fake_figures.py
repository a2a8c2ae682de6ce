"""A stand-in for the indicators service: units in a small tree and figures over visits in memory.

Owns the same questions the real service answers (days, `since`, `received_until`, revisions); its
statistics are simple (every answer counts alone), its wire form is the real one.
"""

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import unquote

import httpx

from services.notify import words
from shared.clock import Clock, micros, rfc3339
from shared.domain.intervals import wilson

TREE = {
    "PK-BA": (None, "province", "Balochistan", "بلوچستان"),
    "KAL": ("PK-BA", "district", "Kalat", "قلات"),
    "MAS": ("PK-BA", "district", "Mastung", "مستونگ"),
    "KAL-1": ("KAL", "cluster", "GHS Kalat Town", "گورنمنٹ ہائی سکول قلات"),
}


@dataclass(frozen=True)
class Visit:
    unit: str
    school: str
    day: date
    received: int
    present: int
    posted: int
    withdrawn: bool = False


class FakeFigures:
    """Answers like indicators; `away` makes every call fail as a dead service would."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.visits: list[Visit] = []
        self.away = False
        self.without_figures: set[str] = set()
        self.lag = 0
        """How far `as_of` is behind the clock (µs), though later visits are in the figures."""
        self.calls: list[httpx.Request] = []

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.MockTransport(self.answer), base_url="http://indicators"
        )

    def post(self, unit: str, day: date, present: int, *, posted: int = 10, count: int = 1) -> None:
        """Receive visits, each to another school and one microsecond later than the one before."""
        now = micros(self.clock.now())
        for _ in range(count):
            number = len(self.visits)
            received = max([now, *(visit.received + 1 for visit in self.visits)])
            school = f"{unit}-{number}"
            self.visits.append(Visit(unit, school, day, received, present, posted))

    def correct(self, numbers: list[int], present: int) -> None:
        """Correct visits: later revisions of what was received when it was."""
        for number in numbers:
            self.visits[number] = replace(self.visits[number], present=present)

    def withdraw(self, numbers: list[int]) -> None:
        for number in numbers:
            self.visits[number] = replace(self.visits[number], withdrawn=True)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.away:
            raise httpx.ConnectError("away", request=request)
        parts = [unquote(part) for part in request.url.raw_path.decode().split("?")[0].split("/")]
        if parts[2] == "indicators":
            return httpx.Response(200, json={"indicators": CATALOGUE})
        if parts[3] not in TREE or (parts[-1] == "figures" and parts[3] in self.without_figures):
            body = {"type": "/problems/not_found", "detail": "no such unit"}
            return httpx.Response(404, json=body)
        if parts[-1] == "figures":
            return httpx.Response(200, json=self._figures(parts[3], dict(request.url.params)))
        return httpx.Response(200, json=_unit(parts[3]))

    def _figures(self, unit: str, asked: dict[str, str]) -> dict[str, object]:
        first, last = (date.fromisoformat(day) for day in asked["period"].split(".."))
        until = asked.get("received_until")
        chosen = [
            visit
            for visit in self.visits
            if unit in _path(visit.unit)
            and first <= visit.day <= last
            and not visit.withdrawn
            and (until is None or rfc3339(visit.received) <= until)
        ]
        up, down = sum(v.present for v in chosen), sum(v.posted for v in chosen)
        interval = wilson(up / down, down, float(asked["confidence"])) if down else None
        figure: dict[str, object] = {
            "indicator": "teacher_attendance",
            "split": None,
            "value": up / down if down else None,
            "numerator": up,
            "denominator": down,
            "visits": len(chosen),
            "schools": len({v.school for v in chosen}),
            "interval": interval,
            "n_eff": float(down) if down else None,
            "state": "value" if down else "not_measured",
            "reliable": True,
            "definition": 1,
        }
        if "since" in asked:
            figure["new_visits"] = sum(rfc3339(v.received) > asked["since"] for v in chosen)
        as_of = max([micros(self.clock.now()), *(visit.received for visit in self.visits)])
        if self.lag:
            as_of = micros(self.clock.now()) - self.lag
        newest = max((v.day for v in chosen), default=None)
        return {
            "unit": unit,
            "as_of": rfc3339(as_of),
            "visits": len(chosen),
            "schools_visited": len({v.school for v in chosen}),
            "schools_registered": 100,
            "coverage": 0.5,
            "newest_visit": None if newest is None else newest.isoformat(),
            "figures": [figure],
        }


def _defined(code: str, unit: str, splits: tuple[str, ...] = ()) -> dict[str, object]:
    """A row of the catalogue, as far as notify reads it; the real one tells its own names."""
    return {
        "code": code,
        "unit": unit,
        "labels": {},
        "short": words.INDICATORS.get(code, {}),
        "shown": "always",
        "by": ["school_level"],
        "definition": 1,
        "versions": [1],
        "splits": [{"split": split} for split in splits],
    }


CATALOGUE = [
    _defined("teacher_attendance", "share", ("male", "female")),
    _defined("student_attendance", "share", ("boys", "girls")),
    _defined("visits_made", "count"),
]


def _path(unit: str) -> list[str]:
    found = [unit]
    while (parent := TREE[found[-1]][0]) is not None:
        found.append(parent)
    return found


def _unit(unit_id: str) -> dict[str, object]:
    parent, level, name, urdu = TREE[unit_id]
    chain = [
        {
            "unit_id": above,
            "name": TREE[above][2],
            "names": {"ur": TREE[above][3]},
            "level": TREE[above][1],
        }
        for above in _path(unit_id)[1:]
    ]
    return {"unit_id": unit_id, "name": name, "names": {"ur": urdu}, "level": level,
            "parent_id": parent, "chain": chain}  # fmt: skip
