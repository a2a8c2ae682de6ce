"""Posting one visit: receipts, replays, conflicts, quarantine, units, waiting for figures."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.intake import House, house, intake, school, visit

__all__ = ["intake"]


async def test_an_accepted_visit_is_two_rows(intake: House) -> None:
    form = visit(remarks="یہ", location={"lat": 1.5, "lon": 2.5}, device_id="T-88", source="pmc")
    answer = await intake.post(form)
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt | {"received_at": 0, "position": 0} == {
        "visit_id": form["visit_id"],
        "source": "pmc",
        "revision": 1,
        "status": "accepted",
        "flags": [],
        "received_at": 0,
        "position": 0,
    }
    assert await intake.rows("SELECT count(*) FROM visits") == [(1,)]
    assert await intake.rows("SELECT count(*) FROM revisions") == [(0,)]
    [event] = await intake.events()
    assert (event["type"], event["key"]) == ("rtsm.visit.accepted.v1", "1001")
    assert (event["standing"], event["school_code"], event["revision"]) == ("standing", "1001", 1)
    assert event["visited_at"] == "2018-03-05T04:40:00Z"
    assert event["form"].keys().isdisjoint({"remarks", "location", "device_id", "source"})
    assert event["recorded_at"] > event["received_at"] == receipt["received_at"]
    assert "previous_school_code" not in event


async def test_the_same_content_gets_the_first_receipt(intake: House) -> None:
    form = visit(students={"boys": {"enrolled": 3, "present": 2}})
    first = await intake.post(form)
    again = await intake.post(form | {"visited_at": "2018-03-05T04:40:00Z", "rooms": None})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(await intake.events()) == 1


async def test_other_content_under_the_same_id_is_a_conflict(intake: House) -> None:
    form = visit()
    await intake.post(form)
    answer = await intake.post(form | {"remarks": "x"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(await intake.events()) == 1


async def test_leading_zeros_are_one_school_and_another_content(intake: House) -> None:
    form = visit(school_code="001001")
    assert (await intake.post(form)).json()["status"] == "accepted"
    assert (await intake.post(form | {"school_code": "1001"})).status_code == 409
    assert (await intake.events())[0]["school_code"] == "1001"
    record = (await intake.call("GET", f"/v1/visits/{form['visit_id']}")).json()
    assert record["form"] == form


async def test_an_unknown_school_waits_and_is_counted_when_it_comes(intake: House) -> None:
    form = visit(school_code=" BEF-7 ")
    first = await intake.post(form)
    assert (first.status_code, first.json()["status"]) == (202, "quarantined")
    again = await intake.post(form)
    assert (again.status_code, again.json()) == (200, first.json())
    path = f"/v1/visits/{form['visit_id']}"
    assert (await intake.call("GET", path)).json()["quarantine"] == "unknown_school"
    await intake.call("PUT", "/v1/schools", [school("BEF-7")])
    released = await intake.post(form)
    assert released.status_code == 200
    assert released.json() == first.json() | {"status": "accepted"}
    record = (await intake.call("GET", path)).json()
    assert (record["status"], record["revision"]) == ("accepted", 1)
    assert len(await intake.events()) == 1


async def test_a_date_before_the_first_day_waits_to_be_corrected(intake: House) -> None:
    form = visit(visited_at="2012-01-02T09:40:00+05:00")
    answer = await intake.post(form)
    assert (answer.status_code, answer.json()["status"]) == (202, "quarantined")
    assert {flag["code"] for flag in answer.json()["flags"]} >= {"date_to_be_corrected"}
    assert (await intake.events())[0]["standing"] == "quarantined"


async def test_the_first_day_is_a_local_day(intake: House) -> None:
    early, late = "2017-12-31T18:59:59Z", "2017-12-31T19:00:00Z"  # midnight in Quetta
    assert (await intake.post(visit(visited_at=early))).status_code == 202
    assert (await intake.post(visit(visited_at=late))).status_code == 201


async def test_receipts_carry_flags_of_form_and_register(intake: House) -> None:
    await intake.call(
        "PUT", "/v1/schools", [school("77", gender="boys", valid_from="2018-06-01", zone="winter")]
    )
    answer = await intake.post(
        visit(
            school_code="77",
            visited_at="2018-02-04T06:00:00+05:00",
            students={"girls": {"enrolled": 2}},
        )
    )
    codes = [flag["code"] for flag in answer.json()["flags"]]
    assert sorted(codes) == [
        "before_register",
        "girls_in_boys_school",
        "holiday",
        "outside_school_hours",
        "vacation",
    ]


async def test_times_of_receipt_increase_though_the_clock_stands(intake: House) -> None:
    answers = [await intake.post(visit()) for _ in range(5)]
    times = [answer.json()["received_at"] for answer in answers]
    assert times == sorted(set(times))
    positions = [answer.json()["position"] for answer in answers]
    assert positions == sorted(set(positions))


async def test_a_source_is_the_keys_own_unless_an_admin_names_another(intake: House) -> None:
    key = await intake.make_key("tablets", "visits:write", "visits:read")
    form = visit(source="somebody else")
    answer = await intake.post(form, key=key)
    assert answer.json()["source"] == "tablets"
    path = f"/v1/visits/{form['visit_id']}"
    assert (await intake.call("GET", path, key=key)).status_code == 200
    assert (await intake.call("GET", path)).status_code == 404
    assert (await intake.call("GET", f"{path}?source=tablets")).status_code == 200
    stranger = await intake.make_key("stranger", "visits:read")
    assert (await intake.call("GET", f"{path}?source=tablets", key=stranger)).status_code == 404
    # The same id of another source is another visit.
    assert (await intake.post(form)).status_code == 201


async def test_a_key_of_some_units_writes_and_reads_only_there(intake: House) -> None:
    await intake.call("PUT", "/v1/schools", [school("2002", "CL-02")])
    scopes = ("visits:write", "visits:read", "visits:review")
    inside = await intake.make_key("qta", *scopes, units=["QTA"], source="s")
    outside = await intake.make_key("psn", *scopes, units=["PSN"], source="s")
    alone = await intake.make_key("one", *scopes, units=["school:01001"], source="s")
    form = visit()
    path = f"/v1/visits/{form['visit_id']}"
    assert (await intake.post(form, key=outside)).status_code == 404
    assert (await intake.post(visit(school_code="new"), key=inside)).status_code == 404
    assert (await intake.post(form, key=inside)).status_code == 201
    for key, seen in ((inside, 200), (alone, 200), (outside, 404)):
        assert (await intake.call("GET", path, key=key)).status_code == seen
        listed = await intake.call("GET", "/v1/visits", key=key)
        assert len(listed.json()["visits"]) == (1 if seen == 200 else 0)
        assert (await intake.put(form | {"remarks": "a"}, 1, key=outside)).status_code == 404
        assert (await intake.call("DELETE", path, key=outside)).status_code == 404
    moved = form | {"school_code": "2002"}
    assert (await intake.put(moved, 1, key=inside)).status_code == 404
    batch = await intake.post([visit(), visit(school_code="2002")], "/v1/visits/batch", key=inside)
    assert [item["status"] for item in batch.json()["results"]] == ["accepted", "rejected"]
    assert batch.json()["results"][1]["problem"]["status"] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/visits"),
        ("POST", "/v1/visits/batch"),
        ("PUT", "/v1/visits/01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"),
        ("DELETE", "/v1/visits/01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"),
        ("POST", "/v1/visits/01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f/review"),
        ("GET", "/v1/visits"),
        ("PUT", "/v1/units"),
        ("GET", "/v1/schools"),
        ("PUT", "/v1/targets"),
    ],
)
async def test_nothing_without_a_key_or_its_scope(intake: House, method: str, path: str) -> None:
    assert (await intake.call(method, path, [], key="rtsm_no_key")).status_code == 401
    assert (await intake.client.request(method, path, json=[])).status_code == 401
    key = await intake.make_key("cards", "cards:read")
    assert (await intake.call(method, path, [], key=key)).status_code in {403, 404}


async def test_waiting_for_figures(intake: House) -> None:
    form = visit()
    intake.applied.add(("admin", form["visit_id"], "1", ""))
    answer = await intake.post(form, "/v1/visits?wait=figures")
    assert (answer.status_code, answer.json()["figures"]) == (201, "applied")
    intake.applied.add(("admin", form["visit_id"], "2", ""))
    path = f"/v1/visits/{form['visit_id']}?wait=figures"
    headers = {"If-Match": '"1"'}
    put = await intake.call("PUT", path, form | {"remarks": "b"}, headers=headers)
    assert put.json()["figures"] == "applied"
    version = (await intake.call("GET", "/v1/schools")).json()["schools"][0]["version"]
    intake.applied.add(("", "", "", str(version)))
    put = await intake.call("PUT", "/v1/schools?wait=figures", [school("1001")])
    assert put.json()["figures"] == "applied"
    assert (await intake.post(visit(), "/v1/visits?wait=weather")).status_code == 422


def test_the_document_says_what_a_visit_is(intake: House) -> None:
    document = intake.app.openapi()
    schema = document["paths"]["/v1/visits"]["post"]["requestBody"]["content"]["application/json"]
    assert set(schema["schema"]["required"]) == {"visit_id", "school_code", "visited_at", "status"}
    assert schema["schema"]["additionalProperties"] is False
    assert "$ref" not in json.dumps(schema)


async def test_times_go_on_after_a_restart_with_an_earlier_clock(tmp_path: Path) -> None:
    async with house(tmp_path) as before:
        before.clock.advance(timedelta(days=1))
        first = (await before.post(visit())).json()
    async with house(tmp_path) as after:
        second = (await after.post(visit())).json()
    assert second["received_at"] > first["received_at"]
    assert second["position"] > first["position"]
