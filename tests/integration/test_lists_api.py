"""The named lists as the outside sees them: sizes, one list, CSV, refusals, scopes."""

import base64
import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.embedded import embedded
from tests.support.small_register import World, school, unit

UNITS = [
    ("P", "province", None),
    *(("D1", "district", "P"), ("D2", "district", "P")),
    *(("C1", "cluster", "D1"), ("C2", "cluster", "D2")),
]
SCHOOLS = [("01001", "C1", "=2+5"), ("01002", "C1", "Barshore"), ("02001", "C2", "Sariab")]
ON = {"period": "2018-03"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Three schools in two districts."""
    async with embedded(tmp_path, services=["ingest", "indicators"]) as running:
        made = World(running)
        await made.register(
            [unit(unit_id, level, above, f"Unit {unit_id}") for unit_id, level, above in UNITS],
            [school(code, cluster, "girls", name=name) for code, cluster, name in SCHOOLS],
        )
        yield made


def teachers(posted: int, present: int, **more: int) -> dict[str, Any]:
    return {"teachers": {"male": {"posted": posted, "present": present} | more}}


async def test_sizes_stand_beside_the_figures_they_explain(world: World) -> None:
    await world.visit("01001", "2018-03-05", status="closed_temporarily")
    await world.visit("01002", "2018-03-06", rooms={"available": 2, "usable": 0})
    sizes = await world.get("/v1/units/P/lists", **ON)
    assert sizes["state_on"] == "2018-03-31"
    assert {"as_of", "lag_seconds", "version"} <= sizes.keys()
    counted = {each["list"]: (each["count"], each["of"]) for each in sizes["lists"]}
    assert counted == {
        "schools_closed": (1, 2),
        "not_visited": (1, 3),
        "teachers_absent": (0, 0),
        "no_toilet": (0, 0),
        "no_usable_room": (1, 1),
    }
    figures = await world.get("/v1/units/P/figures", **ON)
    opened = next(f for f in figures["figures"] if f["indicator"] == "schools_open")
    assert opened["denominator"] - opened["numerator"] == counted["schools_closed"][0]


async def test_a_list_names_school_place_and_visit(world: World) -> None:
    seen = await world.visit("01002", "2018-03-06", rooms={"available": 2, "usable": 0})
    told = await world.get("/v1/units/D1/lists/no_usable_room", **ON)
    [school] = told["schools"]
    assert (school["school_code"], school["since"]) == ("01002", "2018-03-06")
    assert school["belongs_to"]["unit_id"] == "C1"
    [visit] = school["visits"]
    assert (visit["visit_id"], visit["rooms_available"], visit["rooms_usable"]) == (seen, 2, 0)
    assert (await world.get("/v1/units/D2/lists/no_usable_room", **ON))["schools"] == []
    await world.visit("01002", "2018-03-20", rooms={"available": 2, "usable": 1})
    assert (await world.get("/v1/units/D1/lists/no_usable_room", **ON))["count"] == 0


async def test_absence_counts_without_leave_and_duty_and_at_two_visits(world: World) -> None:
    path = "/v1/units/P/lists/teachers_absent"
    await world.visit("01001", "2018-03-05", **teachers(5, 3))
    await world.visit("01001", "2018-03-12", **teachers(5, 4))
    await world.visit("01002", "2018-03-05", **teachers(5, 3, on_leave=1, on_duty=1, absent=0))
    await world.visit("01002", "2018-03-12", **teachers(5, 3))
    told = await world.get(path, **ON)
    [school] = told["schools"]
    assert (told["of"], school["school_code"], school["since"]) == (2, "01001", "2018-03-05")
    assert [v["teachers_present"] for v in school["visits"]] == [3, 4]


async def test_a_list_goes_unit_by_unit_and_takes_numbers_as_numbers(world: World) -> None:
    cluster = {"unit_id": "C10", "level": "cluster", "parent_id": "D1", "name": "Unit C10"}
    (await world.client.put("/v1/units", json=[cluster])).raise_for_status()
    further = [("9", "C1"), ("BEF10", "C1"), ("BEF9", "C1"), ("010", "C1"), ("3", "C10")]
    schools = [
        {"school_code": code, "unit_id": unit, "name": code, "status": "open"}
        for code, unit in further
    ]
    (await world.client.put("/v1/schools", json=schools)).raise_for_status()
    await world.running.drain()
    path = "/v1/units/P/lists/not_visited"
    told = ["9", "010", "01001", "01002", "BEF9", "BEF10", "3", "02001"]
    whole = await world.get(path, **ON)
    assert [each["school_code"] for each in whole["schools"]] == told
    assert [each["belongs_to"]["unit_id"] for each in whole["schools"]] == ["C1"] * 6 + [
        "C10",
        "C2",
    ]
    lines = (await world.client.get(path, params={**ON, "format": "csv"})).text.splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == told
    paged, asked = [], {**ON, "limit": 3}
    while True:
        page = await world.get(path, **asked)
        paged.append([each["school_code"] for each in page["schools"]])
        if page["next"] is None:
            break
        asked = {**asked, "cursor": page["next"]}
        # The last one shown leaves the list: the next page begins after it all the same.
        await world.visit(paged[-1][-1], "2018-03-30")
    assert paged == [told[:3], told[3:6], told[6:]]


async def test_not_visited_goes_by_calendar_months_back_from_the_day(world: World) -> None:
    await world.visit("01001", "2018-02-28")
    await world.visit("01002", "2018-03-01")
    path, on = "/v1/units/D1/lists/not_visited", {"period": "2018-03-31..2018-03-31"}
    told = await world.get(path, months=1, **on)
    assert [each["school_code"] for each in told["schools"]] == ["01001"]
    assert (await world.get(path, months=2, **on))["count"] == 0
    never = (await world.get("/v1/units/D2/lists/not_visited", **on))["schools"]
    assert [(each["since"], each["visits"]) for each in never] == [(None, [])]


async def test_csv_holds_the_whole_list_and_no_formula(world: World) -> None:
    for code in ("01001", "01002"):
        await world.visit(code, "2018-03-05", **teachers(5, 3))
        await world.visit(code, "2018-03-12", **teachers(5, 4))
    path = "/v1/units/P/lists/teachers_absent"
    answer = await world.client.get(path, params=ON | {"format": "csv", "limit": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "teachers_absent.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["school_code"] for row in rows] == ["01001", "01002"]
    assert rows[0]["name"] == "'=2+5"
    assert (rows[0]["earlier_day"], rows[0]["later_teachers_present"]) == ("2018-03-05", "4")
    by_accept = await world.client.get(path, params=ON, headers={"Accept": "text/csv"})
    assert by_accept.content == answer.content


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def test_bad_questions_name_the_field(world: World) -> None:
    for name, params, pointer in (
        ("no_roof", {}, "/path/list_name"),
        ("no_toilet", {"months": "3"}, "/query/months"),
        ("not_visited", {"months": "0"}, "/query/months"),
        ("not_visited", {"period": "2018-13"}, "/query/period"),
        ("no_toilet", {"limit": "1001"}, "/query/limit"),
        ("no_toilet", {"format": "pdf"}, "/query/format"),
        ("no_toilet", {"cursor": "§"}, "/query/cursor"),
        ("no_toilet", {"cursor": cursor("9")}, "/query/cursor"),
        ("no_toilet", {"cursor": cursor("[]")}, "/query/cursor"),
        ("no_toilet", {"cursor": cursor('["' + "9" * 5_000 + '"]')}, "/query/cursor"),
    ):
        answer = await world.client.get(f"/v1/units/P/lists/{name}", params=params)
        assert answer.status_code == 422, (name, params)
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_key_of_one_district_sees_its_own_lists_only(world: World) -> None:
    access = world.running.platform.access
    key, _, _ = await access.create_key("deo", ["cards:read"], units=["D1"])
    transport = httpx.ASGITransport(app=world.running.app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://rtsm.example", headers=headers
    ) as deo:
        for tail in ("", "/not_visited", "/not_visited?format=csv"):
            assert (await deo.get(f"/v1/units/D1/lists{tail}")).status_code == 200
            assert (await deo.get(f"/v1/units/D2/lists{tail}")).status_code == 404
            assert (await deo.get(f"/v1/units/P/lists{tail}")).status_code == 404


async def test_a_list_as_it_was_known(world: World) -> None:
    await world.visit("01002", "2018-03-06", rooms={"available": 2, "usable": 0})
    path, clock = "/v1/units/D1/lists/no_usable_room", world.running.clock
    clock.at = clock.now() + timedelta(hours=1)
    before = clock.now().isoformat()
    clock.at = clock.now() + timedelta(hours=1)
    await world.visit("01002", "2018-03-20", rooms={"available": 2, "usable": 1})
    assert (await world.get(path, **ON))["count"] == 0
    told = await world.get(path, known_at=before, **ON)
    assert [each["since"] for each in told["schools"]] == ["2018-03-06"]
    assert told["known_at"] is not None


async def test_a_list_that_did_not_change_is_not_sent_again(world: World) -> None:
    path = "/v1/units/P/lists/not_visited"
    first = await world.client.get(path)
    again = await world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    await world.visit("01001", "2019-06-01")
    later = await world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
