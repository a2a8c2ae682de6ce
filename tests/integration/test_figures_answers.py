"""How the routes of figures answer: units found, who may ask, refusals, what machines are told."""

import httpx
import pytest

from shared.clients.indicators import IndicatorsClient
from shared.errors import Problem
from tests.support.embedded import SOURCE
from tests.support.small_register import World, pupils, world

__all__ = ["world"]


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


async def test_figures_are_named_in_the_language_that_is_asked_for(world: World) -> None:
    await world.visit("01001", "2018-03-05", **pupils((8, 10)))
    plain = await world.get("/v1/units/P/figures", period="2018-03", split_by="visit_type")
    assert not any("label" in row for row in plain["figures"])
    told = await world.get(
        "/v1/units/P/figures", period="2018-03", split_by="visit_type", lang="bn"
    )
    rows = {(row["indicator"], row["split"]): row for row in told["figures"]}
    assert rows["student_attendance", None]["label"] == "শিক্ষার্থীদের উপস্থিতি"
    assert rows["student_attendance", None]["split_label"] is None
    assert rows["student_attendance", "boys"]["split_label"] == "ছেলে"
    assert rows["student_attendance", "visit_type:routine"]["split_label"] == "নিয়মিত"
    named = {"label", "split_label"}
    assert [{name: row[name] for name in row.keys() - named} for row in told["figures"]] == plain[
        "figures"
    ]
    below = await world.get("/v1/units/P/children/figures", period="2018-03", lang="ur")
    for each in (below, *below["children"]):
        labels = {row["indicator"]: row["label"] for row in each["figures"]}
        assert labels["student_attendance"] == "طلبہ کی حاضری"
    refused = await world.client.get("/v1/units/P/figures?period=2018-03&lang=xx")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/lang"
    # A seal is of figures, whatever they are called.
    sealed = await world.get("/v1/units/P/figures", period="2018-03", seal="true", lang="bn")
    checked = await world.get(
        "/v1/units/P/seal", period="2018-03", known_at=sealed["as_of"], seal=sealed["seal"]
    )
    assert checked["verdict"] == "confirmed"
