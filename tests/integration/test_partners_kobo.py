"""KoboToolbox: hooks and polls make visits; edits, deletions and reviews are followed."""

from __future__ import annotations

import hashlib

from tests.support.partner_servers import KoboServer
from tests.support.partners import Partnership, answers, kobo, partnered, partners

__all__ = ["kobo", "partnered", "partners"]
PRESENT = "students/students_boys/students_boys_present"


def visit_id(row: dict[str, object]) -> str:
    return str(row["meta/rootUuid"]).removeprefix("uuid:")


async def test_a_poll_reads_every_page_and_the_same_again_changes_nothing(
    partners: Partnership, kobo: KoboServer
) -> None:
    kobo.page = 3
    rows = [kobo.submit(**answers(**{PRESENT: str(40 + place)})) for place in range(8)]
    await partners.declare("pmc", kobo)
    state = await partners.poll("pmc", complete="true")
    assert state["submissions"] == {"waiting": 0, "applied": 8, "unapplied": 0, "gone": 0}
    visits = await partners.visits()
    assert set(visits) == {visit_id(row) for row in rows}
    first = visits[visit_id(rows[0])]
    assert first["form"]["students"]["boys"] == {"enrolled": 64, "present": 40}
    assert {one["revision"] for one in visits.values()} == {1}
    await partners.poll("pmc", complete="true")
    assert {one["revision"] for one in (await partners.visits()).values()} == {1}


async def test_edits_deletions_and_reviews_become_revisions(
    partners: Partnership, kobo: KoboServer
) -> None:
    edited, deleted, rejected = (kobo.submit(**answers()) for _ in range(3))
    await partners.declare("pmc", kobo)
    await partners.poll("pmc", complete="true")
    kobo.edit(kobo.edit(edited, **{PRESENT: "46"}), **{PRESENT: "45"})
    kobo.delete(deleted)
    not_approved = {"uid": "validation_status_not_approved", "label": "Not approved"}
    rejected["_validation_status"] = not_approved
    await partners.poll("pmc", complete="true")

    record = (await partners.visit(visit_id(edited))).json()
    assert (record["revision"], record["form"]["students"]["boys"]["present"]) == (2, 45)
    assert (await partners.visit(visit_id(deleted))).status_code == 410
    record = (await partners.visit(visit_id(rejected))).json()
    assert (record["status"], record["history"][-1]["reason"]) == (
        "excluded",
        "not approved by the partner",
    )
    kobo.rows[deleted["_id"]] = deleted
    rejected["_validation_status"] = {}
    await partners.poll("pmc", complete="true")
    assert (await partners.visit(visit_id(deleted))).json()["status"] == "accepted"
    assert (await partners.visit(visit_id(rejected))).json()["status"] == "accepted"


async def test_a_hook_and_a_poll_of_the_same_submission_are_one_visit(
    partners: Partnership, kobo: KoboServer
) -> None:
    row = kobo.submit(**answers())
    await partners.declare("pmc", kobo)
    answer = await partners.hook("pmc", kobo.form, row)
    assert answer.status_code in {200, 202}, answer.text
    again = await partners.hook("pmc", kobo.form, row)
    assert (again.status_code, again.json()["received"]) == (200, "known")
    await partners.poll("pmc", complete="true")
    assert {one["revision"] for one in (await partners.visits()).values()} == {1}


async def test_an_old_edition_that_arrives_late_does_not_undo_the_edit(
    partners: Partnership, kobo: KoboServer
) -> None:
    first = kobo.submit(**answers())
    first.pop("meta/rootUuid")
    second = kobo.edit(first, **{PRESENT: "46"})
    third = kobo.edit(second, **{PRESENT: "45"})
    await partners.declare("pmc", kobo)
    await partners.poll("pmc", complete="true")
    for late in (second, first):
        answer = await partners.hook("pmc", kobo.form, late)
        assert answer.json()["received"] == "superseded", answer.text
    [record] = (await partners.visits()).values()
    assert record["form"]["students"]["boys"]["present"] == 45
    assert str(third["meta/deprecatedID"]) == f"uuid:{record['visit_id']}"


async def test_photos_become_digests(partners: Partnership, kobo: KoboServer) -> None:
    row = kobo.submit(**answers(photo_1="1.jpg", photo_2="2.jpg"))
    kobo.attach(row, "1.jpg", b"one")
    kobo.attach(row, "2.jpg", b"two")
    await partners.declare("pmc", kobo)
    await partners.poll("pmc", complete="true")
    await partners.settled("pmc")
    [record] = (await partners.visits()).values()
    digests = [hashlib.sha256(content).hexdigest() for content in (b"one", b"two")]
    assert (record["revision"], record["form"]["photos"]) == (1, digests)


async def test_many_that_vanish_at_once_are_held_until_a_person_confirms(
    partners: Partnership, kobo: KoboServer
) -> None:
    rows = [kobo.submit(**answers()) for _ in range(14)]
    await partners.declare("pmc", kobo)
    await partners.poll("pmc", complete="true")
    kobo.rows.clear()
    state = await partners.poll("pmc", complete="true")
    assert "14 submissions vanished" in state["error"]
    assert state["submissions"]["applied"] == 14
    state = await partners.poll("pmc", deletions="accept")
    assert (state["error"], state["submissions"]["gone"]) == (None, 14)
    assert (await partners.visit(visit_id(rows[0]))).status_code == 410
