"""A night estimates how alike a school's answers are, and every interval works with it from then.

Through the whole application, in both dialects: what a reader of figures sees before and after.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
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


@BOTH
async def test_a_night_makes_intervals_what_the_schools_are(house: Embedded) -> None:
    await filled(house)
    document, before = await students(house)
    version, used = await resemblance(house)
    assert (document["resemblance"], version) == (None, None)
    assert used["student_attendance"]["icc"] == 0.15
    assert not used["student_attendance"]["estimated"]

    at(house, "2019-06-04T02:30:00")
    await house.drain()
    version, used = await resemblance(house)
    found = used["student_attendance"]
    assert version == "2019-06-04"
    assert (found["estimated"], found["schools"], found["night"]) == (True, SCHOOLS, version)
    assert 0.2 < found["icc"] <= 0.6, "these schools differ more than the constant says"
    assert not used["teacher_attendance"]["estimated"], "nobody was asked about teachers"
    assert used["usable_rooms"]["schools"] == SCHOOLS

    document, after = await students(house)
    assert document["resemblance"] == version
    assert {k: v for k, v in after.items() if k not in {"interval", "n_eff"}} == {
        k: v for k, v in before.items() if k not in {"interval", "n_eff"}
    }, "a night changes no figure"
    assert after["interval"][0] < before["interval"][0]
    mean = after["denominator"] / after["schools"]
    times = [1 + number % 3 for number in range(SCHOOLS)]
    uneven = SCHOOLS * sum(n * n for n in times) / sum(times) ** 2
    effect = 1 + (mean * (1 + found["cv2"]) * uneven - 1) * found["icc"]
    assert after["n_eff"] == pytest.approx(after["denominator"] / effect, rel=1e-6)


@BOTH
async def test_what_was_known_before_the_night_keeps_its_interval(house: Embedded) -> None:
    await filled(house)
    at(house, "2019-06-03T12:00:00")
    moment = {"known_at": "2019-06-03T12:00:00+05:00"}
    _, before = await students(house)
    at(house, "2019-06-04T02:30:00")
    await house.drain()
    document, then = await students(house, **moment)
    assert document["resemblance"] is None
    assert then["interval"] == before["interval"]
    assert (await resemblance(house, **moment))[0] is None


@BOTH
async def test_a_night_is_estimated_once_and_a_missed_one_made_up_for(house: Embedded) -> None:
    await filled(house)
    at(house, "2019-06-03T23:00:00")
    await house.drain()
    assert (await resemblance(house))[0] is None, "not by day on a fresh deployment"
    at(house, "2019-06-04T03:00:00")
    database = house.platform.database("indicators")
    several = [
        Nightly(database, Registers(), shipped(), house.clock, LOCAL, house.settings.look_back_days)
        for _ in range(3)
    ]
    made = await asyncio.gather(*(nightly.drain() for nightly in several))
    assert sum(count > 0 for count in made) == 1, "three at once, one night"
    async with database.reading() as tx:
        rows = await tx.fetch("SELECT night, COUNT(*) FROM resemblances GROUP BY night")
    assert len(rows) == 1
    at(house, "2019-06-05T12:00:00")
    await house.drain()
    assert (await resemblance(house))[0] == "2019-06-04", "one night missed: the next one comes"
    at(house, "2019-06-06T12:00:00")
    await house.drain()
    assert (await resemblance(house))[0] == "2019-06-06", "two missed: made up for by day"


async def test_with_few_schools_the_constants_stay(house: Embedded) -> None:
    await filled(house, schools=12)
    at(house, "2019-06-04T02:30:00")
    await house.drain()
    version, used = await resemblance(house)
    assert version is None
    assert used["student_attendance"]["icc"] == 0.15
    answer = (await house.client.get("/v1/resemblance")).json()
    assert answer["looked_on"] == "2019-06-04"


async def test_an_unchanged_answer_is_told_apart_from_one_of_another_night(
    house: Embedded,
) -> None:
    await filled(house)
    at(house, "2019-06-04T01:30:00")
    first = await house.client.get("/v1/units/C/figures", params=ASKED)
    held = {"If-None-Match": first.headers["etag"]}
    again = await house.client.get("/v1/units/C/figures", params=ASKED, headers=held)
    assert again.status_code == 304
    at(house, "2019-06-04T02:30:00")
    await house.drain()
    after = await house.client.get("/v1/units/C/figures", params=ASKED, headers=held)
    assert after.status_code == 200


async def test_a_rebuild_keeps_the_nights(house: Embedded) -> None:
    await filled(house)
    at(house, "2019-06-04T02:30:00")
    await house.drain()
    _, before = await students(house)
    await house.rebuild()
    await house.drain()
    document, after = await students(house)
    assert (document["resemblance"], after["interval"]) == ("2019-06-04", before["interval"])
