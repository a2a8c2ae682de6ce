"""The register and targets: dated records, parents in any order, refusals with pointers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.intake import House, intake, school, unit, visit

__all__ = ["intake"]


async def units(intake: House, *items: dict[str, Any]) -> Any:
    return await intake.call("PUT", "/v1/units", list(items))


async def schools(intake: House, *items: dict[str, Any]) -> Any:
    return await intake.call("PUT", "/v1/schools", list(items))


async def dated(intake: House, code: str) -> list[tuple[str, str]]:
    answer = await intake.call("GET", f"/v1/schools?school={code}")
    return [(record["valid_from"], record["unit_id"]) for record in answer.json()["schools"]]


async def test_the_day_of_a_record_that_names_none(intake: House) -> None:
    assert await dated(intake, "01001") == [("2018-01-01", "CL-01")]
    again = await schools(intake, school("1001"))
    assert again.json() == {"stored": 1, "changed": 0, "version": 6}
    moved = await schools(intake, school("1001", "CL-02"))
    assert moved.json() == {"stored": 1, "changed": 1, "version": 7}
    assert await dated(intake, "1001") == [("2018-01-01", "CL-01"), ("2019-06-03", "CL-02")]


async def test_the_same_key_replaces(intake: House) -> None:
    for cluster in ("CL-02", "CL-01", "CL-02"):
        await schools(intake, school("1001", cluster, valid_from="2018-05-01"))
    assert await dated(intake, "1001") == [("2018-01-01", "CL-01"), ("2018-05-01", "CL-02")]
    events = await intake.events("rtsm.registry")
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    last = events[-1]
    assert (last["type"], last["key"]) == ("rtsm.school.changed.v1", "school:1001")
    assert last["school"]["valid_from"] == "2018-05-01"
    assert last["school"]["status"] == "open"


async def test_what_was_said_again_counts_once_something_comes_before_it(intake: House) -> None:
    await schools(intake, school("1001"))  # today, as before: nothing to tell
    assert len(await dated(intake, "1001")) == 1
    await schools(intake, school("1001", "CL-02", valid_from="2019-01-01"))
    assert await dated(intake, "1001") == [
        ("2018-01-01", "CL-01"),
        ("2019-01-01", "CL-02"),
        ("2019-06-03", "CL-01"),
    ]


async def test_parents_come_in_any_order(intake: House) -> None:
    answer = await units(
        intake,
        unit("X3", "cluster", "X2"),
        unit("X2", "district", "X1"),
        unit("X1", "province", None),
    )
    assert answer.status_code == 200
    events = await intake.events("rtsm.registry")
    told = {event["unit"]["unit_id"]: event["unit"] for event in events if "unit" in event}
    assert told["X3"]["parent_id"] == "X2"
    assert told["X3"]["valid_from"] == "2018-01-01"


@pytest.mark.parametrize(
    ("items", "pointer", "code"),
    [
        ([unit("A", "cluster", "nowhere")], "/0/parent_id", "unknown_unit"),
        ([unit("A", "cluster", "A")], "/0/parent_id", "cycle"),
        ([unit("A", "c", "B"), unit("B", "c", "A")], "/0/parent_id", "cycle"),
        ([unit("BA", "province", "CL-01", valid_from="2019-01-01")], "/0/parent_id", "cycle"),
        ([unit("school:1", "school", None)], "/0/unit_id", "school_unit"),
        ([unit("A\u202e", "c", None)], "/0/unit_id", "control_character"),
        ([unit("A", "c", None, names={"ur": 1})], "/0/names/ur", "not_a_text"),
        ([unit("A", "c", None, valid_from="1.1.2018")], "/0/valid_from", "invalid_date"),
        (
            [unit("A", "c", None, valid_from="2019-01-01", valid_to="2018-01-01")],
            "/0/valid_to",
            "reversed_dates",
        ),
        ([unit("A", "c", None), {"unit_id": "B"}], "/1/name", "missing"),
        ([unit("A", "c", None, colour="red")], "/0/colour", "unknown_key"),
        ({}, "", "not_a_list"),
    ],
)
async def test_units_are_refused_whole(intake: House, items: Any, pointer: str, code: str) -> None:
    before = await intake.events("rtsm.registry")
    answer = await intake.call("PUT", "/v1/units", items)
    assert answer.status_code == 422
    told = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert told[0] == (pointer, code)
    assert await intake.events("rtsm.registry") == before


@pytest.mark.parametrize(
    ("item", "pointer", "code"),
    [
        (school("7", "nowhere"), "/0/unit_id", "unknown_unit"),
        (school("7", "school:1001"), "/0/unit_id", "unknown_unit"),
        (school("  "), "/0/school_code", "empty"),
        (school("7", gender="male"), "/0/gender", "unknown_word"),
        (school("7", status="destroyed"), "/0/status", "unknown_word"),
        (school("7", lat=30.0), "/0/lon", "half_a_point"),
        (school("7", lat=91, lon=0), "/0/lat", "out_of_range"),
        (school("7", attributes=[]), "/0/attributes", "not_an_object"),
    ],
)
async def test_schools_are_refused_whole(intake: House, item: Any, pointer: str, code: str) -> None:
    answer = await schools(intake, school("8"), item)
    told = [
        (error["pointer"].replace("/1/", "/0/"), error["code"]) for error in answer.json()["errors"]
    ]
    assert (answer.status_code, told[0]) == (422, (pointer, code))
    assert await dated(intake, "8") == []


async def test_codes_are_shown_as_registered_and_keyed_canonically(intake: House) -> None:
    await schools(intake, school("00042", attributes={"emis": "x", "sanctioned": 3}))
    answer = await intake.call("GET", "/v1/schools?school=42")
    assert answer.json()["schools"][0]["school_code"] == "00042"
    await units(intake, unit("CL-01", "cluster", "QTA", head_school_code="00042"))
    [told] = [
        event["unit"]
        for event in await intake.events("rtsm.registry")
        if event.get("unit", {}).get("head_school_code")
    ]
    assert told["head_school_code"] == "42"
    listed = (await intake.call("GET", "/v1/units?q=CL-01")).json()["units"]
    assert listed[0]["head_school_code"] == "00042"


async def test_a_visit_after_a_change_is_judged_by_it(intake: House) -> None:
    girls = {"students": {"girls": {"enrolled": 3}}}
    assert (await intake.post(visit(**girls))).json()["flags"] == []
    await schools(intake, school("1001", gender="boys", valid_from="2018-03-01"))
    flags = (await intake.post(visit(**girls))).json()["flags"]
    assert [flag["code"] for flag in flags] == ["girls_in_boys_school"]
    before = visit(visited_at="2018-02-28T09:40:00+05:00", **girls)
    assert (await intake.post(before)).json()["flags"] == []


async def test_lists_are_paged(intake: House) -> None:
    await schools(intake, *[school(f"S{number:03}") for number in range(25)])
    seen: list[str] = []
    path: str | None = "/v1/schools?limit=10"
    while path is not None:
        answer = await intake.call("GET", path)
        seen += [record["school_code"] for record in answer.json()["schools"]]
        link = answer.headers.get("link")
        path = link.partition(">")[0].removeprefix("<") if link else None
    assert seen == ["1001", *[f"S{number:03}" for number in range(25)]]
    tag = answer.headers["etag"]
    assert (
        await intake.call("GET", "/v1/schools", headers={"If-None-Match": tag})
    ).status_code == 304
    assert (await intake.call("GET", "/v1/schools?after=nonsense")).status_code == 422


async def test_units_that_hold_on_a_day(intake: House) -> None:
    await units(intake, unit("CL-01", "cluster", "PSN", valid_from="2019-01-01", name="Moved"))
    for day, parent in (("2017-01-01", "QTA"), ("2018-12-31", "QTA"), ("2019-01-01", "PSN")):
        listed = (await intake.call("GET", f"/v1/units?on={day}&q=cl-01")).json()["units"]
        assert [record["parent_id"] for record in listed] == [parent]
    clusters = (await intake.call("GET", "/v1/units?level=cluster")).json()["units"]
    assert [record["unit_id"] for record in clusters] == ["CL-01", "CL-02"]
    page = await intake.call("GET", "/v1/units?level=cluster&limit=1")
    assert [record["unit_id"] for record in page.json()["units"]] == ["CL-01"]
    assert 'rel="next"' in page.headers["link"]


async def test_a_key_of_some_units_changes_and_sees_only_those(intake: House) -> None:
    key = await intake.make_key(
        "qta", "registry:write", "registry:read", "targets:write", units=["QTA"]
    )
    await schools(intake, school("2002", "CL-02"))
    assert (await intake.call("PUT", "/v1/schools", [school("9")], key=key)).status_code == 200
    for foreign in (school("10", "CL-02"), school("2002", "CL-01")):
        assert (await intake.call("PUT", "/v1/schools", [foreign], key=key)).status_code == 404
    assert (
        await intake.call("PUT", "/v1/units", [unit("CL-09", "cluster", "QTA")], key=key)
    ).status_code == 200
    for item in (
        unit("CL-10", "cluster", "PSN"),
        unit("CL-02", "cluster", "QTA"),
        unit("T", "x", None),
    ):
        assert (await intake.call("PUT", "/v1/units", [item], key=key)).status_code == 404
    seen = (await intake.call("GET", "/v1/schools", key=key)).json()["schools"]
    assert [record["school_code"] for record in seen] == ["1001", "9"]
    seen = (await intake.call("GET", "/v1/units", key=key)).json()["units"]
    assert [record["unit_id"] for record in seen] == ["CL-01", "CL-09", "QTA"]
    target = {"indicator": "visits_made", "unit_id": "PSN", "target": 3}
    assert (await intake.call("PUT", "/v1/targets", [target], key=key)).status_code == 404


async def test_targets(intake: House) -> None:
    total = {"indicator": "student_attendance", "unit_id": "BA", "baseline": 0.74, "target": 0.8}
    girls = total | {"split": "girls", "from": "2018-01-01", "to": "2018-12-31", "target": 0.85}
    for _ in range(2):
        answer = await intake.call("PUT", "/v1/targets", [total, girls, total | {"target": 0.9}])
        assert answer.json() == {"stored": 2}
    await intake.call(
        "PUT", "/v1/targets", [{"indicator": "coverage", "unit_id": "school:01001", "target": 1}]
    )
    found = (await intake.call("GET", "/v1/targets?unit_id=BA")).json()["targets"]
    assert found == [
        total | {"split": None, "from": "2018-01-01", "to": None, "target": 0.9},
        girls,
    ]
    found = (await intake.call("GET", "/v1/targets?indicator=coverage")).json()["targets"]
    assert [record["unit_id"] for record in found] == ["school:1001"]
    page = await intake.call("GET", "/v1/targets?limit=1")
    kept = {"If-None-Match": page.headers["etag"]}
    assert (await intake.call("GET", "/v1/targets?limit=1", headers=kept)).status_code == 304
    assert (await intake.call("GET", "/v1/targets", headers=kept)).status_code == 200
    link = page.headers["link"].partition(">")[0].removeprefix("<")
    onward = (await intake.call("GET", link)).json()["targets"]
    assert [record["unit_id"] for record in onward] == ["school:1001"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"unit_id": "nowhere"}, "/0/unit_id"),
        ({"target": None}, "/0/target"),
        ({"target": "0.8"}, "/0/target"),
        ({"indicator": "Coverage!"}, "/0/indicator"),
        ({"from": "2019-01-01", "to": "2018-01-01"}, "/0/to"),
    ],
)
async def test_targets_are_checked(intake: House, change: dict[str, Any], pointer: str) -> None:
    target = {"indicator": "coverage", "unit_id": "BA", "target": 0.8} | change
    answer = await intake.call("PUT", "/v1/targets", [target])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
