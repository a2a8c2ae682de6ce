"""The figures as the outside sees them, on real SQLite through the whole application.

The register is small and the numbers are worked out by hand; every figure against the oracle is
another suite's.
"""

from uuid import uuid4

import pytest

from tests.support.small_register import DAYS, World, pupils, rooms, school, world

__all__ = ["world"]


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
    record = await world.get(f"/v1/visits/{waiting['visit_id']}")
    assert receipt["received_at"] <= answer["as_of"] < record["recorded_at"]
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
