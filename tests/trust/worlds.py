"""Random small worlds in which the signals meet: few schools, monitors, days and photographs.

Owns the making of forms and of histories (posts, corrections, withdrawals, reviews, facts of the
register), and playing them against a running deployment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tests.support.embedded import Embedded
from tests.support.intake import UNITS, school
from tests.trust.brute import PAKISTAN, Known, Points

_FIRST = datetime(2018, 3, 5, 8, 0, tzinfo=PAKISTAN)
_PLACES = [(30.0, 67.0), (30.0, 67.004), (30.4, 67.0), (31.5, 66.0)]
SOURCES = ("own", "partner")


def _answers(kind: int) -> dict[str, Any]:
    """One of a few large sets of answers."""
    return {
        "students": {
            "boys": {"enrolled": 40 + 20 * kind, "present": 30 + kind},
            "girls": {"enrolled": 30, "present": 21 - kind},
        },
        "teachers": {"male": {"posted": 2 + 2 * kind, "present": 2}},
        "rooms": {"available": 4 - kind, "usable": 2},
        "environment": {"lesson_plan": "yes", "clean": "no", "seating": "yes", "textbooks": "no"},
    }


@dataclass
class World:
    """What was sent so far, and how it stands."""

    random: Random
    name: str
    days: int = 5
    visits: dict[str, Known] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    points: Points = field(default_factory=dict)

    def code(self, number: int) -> str:
        return f"{self.name}{number}"

    def _digest(self, number: int) -> str:
        return hashlib.sha256(self.code(number).encode()).hexdigest()

    def form(self) -> dict[str, Any]:
        """A valid form."""
        random = self.random
        minutes = random.choice([0, 30, 60, 60, 90, 120, 47, 61])
        at = _FIRST + timedelta(days=random.randrange(self.days), minutes=minutes)
        form: dict[str, Any] = {
            "school_code": self.code(random.choice([1, 1, 1, 2, 3, 4])),
            "visited_at": at.isoformat(),
            "status": "open",
        }
        if random.random() < 0.85:
            form["monitor_id"] = f"{self.name}-{random.choice('MMMN')}"
        if random.random() < 0.15:
            form["visit_type"] = "verification"
        if random.random() < 0.4:
            lat, lon = random.choice(_PLACES)
            form["location"] = {"lat": lat, "lon": lon}
            if random.random() < 0.5:
                form["location"]["accuracy_m"] = random.choice([10, 300])
        if random.random() < 0.3:
            pool = [self._digest(random.randrange(3)) for _ in range(2)]
            form["photos"] = [random.choice([digest, digest.upper()]) for digest in pool]
        if random.random() < 0.3:
            form |= _answers(random.randrange(3))
        else:
            form |= self._counts()
        return form

    def _counts(self) -> dict[str, Any]:
        random = self.random
        form: dict[str, Any] = {}
        cells = random.choice([("boys",), ("girls",), ("boys", "girls"), ("unspecified",), ()])
        if cells:
            form["students"] = {
                c: {"enrolled": random.choice([0, 10, 14, 15, 40]), "present": 0} for c in cells
            }
        staff = random.choice([("male",), ("female", "male"), ("unspecified",), ()])
        if staff:
            form["teachers"] = {s: {"posted": random.choice([0, 1, 2, 3])} for s in staff}
        if random.random() < 0.5:
            form["rooms"] = {"available": random.randrange(2, 5)}
        return form

    async def step(self, house: Embedded) -> None:
        """Do one random thing."""
        kinds = ["post"] * 5 + ["correct", "correct", "withdraw", "restore", "review", "register"]
        kind = self.random.choice(kinds)
        known = sorted(self.visits)
        if kind == "post" or not known:
            await self._post(house)
        elif kind == "register":
            await self._register(house)
        else:
            await getattr(self, f"_{kind}")(house, self.random.choice(known))

    async def begin(self, house: Embedded) -> None:
        """Register three of the four schools, two of them with their points."""
        await _ok(house.client.put("/v1/units", json=UNITS))
        self.points = {self.code(1): _PLACES[0], self.code(2): _PLACES[2], self.code(3): None}
        items = [self._school(code) for code in self.points]
        await _ok(house.client.put("/v1/schools", json=items))

    def _school(self, code: str) -> dict[str, Any]:
        point = self.points[code]
        where = {} if point is None else {"lat": point[0], "lon": point[1]}
        return school(code, valid_from="2018-01-01", **where)

    async def _post(self, house: Embedded) -> None:
        visit_id = str(UUID(int=self.random.getrandbits(128), version=4))
        source = self.random.choice(SOURCES)
        form = self.form() | {"visit_id": visit_id, "source": source}
        await _ok(house.client.post("/v1/visits", json=form))
        self.visits[visit_id] = Known(form, source, len(self.visits))
        self.revisions[visit_id] = 1

    async def _put(self, house: Embedded, visit_id: str, form: dict[str, Any]) -> None:
        known = self.visits[visit_id]
        answer = await house.client.put(
            f"/v1/visits/{visit_id}",
            params={"source": known.source},
            json=form,
            headers={"If-Match": f'"{self.revisions[visit_id]}"'},
        )
        assert answer.status_code == 200, answer.text
        self.revisions[visit_id] = answer.json()["revision"]
        status = answer.json()["status"]
        known.form, known.standing = form, "excluded" if status == "excluded" else "standing"

    async def _correct(self, house: Embedded, visit_id: str) -> None:
        known = self.visits[visit_id]
        form = self.form() | {"visit_id": visit_id, "source": known.source}
        await self._put(house, visit_id, form)

    async def _restore(self, house: Embedded, visit_id: str) -> None:
        if self.visits[visit_id].standing == "withdrawn":
            await self._put(house, visit_id, self.visits[visit_id].form)

    async def _withdraw(self, house: Embedded, visit_id: str) -> None:
        known = self.visits[visit_id]
        answer = await house.client.delete(
            f"/v1/visits/{visit_id}", params={"source": known.source}
        )
        assert answer.status_code == 200, answer.text
        self.revisions[visit_id] = answer.json()["revision"]
        known.standing = "withdrawn"

    async def _review(self, house: Embedded, visit_id: str) -> None:
        known = self.visits[visit_id]
        if known.standing == "withdrawn":
            return
        decision = self.random.choice(["exclude", "include"])
        answer = await house.client.post(
            f"/v1/visits/{visit_id}/review",
            params={"source": known.source},
            json={"decision": decision},
        )
        assert answer.status_code == 200, answer.text
        self.revisions[visit_id] = answer.json()["revision"]
        known.standing = "excluded" if decision == "exclude" else "standing"

    async def _register(self, house: Embedded) -> None:
        code = self.code(self.random.randrange(1, 5))
        self.points[code] = self.random.choice([*_PLACES, None])
        await _ok(house.client.put("/v1/schools", json=[self._school(code)]))


async def drain(house: Embedded) -> None:
    """Let the consumers of ingest alone handle what is waiting."""
    for service in house.app.state.running.services:
        if service.name == "ingest":
            for handle in (*(c.drain for c in service.consumers), *service.drains):
                await handle()


async def _ok(asked: Any) -> None:
    answer = await asked
    assert answer.is_success, answer.text
