"""Two districts of one deployment: one that keys may see, and one full of canaries.

Owns the data and the words that must never come out; asking is left to the tests. Every fact of the
foreign district has a word of its own, so that an answer which only repeats what was asked for can
be told from one that gives something away.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from shared.access import SCOPES
from tests.support.embedded import Embedded, embedded

OWN = "QTA"
VISIT = "5a5a0000-0000-4000-8000-00000000c0de"
OWN_VISIT = "5a5a0000-0000-4000-8000-000000000001"
WORDS = {
    "district": "ZQDIST",
    "district name": "zqdistname",
    "cluster": "ZQCLUS",
    "cluster name": "zqclusname",
    "school": "ZQSCHOOL",
    "school name": "zqschoolname",
    "visit": VISIT,
    "remarks": "zqremarks",
    "monitor": "zqmonitor",
    "device": "zqdevice",
    "officer": "zqofficer",
    "officer name": "zqofficername",
    "email": "zqmail@example.org",
    "telephone": "3007654321",
    "key": "zqkeyname",
}
UNITS: list[dict[str, Any]] = [
    {"unit_id": "BA", "name": "Province", "level": "province"},
    {"unit_id": OWN, "name": "Quetta", "level": "district", "parent_id": "BA"},
    {"unit_id": "CL-01", "name": "Cluster", "level": "cluster", "parent_id": OWN},
    {
        "unit_id": WORDS["district"],
        "name": WORDS["district name"],
        "level": "district",
        "parent_id": "BA",
    },
    {
        "unit_id": WORDS["cluster"],
        "name": WORDS["cluster name"],
        "level": "cluster",
        "parent_id": WORDS["district"],
    },
]
SCHOOLS: list[dict[str, Any]] = [
    {"school_code": "1001", "name": "Ours", "unit_id": "CL-01"},
    {
        "school_code": WORDS["school"],
        "name": WORDS["school name"],
        "unit_id": WORDS["cluster"],
        "lat": 30.1,
        "lon": 67.1,
    },
]


def visit(visit_id: str, code: str, **more: Any) -> dict[str, Any]:
    """A visit in which half of the pupils and no teacher are present."""
    return {
        "visit_id": visit_id,
        "school_code": code,
        "visited_at": "2019-05-28T09:40:00+05:00",
        "status": "open",
        "students": {"boys": {"enrolled": 40, "present": 20}},
        "teachers": {"male": {"posted": 3, "present": 0}},
        "toilets": {"girls": {"available": 1, "usable": 0}},
        **more,
    }


VISITS = [
    visit(OWN_VISIT, "1001", monitor_id="M-1"),
    visit(
        VISIT,
        WORDS["school"],
        monitor_id=WORDS["monitor"],
        device_id=WORDS["device"],
        remarks=WORDS["remarks"],
        location={"lat": 31.0, "lon": 68.0},
    ),
]
OFFICERS: list[dict[str, Any]] = [
    {
        "officer_id": WORDS["officer"],
        "name": WORDS["officer name"],
        "post": "DEO",
        "language": "en",
        "email": WORDS["email"],
        "phone": "+92" + WORDS["telephone"],
        "channels": ["sms", "email"],
        "postings": [{"unit_id": WORDS["district"], "from": "2018-01-01"}],
    }
]
TARGETS = [{"indicator": "student_attendance", "unit_id": WORDS["district"], "target": 0.8}]


@dataclass
class Aviary:
    """A deployment with canaries, and a key for each role."""

    house: Embedded
    client: httpx.AsyncClient
    keys: dict[str, str] = field(default_factory=dict)
    foreign_key: str = ""

    async def call(
        self, method: str, path: str, role: str | None, body: Any = None, **headers: str
    ) -> httpx.Response:
        """Ask in a role; None is anonymous, `test` may see everything."""
        sent = {"Accept": "*/*"} | headers
        if role is not None:
            key = self.house.key if role == "test" else self.keys[role]
            sent["Authorization"] = f"Bearer {key}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        content = None if body is None else json.dumps(body).encode()
        return await self.client.request(method, path, content=content, headers=sent)

    async def fill(self) -> None:
        """Bring both districts in, and make the keys of the roles."""
        for path, items in (
            ("/v1/units", UNITS),
            ("/v1/schools", SCHOOLS),
            ("/v1/targets", TARGETS),
        ):
            assert (await self.call("PUT", path, "test", items)).status_code == 200
        for form in VISITS:
            assert (await self.call("POST", "/v1/visits", "test", form)).status_code == 201
        await self.house.drain()
        answer = await self.call("PUT", "/v1/officers", "test", OFFICERS)
        assert answer.status_code == 200, answer.text
        access = self.house.platform.access
        foreign = await access.make_key(
            WORDS["key"], ["visits:write"], units=[WORDS["district"]], source="own"
        )
        self.foreign_key = foreign.key.key_id
        roles: dict[str, list[str]] = {scope: [scope] for scope in SCOPES}
        roles["everything but admin"] = [scope for scope in SCOPES if scope != "admin"]
        for role, scopes in roles.items():
            made = await access.make_key(role, scopes, units=[OWN], source="own")
            self.keys[role] = made.words
        wide = await access.make_key("wide", ["admin"], units=["BA"], source="own")
        self.keys["wide"] = wide.words


@asynccontextmanager
async def aviary(folder: Path) -> AsyncIterator[Aviary]:
    """Open a deployment with canaries."""
    async with embedded(folder) as house:
        transport = httpx.ASGITransport(app=house.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://rtsm.example") as client:
            opened = Aviary(house, client)
            await opened.fill()
            yield opened
