"""Which visits are behind a figure, which are left out and why, and what came in since when."""

from tests.support.small_register import DAYS, SCHOOLS, World, pupils, rooms, school, world

__all__ = ["world"]


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
