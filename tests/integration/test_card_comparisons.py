"""Cards of a real deployment beside their past: periods of every kind, same schools, distances.

The numbers are worked out by hand; through the whole application on SQLite.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_figures_api import World, pupils
from tests.support.embedded import embedded

TARGET = {
    "indicator": "student_attendance",
    "split": None,
    "unit_id": "D1",
    "from": "2018-01-01",
    "to": "2019-12-31",
    "baseline": 0.4,
    "target": 0.9,
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with embedded(tmp_path, services=["ingest", "indicators", "reports"]) as running:
        made = World(running)
        await made.register()
        (await made.client.put("/v1/targets", json=[TARGET])).raise_for_status()
        yield made


async def card(world: World, unit_id: str = "D1", **asked: Any) -> tuple[dict[str, Any], Any]:
    document = await world.get(f"/v1/cards/{unit_id}", **asked)
    line = next(
        each
        for each in document["figures"]
        if (each["indicator"], each["split"]) == ("student_attendance", None)
    )
    return document, line


async def test_a_rise_that_is_only_other_schools_is_called_so(world: World) -> None:
    # February: the weak school 40 of 100, the strong one 90 of 100: 65 %. March: the strong one
    # alone, 88 of 100. A rise of 23 points, of which the same school: 88 − 90 = −2.
    await world.visit("01001", "2019-02-05", **pupils((40, 100)))
    await world.visit("01002", "2019-02-06", **pupils((90, 100)))
    await world.visit("01002", "2019-03-06", **pupils((88, 100)))
    document, line = await card(world, period="2019-03")
    assert document["previous_period"] == "2019-02"
    assert (line["value"], line["previous_value"], line["change"]) == (0.88, 0.65, 0.23)
    assert (line["same_schools"], line["composition"], line["schools_in_both"]) == (-0.02, 0.25, 1)
    one = await world.get("/v1/units/school:01002/change", period="2019-03")
    students = next(r for r in one["changes"] if r["indicator"] == "student_attendance")
    assert (students["change"], students["same_schools"], students["composition"]) == (
        -0.02,
        -0.02,
        0,
    )
    boys = next(each for each in document["figures"] if each["split"] == "boys")
    assert (boys["change"], boys["same_schools"]) == (0.23, None)


async def test_the_same_month_of_the_year_before(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((50, 100)))
    await world.visit("01001", "2019-03-06", **pupils((80, 100)))
    document, line = await card(world, period="2019-03")
    assert document["year_ago_period"] == "2018-03"
    assert (line["year_ago_value"], line["year_ago_change"]) == (0.5, 0.3)
    assert line["previous_value"] is None
    assert not line["year_ago_clear"], "two visits of one school are no evidence"


async def test_how_far_a_value_is_from_its_target_and_its_path(world: World) -> None:
    await world.visit("01001", "2018-12-31", **pupils((70, 100)))
    _, line = await card(world, period="2018-12")
    assert line["target"] == 0.9
    assert line["distance_to_target"] == -0.2
    assert line["expected"] == pytest.approx(0.4 + 0.5 * 364 / 729, abs=1e-6)
    assert line["distance_to_path"] == pytest.approx(0.7 - line["expected"], abs=2e-6)


async def test_siblings_are_told_by_their_spread_alone(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((50, 100)))
    await world.visit("02001", "2018-03-05", **pupils((80, 100)))
    document, line = await card(world, period="2018-03")
    assert line["siblings"] == {"lowest": 0.5, "middle": 0.65, "highest": 0.8}
    assert (line["rank"]["position"], line["rank"]["of"]) == (2, 2)
    assert "Quetta" not in str(document), "the other district is not named"


async def test_a_school_year_is_the_calendars(world: World) -> None:
    await world.visit("01001", "2018-02-27", **pupils((10, 100)))
    await world.visit("01001", "2018-03-01", **pupils((50, 100)))
    await world.visit("01001", "2019-02-26", **pupils((70, 100)))
    await world.visit("01001", "2019-03-04", **pupils((99, 100)))
    document, line = await card(world, period="school-year-2018")
    assert (document["first"], document["last"]) == ("2018-03-01", "2019-02-28")
    assert (line["numerator"], line["denominator"]) == (120, 200)
    assert document["previous_period"] == document["year_ago_period"] == "school-year-2017"
    assert line["previous_value"] == 0.1
    assert line["change"] == 0.5 == line["same_schools"]
    page = await world.client.get("/units/D1", params={"period": "school-year-2018", "lang": "ur"})
    assert page.status_code == 200
    assert "60%" in page.text

    figure = await world.figure("D1", "student_attendance", period="school-year-2018")
    assert figure["numerator"] == 120
    path = "/v1/units/D1/figures/student_attendance/series"
    series = await world.get(path, period="2018-01..2019-12", by="school-year")
    assert [(step["period"], step["numerator"]) for step in series["series"]] == [
        ("2018-01-01..2018-02-28", 10),
        ("school-year-2018", 120),
        ("2019-03-01..2019-12-31", 99),
    ]


async def test_another_calendar_makes_another_school_year(world: World) -> None:
    await world.visit("01001", "2018-03-01", **pupils((50, 100)))
    await world.visit("01001", "2018-08-02", **pupils((70, 100)))
    before, _ = await card(world, period="school-year-2018")
    held = {
        "If-None-Match": (
            await world.client.get("/v1/units/D1/figures", params={"period": "school-year-2018"})
        ).headers["etag"]
    }
    calendar = await world.get("/v1/calendar")
    kept = {
        name: calendar[name]
        for name in ("name", "weekly_holidays", "hours", "yearly_holidays", "holidays", "zones")
    }
    changed = kept | {"school_year": {"starts": "08-01"}, "valid_from": "2018-01-01"}
    (await world.client.put("/v1/calendar", json=changed)).raise_for_status()
    document, line = await card(world, period="school-year-2018")
    assert before["first"] == "2018-03-01"
    assert (document["first"], document["last"]) == ("2018-08-01", "2019-07-31")
    assert line["value"] == 0.7
    again = await world.client.get(
        "/v1/units/D1/figures", params={"period": "school-year-2018"}, headers=held
    )
    assert again.status_code == 200, "what a school year is has changed, so the answer has"

    unsaid = kept | {"school_year": None, "valid_from": "2018-01-01"}
    (await world.client.put("/v1/calendar", json=unsaid)).raise_for_status()
    refused = await world.client.get("/v1/cards/D1", params={"period": "school-year-2018"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "no_school_year"
    assert refused.json()["errors"][0]["pointer"] == "/query/period"


async def test_periods_that_are_none_are_refused_by_name(world: World) -> None:
    for path, asked, pointer in (
        ("/v1/units/D1/change", {"period": "2019-03", "against": "2019-13"}, "/query/against"),
        ("/v1/units/D1/change", {"period": "school-year-18"}, "/query/period"),
        ("/v1/units/D1/change", {"period": "2019", "most_visits": "0"}, "/query/most_visits"),
        ("/v1/cards/D1", {"period": "school-year-9999"}, "/query/period"),
    ):
        answer = await world.client.get(path, params=asked)
        assert answer.status_code == 422, (path, asked, answer.text)
        assert answer.json()["errors"][0]["pointer"] == pointer


async def page_of(world: World, unit_id: str, **asked: Any) -> Any:
    path = f"/units/{unit_id}/indicators/student_attendance"
    return await world.client.get(path, params={"lang": "en"} | asked)


async def in_depth(world: World) -> None:
    await world.visit("01001", "2019-02-05", **pupils((40, 100)))
    await world.visit("01002", "2019-02-06", **pupils((90, 100)))
    await world.visit("01002", "2019-03-06", **pupils((88, 100)))
    await world.visit("02001", "2019-03-06", **pupils((70, 100)))


def words(page: str) -> str:
    """A page's text without its marks and white space between words."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


async def test_one_indicator_in_depth_in_both_languages(world: World) -> None:
    await in_depth(world)
    english = await page_of(world, "D1", period="2019-03")
    assert english.status_code == 200
    text = words(english.text)
    assert "88 of 100" in text
    assert "+23 ≈ −2 ( 1 in both) +25" in text, "change, same schools, other schools"
    assert "Target 90% : −2 points from it" in text
    assert "Rank 1 of 2 districts (the evidence allows 1 to 2 )" in text
    assert "lowest 70% , middle 79% , highest 88%" in text
    assert "Barshore" in text, "the cluster below, ranked"
    urdu = await page_of(world, "D1", period="2019-03", lang="ur")
    assert 'dir="rtl"' in urdu.text
    assert "وہی اسکول" in words(urdu.text)

    linked = await world.client.get("/units/D1", params={"period": "2019-03", "lang": "en"})
    assert "/units/D1/indicators/student_attendance?period=2019-03" in linked.text


async def test_who_may_see_one_district_learns_no_other_ones_name(world: World) -> None:
    await in_depth(world)
    access = world.running.platform.access
    key, _, _ = await access.create_key("pishin", ["cards:read"], units=["D1"])
    headers = {"Authorization": f"Bearer {key}"}
    path = "/units/{}/indicators/student_attendance"
    asked = {"period": "2019-03", "lang": "en"}
    own = await world.client.get(path.format("D1"), params=asked, headers=headers)
    assert own.status_code == 200
    assert "Quetta" not in own.text
    for unit_id in ("D2", "P", "nowhere"):
        hidden = await world.client.get(path.format(unit_id), params=asked, headers=headers)
        assert hidden.status_code == 404


async def test_an_indicator_nobody_defined_has_no_page(world: World) -> None:
    answer = await world.client.get("/units/D1/indicators/nonsense", params={"period": "2019"})
    assert answer.status_code == 404
