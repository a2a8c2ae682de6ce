"""Schools that resemble themselves, and the nights that find out how much.

Owns a cluster whose schools differ, the fixture of a deployment on either database, and the
questions about intervals that several tests ask.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.indicators.definition_file import shipped
from services.indicators.nightly import Nightly
from services.indicators.registry_store import Registers
from tests.support.embedded import Embedded, embedded

LOCAL = ZoneInfo("Asia/Karachi")
SCHOOLS = 44
ASKED = {"period": "last-365-days", "ending": "2019-06-03"}


BOTH = pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    more: dict[str, Any] = {"services": ["ingest", "indicators"]}
    if getattr(request, "param", "sqlite") == "postgresql":
        more |= {
            "database_url": request.getfixturevalue("postgres_url"),
            "unsafe_durability": True,
        }
    async with embedded(tmp_path, **more) as made:
        yield made


async def filled(house: Embedded, schools: int = SCHOOLS) -> None:
    """A cluster whose schools differ much: some nearly empty, some nearly full."""
    unit = {"unit_id": "C", "level": "cluster", "name": "C", "valid_from": "2018-01-01"}
    (await house.client.put("/v1/units", json=[unit])).raise_for_status()
    named = [
        {
            "school_code": f"S{number:03}",
            "name": f"School {number}",
            "unit_id": "C",
            "gender": "mixed",
            "status": "open",
            "valid_from": "2018-01-01",
        }
        for number in range(schools)
    ]
    (await house.client.put("/v1/schools", json=named)).raise_for_status()
    luck, visits = Random(5), []
    for number in range(schools):
        rate, pupils = luck.betavariate(1.4, 0.6), luck.randint(20, 60)
        for month in luck.sample(range(1, 6), 1 + number % 3):
            present = sum(luck.random() < rate for _ in range(pupils))
            usable = luck.randint(0, 4)
            visits.append(
                {
                    "visit_id": str(UUID(int=luck.getrandbits(128), version=4)),
                    "school_code": f"S{number:03}",
                    "visited_at": f"2019-{month:02}-11T09:40:00+05:00",
                    "status": "open",
                    "students": {"boys": {"present": present, "enrolled": pupils}},
                    "rooms": {"available": 4, "usable": usable},
                }
            )
    answer = await house.client.post("/v1/visits/batch", json=visits)
    assert answer.json()["accepted"] == len(visits)
    await house.drain()


def at(house: Embedded, moment: str) -> None:
    house.clock.at = datetime.fromisoformat(moment).replace(tzinfo=LOCAL)


async def night(house: Embedded, moment: str = "2019-06-04T02:30:00") -> None:
    """Let a night be estimated, and the moment pass until answers are as of after it."""
    at(house, moment)
    await house.drain()
    house.clock.advance(timedelta(seconds=2))


def nightly(house: Embedded) -> Nightly:
    return Nightly(
        house.platform.database("indicators"),
        house.platform.database("ingest"),
        Registers(),
        shipped(),
        house.clock,
        LOCAL,
        house.settings.look_back_days,
    )


async def resemblance(house: Embedded, **asked: Any) -> tuple[str | None, dict[str, Any]]:
    answer = (await house.client.get("/v1/resemblance", params=asked)).json()
    return answer["version"], {each["indicator"]: each for each in answer["indicators"]}


async def students(house: Embedded, **asked: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = await house.client.get("/v1/units/C/figures", params=ASKED | asked)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    figure = next(
        each
        for each in document["figures"]
        if (each["indicator"], each["split"]) == ("student_attendance", None)
    )
    return document, figure
