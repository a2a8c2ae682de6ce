"""A night estimates how alike a school's answers are, and every interval works with it from then.

Through the whole application, in both dialects: what a reader of figures sees before and after.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.support.embedded import Embedded
from tests.support.nights import (
    ASKED,
    BOTH,
    SCHOOLS,
    at,
    filled,
    house,
    night,
    nightly,
    resemblance,
    students,
)

__all__ = ["house"]


@BOTH
async def test_a_night_makes_intervals_what_the_schools_are(house: Embedded) -> None:
    await filled(house)
    document, before = await students(house)
    version, used = await resemblance(house)
    assert (document["resemblance"], version) == (None, None)
    assert used["student_attendance"]["icc"] == 0.15
    assert not used["student_attendance"]["estimated"]

    await night(house)
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
    await night(house)
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
    several = [nightly(house) for _ in range(3)]
    made = await asyncio.gather(*(nightly.drain() for nightly in several))
    assert sum(count > 0 for count in made) == 1, "three at once, one night"
    async with house.platform.database("indicators").reading() as tx:
        rows = await tx.fetch("SELECT DISTINCT night FROM definition_resemblances")
    assert len(rows) == 1
    await night(house, "2019-06-05T12:00:00")
    assert (await resemblance(house))[0] == "2019-06-04", "one night missed: the next one comes"
    await night(house, "2019-06-06T12:00:00")
    assert (await resemblance(house))[0] == "2019-06-06", "two missed: made up for by day"


async def test_with_few_schools_the_constants_stay(house: Embedded) -> None:
    await filled(house, schools=12)
    await night(house)
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
    await night(house)
    after = await house.client.get("/v1/units/C/figures", params=ASKED, headers=held)
    assert after.status_code == 200


async def test_a_rebuild_keeps_the_nights(house: Embedded) -> None:
    await filled(house)
    await night(house)
    _, before = await students(house)
    await house.rebuild()
    await house.drain()
    document, after = await students(house)
    assert (document["resemblance"], after["interval"]) == ("2019-06-04", before["interval"])
