"""Corrections, withdrawals, restoring and reviews: every change of standing is a revision."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.intake import House, intake, school, visit

__all__ = ["intake"]
EARLY = "2012-01-02T09:40:00+05:00"


async def posted(intake: House, **more: Any) -> tuple[dict[str, Any], str]:
    form = visit(**more)
    assert (await intake.post(form)).status_code in {201, 202}
    return form, f"/v1/visits/{form['visit_id']}"


async def reviewed(intake: House, path: str, decision: str) -> Any:
    body = {"decision": decision, "reason": "checked", "note": "by telephone"}
    return await intake.call("POST", f"{path}/review", body)


async def test_a_correction_is_the_next_revision(intake: House) -> None:
    form, path = await posted(intake, monitor_id="M1")
    changed = form | {"remarks": "seen again"}
    answer = await intake.put(changed, 1)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    receipt = answer.json()
    assert (receipt["revision"], receipt["status"]) == (2, "accepted")
    record = (await intake.call("GET", path)).json()
    assert (record["revision"], record["form"]) == (2, changed)
    assert [entry["kind"] for entry in record["history"]] == ["accepted", "corrected"]
    history = (await intake.call("GET", f"{path}/revisions")).json()["revisions"]
    assert [entry["form"] for entry in history] == [form, changed]
    first, second = await intake.events()
    assert (second["type"], second["revision"]) == ("rtsm.visit.corrected.v1", 2)
    assert second["received_at"] == first["received_at"] < second["recorded_at"]


async def test_every_revision_tells_the_instant_of_its_own_commit(intake: House) -> None:
    form, path = await posted(intake)
    record = (await intake.call("GET", path)).json()
    assert record["received_at"] < record["recorded_at"]
    for _ in range(2):  # alone, and with a correction after it
        told = (await intake.call("GET", f"{path}/revisions")).json()
        events = [event["recorded_at"] for event in await intake.events()]
        assert [entry["recorded_at"] for entry in told["revisions"]] == events
        assert events[0] == record["recorded_at"]
        assert told["received_at"] == record["received_at"]
        history = (await intake.call("GET", path)).json()["history"]
        assert [entry["recorded_at"] for entry in history] == events
        await intake.put(form | {"remarks": "seen again"}, 1)


async def test_a_correction_needs_the_present_revision(intake: House) -> None:
    form, path = await posted(intake)
    changed = form | {"remarks": "a"}
    assert (await intake.call("PUT", path, changed)).status_code == 428
    for stale in ('"0"', '"2"', 'W/"1"', '"x"', '"' + "9" * 5000 + '"'):
        answer = await intake.call("PUT", path, changed, headers={"If-Match": stale})
        assert answer.status_code == 412, stale
    for fresh in ('"1"', "*"):
        answer = await intake.call("PUT", path, changed, headers={"If-Match": fresh})
        assert answer.status_code == 200, fresh
    unknown = visit()
    assert (await intake.put(unknown, 1)).status_code == 404
    assert (
        await intake.call("PUT", "/v1/visits/none", form, headers={"If-Match": "*"})
    ).status_code == 404


async def test_what_changes_nothing_is_200_whatever_if_match_says(intake: House) -> None:
    form, path = await posted(intake)
    for tag in ("1", "7"):
        answer = await intake.put(form | {"visit_type": "routine", "rooms": None}, tag)
        assert (answer.status_code, answer.json()["revision"]) == (200, 1)
    assert (await intake.call("DELETE", path)).json()["revision"] == 2
    again = await intake.call("DELETE", path, headers={"If-Match": '"1"'})
    assert (again.status_code, again.json()["revision"]) == (200, 2)
    assert len(await intake.events()) == 2


async def test_an_invalid_correction_changes_nothing(intake: House) -> None:
    form, _ = await posted(intake)
    bad = form | {"rooms": {"available": 1, "usable": 2}}
    answer = await intake.put(bad, 1)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/rooms/usable")
    other = visit()
    answer = await intake.call(
        "PUT", f"/v1/visits/{form['visit_id']}", other, headers={"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/visit_id")
    assert len(await intake.events()) == 1


async def test_withdrawn_is_gone_until_put_restores_it(intake: House) -> None:
    form, path = await posted(intake)
    stale = await intake.call("DELETE", f"{path}?reason=wrong", headers={"If-Match": '"5"'})
    assert stale.status_code == 412
    gone = await intake.call("DELETE", f"{path}?reason=wrong school")
    assert (gone.status_code, gone.json()["status"], gone.json()["revision"]) == (
        200,
        "withdrawn",
        2,
    )
    assert (await intake.call("GET", path)).status_code == 410
    assert (await intake.post(form)).status_code == 410
    assert (await intake.post(form | {"remarks": "x"})).status_code == 410
    assert (await reviewed(intake, path, "exclude")).status_code == 410
    batch = await intake.post([form], "/v1/visits/batch")
    assert batch.json()["results"][0]["problem"]["status"] == 410
    assert (await intake.put(form, 1)).status_code == 412
    restored = await intake.put(form, 2)
    assert (restored.status_code, restored.json()["revision"]) == (200, 3)
    assert (await intake.post(form)).status_code == 200
    history = (await intake.call("GET", f"{path}/revisions")).json()["revisions"]
    assert [entry["kind"] for entry in history] == ["accepted", "withdrawn", "restored"]
    assert history[1]["reason"] == "wrong school"
    types = [event["type"] for event in await intake.events()]
    assert types == [f"rtsm.visit.{kind}.v1" for kind in ("accepted", "withdrawn", "corrected")]
    assert [event["standing"] for event in await intake.events()] == [
        "standing",
        "withdrawn",
        "standing",
    ]


async def test_a_replay_after_a_correction_gets_the_first_receipt(intake: House) -> None:
    form = visit(ended_at="2018-03-05T09:41:00+05:00")
    first = (await intake.post(form)).json()
    assert first["flags"] == [{"code": "short_visit", "pointer": "/ended_at"}]
    changed = form | {"ended_at": "2018-03-05T10:41:00+05:00"}
    assert (await intake.put(changed, 1)).json()["flags"] == []
    again = await intake.post(form)
    assert (again.status_code, again.json()) == (200, first)
    assert (await intake.post(changed)).status_code == 409


async def test_a_correction_of_the_school_names_the_previous_one(intake: House) -> None:
    await intake.call("PUT", "/v1/schools", [school("02")])
    form, _ = await posted(intake)
    await intake.put(form | {"school_code": "001001"}, 1)
    await intake.put(form | {"school_code": "2"}, 2)
    events = await intake.events()
    assert "previous_school_code" not in events[1]
    assert (events[2]["school_code"], events[2]["previous_school_code"]) == ("2", "1001")
    assert events[2]["key"] == "2"


async def test_a_quarantined_visit_can_be_corrected_into_standing(intake: House) -> None:
    form, path = await posted(intake, visited_at=EARLY)
    answer = await intake.put(form | {"visited_at": "2018-02-05T09:40:00+05:00"}, 1)
    assert answer.json()["status"] == "accepted"
    other, _ = await posted(intake, school_code="unknown")
    answer = await intake.put(other | {"school_code": "1001"}, 1)
    assert answer.json()["status"] == "accepted"
    assert (await intake.call("DELETE", path)).status_code == 200
    back = await intake.put(form, 3)
    assert back.json()["status"] == "quarantined"


async def test_exclude_and_include(intake: House) -> None:
    form, path = await posted(intake)
    excluded = await reviewed(intake, path, "exclude")
    assert (excluded.json()["status"], excluded.json()["revision"]) == ("excluded", 2)
    assert (await reviewed(intake, path, "exclude")).json()["revision"] == 2
    corrected = await intake.put(form | {"remarks": "x"}, 2)
    assert (corrected.json()["status"], corrected.json()["revision"]) == ("excluded", 3)
    await intake.call("DELETE", path)
    restored = await intake.put(form, 4)
    assert restored.json()["status"] == "excluded"  # nobody gets round a review by withdrawing
    replay = await intake.post(form)
    assert (replay.status_code, replay.json()["status"]) == (200, "excluded")
    included = await reviewed(intake, path, "include")
    assert (included.json()["status"], included.json()["revision"]) == ("accepted", 6)
    assert (await reviewed(intake, path, "include")).json()["revision"] == 6
    history = (await intake.call("GET", f"{path}/revisions")).json()["revisions"]
    assert (history[1]["kind"], history[1]["reason"], history[1]["note"]) == (
        "excluded",
        "checked",
        "by telephone",
    )
    standings = [event["standing"] for event in await intake.events()]
    assert standings == ["standing", "excluded", "excluded", "withdrawn", "excluded", "standing"]


async def test_release_lets_an_impossible_date_count(intake: House) -> None:
    form, path = await posted(intake, visited_at=EARLY)
    released = await reviewed(intake, path, "release")
    assert (released.json()["status"], released.json()["revision"]) == ("accepted", 2)
    assert (await reviewed(intake, path, "release")).json()["revision"] == 2
    assert (await intake.put(form | {"remarks": "x"}, 2)).json()["status"] == "accepted"
    await intake.call("DELETE", path)
    assert (await intake.put(form, 4)).json()["status"] == "accepted"
    other_date = form | {"visited_at": "2013-01-02T09:40:00+05:00"}
    assert (await intake.put(other_date, 5)).json()["status"] == "quarantined"
    standings = [event["standing"] for event in await intake.events()]
    assert standings[:3] == ["quarantined", "standing", "standing"]


async def test_nobody_can_release_a_visit_from_waiting_for_its_school(intake: House) -> None:
    _, path = await posted(intake, school_code="unknown")
    assert (await reviewed(intake, path, "release")).status_code == 409
    standing, _ = await posted(intake)
    answer = await reviewed(intake, f"/v1/visits/{standing['visit_id']}", "release")
    assert (answer.status_code, answer.json()["revision"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "forget"}, "/decision"),
        ({}, "/decision"),
        ({"decision": "exclude", "why": 1}, "/why"),
        ({"decision": "exclude", "note": "a\u0000"}, "/note"),
    ],
)
async def test_a_review_is_checked(intake: House, body: dict[str, Any], pointer: str) -> None:
    _, path = await posted(intake)
    answer = await intake.call("POST", f"{path}/review", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_reading_with_an_entity_tag(intake: House) -> None:
    _, path = await posted(intake)
    tag = (await intake.call("GET", path)).headers["etag"]
    assert tag == '"1"'
    assert (await intake.call("GET", path, headers={"If-None-Match": tag})).status_code == 304
    waiting, _ = await posted(intake, school_code="unknown")
    answer = await intake.call("GET", f"/v1/visits/{waiting['visit_id']}")
    assert "etag" not in answer.headers  # its status changes without a revision
