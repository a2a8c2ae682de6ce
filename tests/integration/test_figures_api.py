"""The figures as the outside sees them, on real SQLite through the whole application.

The register is small and the numbers are worked out by hand; every figure against the oracle is
another suite's.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.clients.indicators import IndicatorsClient
from shared.errors import Problem
from tests.support.embedded import SOURCE, Embedded, embedded

UNITS = [
    ("P", "province", None, "Balochistan"),
    ("D1", "district", "P", "Pishin"),
    ("D2", "district", "P", "Quetta"),
    ("C1", "cluster", "D1", "Barshore"),
    ("C2", "cluster", "D2", "Sariab"),
]
SCHOOLS = [
    ("01001", "C1", "boys"),
    ("01002", "C1", "girls"),
    ("02001", "C2", "boys"),
    ("02002", "C2", "mixed"),
]
DAYS = {"period": "2018-03"}


def unit(unit_id: str, level: str, parent: str | None, name: str, **more: Any) -> dict[str, Any]:
    return {"unit_id": unit_id, "level": level, "parent_id": parent, "name": name} | more


def school(code: str, cluster: str, gender: str, **more: Any) -> dict[str, Any]:
    return {
        "school_code": code,
        "name": f"School {code}",
        "unit_id": cluster,
        "gender": gender,
        "level": "primary",
        "status": "open",
        "valid_from": "2018-01-01",
    } | more


class World:
    """A deployment with the small register, and short words for what is done to it."""

    def __init__(self, running: Embedded) -> None:
        self.running = running
        self.client = running.client

    async def register(self) -> None:
        units = [unit(*each, valid_from="2018-01-01") for each in UNITS]
        (await self.client.put("/v1/units", json=units)).raise_for_status()
        schools = [school(*each) for each in SCHOOLS]
        (await self.client.put("/v1/schools", json=schools)).raise_for_status()
        await self.running.drain()

    async def visit(self, code: str, day: str, **form: Any) -> str:
        visit_id = str(uuid4())
        body = {
            "visit_id": visit_id,
            "school_code": code,
            "visited_at": f"{day}T09:40:00+05:00",
            "status": "open",
        }
        answer = await self.client.post("/v1/visits", json=body | form)
        assert answer.status_code == 201, answer.text
        await self.running.drain()
        return visit_id

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def figure(
        self, unit_id: str, indicator: str, split: str | None = None, **params: Any
    ) -> Any:
        answer = await self.get(f"/v1/units/{unit_id}/figures", **(DAYS | params))
        return next(
            each
            for each in answer["figures"]
            if (each["indicator"], each["split"]) == (indicator, split)
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with embedded(tmp_path, services=["ingest", "indicators"]) as running:
        made = World(running)
        await made.register()
        yield made


def pupils(boys: tuple[int, int], girls: tuple[int, int] | None = None) -> dict[str, Any]:
    cells = {"boys": {"present": boys[0], "enrolled": boys[1]}}
    if girls is not None:
        cells["girls"] = {"present": girls[0], "enrolled": girls[1]}
    return {"students": cells}


def rooms(usable: int, available: int) -> dict[str, Any]:
    return {"rooms": {"usable": usable, "available": available}}


async def test_a_unit_answers_with_its_integers_and_how_fresh_they_are(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50), (30, 50)))
    await world.visit("01002", "2018-03-06", **pupils((10, 20)))
    answer = await world.get("/v1/units/D1/figures", **DAYS)
    assert (answer["unit"], answer["period"], answer["state_on"]) == ("D1", "2018-03", "2018-03-31")
    assert (answer["visits"], answer["schools_visited"], answer["schools_registered"]) == (2, 2, 2)
    assert (answer["coverage"], answer["newest_visit"]) == (1.0, "2018-03-06")
    total = await world.figure("D1", "student_attendance")
    assert (total["numerator"], total["denominator"], total["value"]) == (80, 120, 0.666667)
    assert (total["visits"], total["schools"], total["reliable"]) == (2, 2, False)
    girls = await world.figure("D1", "student_attendance", "girls")
    assert (girls["numerator"], girls["denominator"], girls["visits"]) == (30, 50, 1)
    above = await world.figure("P", "student_attendance")
    assert (above["numerator"], above["denominator"]) == (80, 120)
    elsewhere = await world.figure("D2", "student_attendance")
    assert (elsewhere["state"], elsewhere["value"]) == ("not_measured", None)


async def test_an_answer_says_which_visits_are_in_it(world: World) -> None:
    first = await world.visit("01001", "2018-03-05")
    answer = await world.get("/v1/units/P/figures", **DAYS)
    receipt = await world.get(f"/v1/visits/{first}")
    assert answer["as_of"] >= receipt["received_at"]
    assert answer["lag_seconds"] <= 1.0
    body = {
        "visit_id": str(uuid4()),
        "school_code": "01001",
        "visited_at": "2018-03-06T09:40:00+05:00",
        "status": "open",
    }
    waiting = (await world.client.post("/v1/visits", json=body)).json()
    answer = await world.get("/v1/units/P/figures", **DAYS)
    assert answer["visits"] == 1
    assert receipt["received_at"] <= answer["as_of"] < waiting["received_at"]
    await world.running.drain()
    answer = await world.get("/v1/units/P/figures", **DAYS)
    assert answer["visits"] == 2
    assert answer["as_of"] >= waiting["received_at"]


async def test_days_inside_a_month_are_read_as_exactly_as_months(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)), **rooms(3, 4))
    await world.visit("01001", "2018-03-20", **pupils((30, 50)), **rooms(1, 4))
    first = await world.figure("P", "student_attendance", period="2018-03-01..2018-03-10")
    assert first["numerator"] == 40
    across = await world.figure("P", "student_attendance", period="2018-02-20..2018-03-20")
    assert across["numerator"] == 70
    before = await world.figure("P", "usable_rooms", period="2018-03-01..2018-03-19")
    assert (before["numerator"], before["visits"]) == (3, 1)
    after = await world.figure("P", "usable_rooms", period="2018-03-20..2018-03-20")
    assert (after["numerator"], after["visits"]) == (1, 1)
    rolling = await world.figure(
        "P", "student_attendance", period="last-10-days", ending="2018-03-20"
    )
    assert rolling["numerator"] == 30


async def test_a_room_counted_in_2018_stands_for_365_days(world: World) -> None:
    await world.visit("01001", "2018-03-05", **rooms(3, 4))
    last = await world.figure("P", "usable_rooms", period="2019-03-04..2019-03-04")
    assert (last["state"], last["denominator"]) == ("value", 4)
    over = await world.figure("P", "usable_rooms", period="2019-03-05..2019-03-05")
    assert over["state"] == "not_measured"


async def test_a_school_is_a_unit_of_its_own_in_any_spelling(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)), **rooms(3, 4))
    for code in ("01001", "1001"):
        answer = await world.get(f"/v1/units/school:{code}/figures", **DAYS)
        assert answer["unit"] == "school:01001"
        assert (answer["visits"], answer["schools_registered"], answer["coverage"]) == (1, 1, 1.0)
    rooms_there = await world.figure("school:01001", "usable_rooms")
    assert (rooms_there["numerator"], rooms_there["interval"]) == (3, [0.75, 0.75])
    assert (await world.figure("school:01001", "schools_known"))["value"] == 1.0


async def test_restated_figures_take_todays_tree_for_every_day(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)), **rooms(3, 4))
    await world.visit("01002", "2018-03-06", **pupils((10, 20)))
    moved = [school("01001", "C2", "boys", valid_from="2018-06-01")]
    (await world.client.put("/v1/schools", json=moved)).raise_for_status()
    await world.running.drain()
    assert (await world.figure("D1", "student_attendance"))["numerator"] == 50
    assert (await world.figure("D2", "student_attendance"))["numerator"] == 0
    was = await world.get("/v1/units/D1/figures", **DAYS)
    now = await world.get("/v1/units/D1/figures", view="restated", **DAYS)
    assert (was["schools_registered"], now["schools_registered"]) == (2, 1)
    assert (was["schools_visited"], now["schools_visited"]) == (2, 1)
    restated = {"view": "restated"}
    assert (await world.figure("D1", "student_attendance", **restated))["numerator"] == 10
    assert (await world.figure("D2", "student_attendance", **restated))["numerator"] == 40
    assert (await world.figure("D2", "student_attendance", **restated))["schools"] == 1
    assert (await world.figure("D2", "usable_rooms", **restated))["numerator"] == 3
    assert (await world.figure("P", "student_attendance", **restated))["numerator"] == 50


async def test_a_school_that_moved_in_is_covered_by_a_visit_before_its_move(world: World) -> None:
    await world.visit("01001", "2018-03-05")
    moved = [school("01001", "C2", "boys", valid_from="2018-03-20")]
    (await world.client.put("/v1/schools", json=moved)).raise_for_status()
    await world.running.drain()
    answer = await world.get("/v1/units/D2/figures", **DAYS)
    assert (answer["visits"], answer["schools_visited"], answer["schools_registered"]) == (0, 1, 3)
    left = await world.get("/v1/units/D1/figures", **DAYS)
    assert (left["visits"], left["schools_visited"], left["schools_registered"]) == (1, 0, 1)


async def test_all_children_come_in_one_answer_and_add_up_to_the_parent(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)))
    await world.visit("02001", "2018-03-06", **pupils((10, 20)))
    answer = await world.get("/v1/units/P/children/figures", depth=2, **DAYS)
    found = {child["unit_id"]: child for child in answer["children"]}
    assert list(found) == ["D1", "D2", "C1", "C2"]
    assert (found["D1"]["parent_id"], found["C2"]["parent_id"]) == ("P", "D2")
    assert answer["visits"] == found["D1"]["visits"] + found["D2"]["visits"] == 2
    for unit_id in ("D1", "C2"):
        alone = await world.get(f"/v1/units/{unit_id}/figures", **DAYS)
        assert found[unit_id]["figures"] == alone["figures"]
        assert found[unit_id]["newest_visit"] == alone["newest_visit"]
    totals = await world.get("/v1/units/P/children/figures", splits="totals", **DAYS)
    assert {figure["split"] for figure in totals["figures"]} == {None}


async def test_the_children_of_a_cluster_are_its_schools(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)))
    closed = [school("01002", "C1", "girls", status="closed", valid_from="2018-02-01")]
    (await world.client.put("/v1/schools", json=closed)).raise_for_status()
    await world.running.drain()
    answer = await world.get("/v1/units/C1/children/figures", **DAYS)
    assert [child["unit_id"] for child in answer["children"]] == ["school:01001"]
    assert answer["children"][0]["figures"][0]["numerator"] == 40
    listed = await world.get("/v1/units/C1/children")
    assert [child["unit_id"] for child in listed["children"]] == ["school:01001", "school:01002"]


async def test_siblings_are_ranked_with_what_the_intervals_leave_open(world: World) -> None:
    for day in range(5, 10):
        await world.visit("01001", f"2018-03-{day:02d}", **pupils((1500, 1600)))
    await world.visit("02001", "2018-03-06", **pupils((10, 20)))
    path = "/v1/units/P/figures/student_attendance/children"
    answer = await world.get(path, rank="true", **DAYS)
    found = {child["unit_id"]: child["rank"] for child in answer["children"]}
    assert found["D1"]["position"] == 1
    assert found["D2"] == {"position": 2, "of": 2, "low": found["D2"]["low"], "high": 2}
    plain = await world.get(path, **DAYS)
    assert all(child["rank"] is None for child in plain["children"])
    unknown = await world.get("/v1/units/P/figures/child_clubs/children", rank="true", **DAYS)
    assert [child["rank"] for child in unknown["children"]] == [None, None]


async def test_a_series_is_the_figures_of_its_pieces(world: World) -> None:
    await world.visit("01001", "2018-02-05", **pupils((40, 50)), **rooms(3, 4))
    await world.visit("01001", "2018-03-15", **pupils((20, 50)), **rooms(1, 4))
    path = "/v1/units/D1/figures/{}/series"
    months = await world.get(path.format("student_attendance"), period="2018-01..2018-04")
    assert [point["period"] for point in months["series"]] == [
        "2018-01",
        "2018-02",
        "2018-03",
        "2018-04",
    ]
    assert [point["value"] for point in months["series"]] == [None, 0.8, 0.4, None]
    stock = await world.get(path.format("usable_rooms"), period="2018-01..2018-04")
    assert [point["numerator"] for point in stock["series"]] == [0, 3, 1, 1]
    split = await world.get(
        path.format("student_attendance"), period="2018", by="quarter", split="boys"
    )
    assert [point["numerator"] for point in split["series"]] == [60, 0, 0, 0]
    everything = await world.get("/v1/units/D1/series", period="2018-02..2018-03", splits="all")
    for step in everything["series"]:
        alone = await world.get("/v1/units/D1/figures", period=step["period"])
        assert step["figures"] == alone["figures"]
        assert step["coverage"] == alone["coverage"]


async def test_a_change_is_what_same_schools_did_and_the_rest_exactly(world: World) -> None:
    await world.visit("01001", "2018-02-05", **pupils((40, 50)))
    await world.visit("01002", "2018-02-06", **pupils((10, 40)))
    await world.visit("01001", "2018-03-05", **pupils((30, 50)))
    await world.visit("02001", "2018-03-06", **pupils((9, 10)))
    answer = await world.get("/v1/units/P/figures/student_attendance/change", **DAYS)
    assert answer["against"] == "2018-02"
    # before 50/90, after 39/60; the same school went from 40/50 to 30/50
    assert answer["change"] == pytest.approx(0.65 - 0.555556)
    assert answer["same_schools"] == -0.2
    assert round(answer["same_schools"] + answer["composition"], 6) == answer["change"]
    assert (answer["schools_in_both"], answer["schools_after"]) == (1, 2)
    alone = await world.get(
        "/v1/units/P/figures/student_attendance/change", against="2018-01", **DAYS
    )
    assert (alone["change"], alone["same_schools"]) == (None, None)


async def test_a_change_of_a_stock_compares_what_stood(world: World) -> None:
    await world.visit("01001", "2018-02-05", **rooms(4, 4))
    await world.visit("01001", "2018-03-05", **rooms(2, 4))
    await world.visit("02001", "2018-03-05", **rooms(4, 4))
    answer = await world.get("/v1/units/P/figures/usable_rooms/change", **DAYS)
    assert (answer["change"], answer["same_schools"], answer["composition"]) == (-0.25, -0.5, 0.25)


async def test_the_evidence_adds_up_and_says_why_the_rest_is_left_out(world: World) -> None:
    counted = await world.visit("01001", "2018-03-05", **pupils((40, 50)))
    withdrawn = await world.visit("01001", "2018-03-06", **pupils((1, 50)))
    gone = await world.client.delete(f"/v1/visits/{withdrawn}", params={"reason": "a mistake"})
    gone.raise_for_status()
    replaced = await world.visit("01002", "2018-03-07", monitor_id="M-1", **pupils((2, 50)))
    later = await world.visit("01002", "2018-03-07", monitor_id="M-1", **pupils((30, 50)))
    silent = await world.visit("01002", "2018-03-09", **rooms(1, 2))
    checked = await world.visit("01002", "2018-03-10", visit_type="verification", **pupils((3, 50)))
    answer = await world.get("/v1/units/D1/figures/student_attendance/evidence", **DAYS)
    reasons = {row["visit_id"]: row["reason"] for row in answer["evidence"]}
    assert reasons == {
        counted: None,
        withdrawn: "withdrawn",
        replaced: "superseded",
        later: None,
        silent: "not_answered",
        checked: "verification",
    }
    behind = [row for row in answer["evidence"] if row["counted"]]
    figure = await world.figure("D1", "student_attendance")
    assert sum(row["numerator"] for row in behind) == figure["numerator"] == 70
    assert sum(row["denominator"] for row in behind) == figure["denominator"] == 100
    assert {row["school_code"] for row in answer["evidence"]} == {"01001", "01002"}


async def test_evidence_comes_in_pages_linked_by_a_cursor(world: World) -> None:
    for code, _, _ in SCHOOLS:
        await world.visit(code, "2018-03-05")
    path, seen = "/v1/units/P/figures/visits_made/evidence?period=2018-03&limit=1", []
    while path:
        answer = await world.client.get(path)
        seen += [row["school_code"] for row in answer.json()["evidence"]]
        path = answer.links.get("next", {}).get("url", "")
    assert seen == [code for code, _, _ in SCHOOLS]
    broken = await world.client.get(
        "/v1/units/P/figures/visits_made/evidence?period=2018-03&cursor=%21%21"
    )
    assert (broken.status_code, broken.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_the_evidence_of_a_stock_says_since_when_it_stands(world: World) -> None:
    old = await world.visit("01001", "2018-02-05", **rooms(4, 4))
    new = await world.visit("01001", "2018-03-05", **rooms(2, 4))
    other = await world.visit("01002", "2018-03-05", **rooms(1, 4))
    moved = [school("01002", "C2", "girls", valid_from="2018-03-20")]
    (await world.client.put("/v1/schools", json=moved)).raise_for_status()
    await world.running.drain()
    answer = await world.get("/v1/units/D1/figures/usable_rooms/evidence", **DAYS)
    rows = {row["visit_id"]: row for row in answer["evidence"]}
    assert rows[old]["reason"] == "answered_again_later"
    assert rows[other]["reason"] == "not_in_unit_on_d"
    assert (rows[new]["reason"], rows[new]["numerator"]) == (None, 2)
    assert (rows[new]["stands_since"], rows[new]["stands_until"]) == ("2018-03-05", "2019-03-05")


async def test_new_visits_are_those_received_after_a_time(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)))
    await world.visit("01002", "2018-03-06", **rooms(1, 2))
    receipt = (await world.get("/v1/visits", school="01002"))["visits"][0]["received_at"]
    await world.visit("01001", "2018-03-07", **pupils((30, 50)))
    await world.visit("02001", "2018-04-07", **pupils((30, 50)))
    asked = {"since": receipt}
    assert (await world.figure("P", "student_attendance", **asked))["new_visits"] == 1
    assert (await world.figure("P", "visits_made", **asked))["new_visits"] == 1
    assert (await world.figure("P", "usable_rooms", **asked))["new_visits"] == 0
    assert (await world.figure("school:01001", "visits_made", **asked))["new_visits"] == 1
    assert "new_visits" not in await world.figure("P", "visits_made")


async def test_figures_of_the_visits_received_until_a_time(world: World) -> None:
    first = await world.visit("01001", "2018-03-05", monitor_id="M-1", **pupils((40, 50)))
    receipt = (await world.get(f"/v1/visits/{first}"))["received_at"]
    await world.visit("01001", "2018-03-05", monitor_id="M-1", **pupils((10, 50)))
    assert (await world.figure("P", "student_attendance"))["numerator"] == 10
    then = await world.figure("P", "student_attendance", received_until=receipt)
    assert then["numerator"] == 40
    both = await world.figure("P", "student_attendance", received_until="2030-01-01T00:00:00Z")
    assert both == await world.figure("P", "student_attendance")


async def test_an_unchanged_answer_is_not_sent_again(world: World) -> None:
    await world.visit("01001", "2018-03-05")
    path = "/v1/units/P/figures?period=2018-03"
    first = await world.client.get(path)
    again = await world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await world.visit("01002", "2018-03-05")
    moved = await world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert moved.status_code == 200
    assert moved.headers["etag"] != first.headers["etag"]
    assert moved.json()["version"] != first.json()["version"]


async def test_units_are_found_by_name_and_described(world: World) -> None:
    found = await world.get("/v1/search", q="pish")
    assert [each["unit_id"] for each in found["units"]] == ["D1"]
    assert len((await world.get("/v1/search", level="school"))["units"]) == 4
    by_code = await world.get("/v1/search", q="School 0100")
    assert [each["unit_id"] for each in by_code["units"]] == ["school:01001", "school:01002"]
    page = await world.client.get("/v1/search?level=cluster&limit=1")
    assert [each["unit_id"] for each in page.json()["units"]] == ["C1"]
    rest = await world.client.get(page.links["next"]["url"])
    assert [each["unit_id"] for each in rest.json()["units"]] == ["C2"]
    detail = await world.get("/v1/units/C1")
    assert [above["unit_id"] for above in detail["chain"]] == ["D1", "P"]
    assert (detail["level"], detail["parent_id"], detail["name"]) == ("cluster", "D1", "Barshore")
    children = await world.get("/v1/units/P/children")
    assert [each["unit_id"] for each in children["children"]] == ["D1", "D2"]
    schools = await world.client.get("/v1/units/P/schools?limit=3")
    assert len(schools.json()["schools"]) == 3
    last = await world.client.get(schools.links["next"]["url"])
    assert [each["school_code"] for each in last.json()["schools"]] == ["02002"]


async def test_the_catalogue_lists_every_indicator(world: World) -> None:
    answer = await world.get("/v1/indicators")
    found = {each["code"]: each for each in answer["indicators"]}
    assert len([each for each in found.values() if each["shown"] == "always"]) == 14
    assert found["teacher_attendance_less_leave"]["shown"] == "asked"
    assert found["schools_without_toilet"]["direction"] == "lower"
    assert [each["split"] for each in found["usable_toilets"]["splits"]] == [
        "boys",
        "girls",
        "shared",
        "staff",
    ]


async def test_units_outside_the_callers_are_not_there(world: World) -> None:
    access = world.running.platform.access
    key, _, _ = await access.create_key("district", ["cards:read"], units=["D1"])
    headers = {"Authorization": f"Bearer {key}"}
    for path, expected in {
        "/v1/units/D1/figures?period=2018": 200,
        "/v1/units/C1/figures?period=2018": 200,
        "/v1/units/school:1001/figures?period=2018": 200,
        "/v1/units/P/figures?period=2018": 404,
        "/v1/units/C2": 404,
        "/v1/units/school:02001/figures?period=2018": 404,
        "/v1/units/D2/figures/visits_made/evidence?period=2018": 404,
        "/v1/applied?registry_version=1": 403,
    }.items():
        answer = await world.client.get(path, headers=headers)
        assert answer.status_code == expected, path
    found = await world.client.get("/v1/search?q=s", headers=headers)
    assert {each["unit_id"] for each in found.json()["units"]} == {
        "D1",
        "C1",
        "school:01001",
        "school:01002",
    }


async def test_refusals_are_problems_with_a_pointer(world: World) -> None:
    for path, status, pointer in (
        ("/v1/units/P/figures", 422, "/query/period"),
        ("/v1/units/P/figures?period=March", 422, "/query/period"),
        ("/v1/units/P/figures?period=2018-05..2018-02", 422, "/query/period"),
        ("/v1/units/P/figures?period=2018&view=then", 422, "/query/view"),
        ("/v1/units/P/figures/attendance/series?period=2018", 422, "/path/indicator"),
        ("/v1/units/P/children/figures?period=2018&depth=9", 422, "/query/depth"),
        ("/v1/units/P/figures/visits_made/change?period=2018&against=x", 422, "/query/against"),
        ("/v1/search?q=%00", 422, "/query/q"),
        ("/v1/applied", 422, "/query/visit_id"),
        ("/v1/units/X/figures?period=2018", 404, None),
        ("/v1/units/school:9/figures?period=2018", 404, None),
    ):
        answer = await world.client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        pointers = [each["pointer"] for each in answer.json().get("errors", [])]
        assert pointers == ([] if pointer is None else [pointer]), path


async def test_what_is_applied_can_be_asked(world: World) -> None:
    visit_id = await world.visit("01001", "2018-03-05")
    client = IndicatorsClient(world.running.platform.client("indicators"))
    assert await client.visit_applied(SOURCE, visit_id, 1)
    assert not await client.visit_applied(SOURCE, visit_id, 2)
    assert not await client.visit_applied("another", visit_id, 1)
    assert await client.register_applied(1)
    assert not await client.register_applied(10_000)


async def test_the_client_reads_answers_and_raises_refusals(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((40, 50)))
    client = IndicatorsClient(world.running.platform.client("indicators"))
    assert (await client.figures("P", "2018-03"))["visits"] == 1
    assert (await client.children_figures("P", "2018-03", depth=2))["children"][0]["visits"] == 1
    assert len((await client.all_series("P", "2018-Q1"))["series"]) == 3
    assert (await client.ranked("P", "visits_made", "2018-03"))["children"][0]["rank"]
    assert (await client.unit("school:01001"))["chain"][0]["unit_id"] == "C1"
    assert (await client.version())["version"]
    with pytest.raises(Problem) as refusal:
        await client.unit("nowhere")
    assert (refusal.value.status, refusal.value.code) == (404, "not_found")


async def test_the_answers_are_described_for_machines(world: World) -> None:
    document = (await world.client.get("/openapi.json")).json()
    assert "/v1/units/{unit_id}/figures/{indicator}/evidence" in document["paths"]
    answer = document["paths"]["/v1/units/{unit_id}/figures"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    properties = document["components"]["schemas"][schema]["properties"]
    assert {"unit", "period", "as_of", "version", "coverage", "figures"} <= set(properties)


async def test_anybody_may_not_read_without_a_key(world: World) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=world.running.app), base_url="http://rtsm.example"
    ) as stranger:
        assert (await stranger.get("/v1/units/P/figures?period=2018")).status_code == 401
