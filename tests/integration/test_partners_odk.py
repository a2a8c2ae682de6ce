"""ODK Central: its OData feed, its hooks, its reviews, edits and deletions."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest

from tests.support.partner_servers import CentralServer
from tests.support.partners import Partnership, central, nested, partnered, partners

__all__ = ["central", "partnered", "partners"]
XML = """<?xml version='1.0' encoding='UTF-8'?>
<data id="rtsm_visit" version="1" xmlns:orx="http://openrosa.org/xforms">
<school_code>01001</school_code><visited_at>2019-03-05T09:40:00.000+05:00</visited_at>
<status>open</status><students><students_boys><students_boys_enrolled>64</students_boys_enrolled>
<students_boys_present>47</students_boys_present></students_boys>
<students_grades><students_grades_grade>3</students_grades_grade></students_grades></students>
<orx:meta><orx:instanceID>{instance}</orx:instanceID></orx:meta></data>"""


def bare(row: dict[str, Any]) -> str:
    return str(row["__id"]).removeprefix("uuid:")


async def test_a_feed_in_many_pages_is_read_whole(
    partners: Partnership, central: CentralServer
) -> None:
    central.page = 3
    rows = [central.submit(**nested(boys_present=40 + place)) for place in range(8)]
    await partners.declare("doe", central)
    state = await partners.poll("doe", complete="true")
    assert state["submissions"]["applied"] == 8
    visits = await partners.visits()
    assert {bare(row) for row in rows} == set(visits)
    assert visits[bare(rows[5])]["form"]["students"]["boys"]["present"] == 45
    assert visits[bare(rows[5])]["form"]["form_version"] == "1-abc"


async def test_what_changed_since_is_followed(
    partners: Partnership, central: CentralServer
) -> None:
    edited, rejected, deleted = (central.submit(**nested()) for _ in range(3))
    await partners.declare("doe", central)
    await partners.poll("doe", complete="true")
    central.edit(edited, **nested(boys_present=30))
    central.review(rejected, "rejected")
    central.delete(deleted)
    later = central.submit(**nested(boys_present=31))
    asked = len(central.calls)
    await partners.poll("doe")
    assert all("filter" in call for call in central.calls[asked:])
    record = (await partners.visit(bare(edited))).json()
    assert (record["revision"], record["form"]["students"]["boys"]["present"]) == (2, 30)
    record = (await partners.visit(bare(rejected))).json()
    assert (record["status"], record["history"][-1]["reason"]) == (
        "excluded",
        "rejected by the partner",
    )
    assert (await partners.visit(bare(deleted))).status_code == 410
    assert (await partners.visit(bare(later))).json()["status"] == "accepted"
    central.review(rejected, "approved")
    await partners.poll("doe")
    assert (await partners.visit(bare(rejected))).json()["status"] == "accepted"


async def test_a_server_that_lists_no_deletions_is_read_all_the_same(
    partners: Partnership, central: CentralServer
) -> None:
    central.lists_deletions = False
    kept, deleted = (central.submit(**nested()) for _ in range(2))
    await partners.declare("doe", central)
    await partners.poll("doe", complete="true")
    central.delete(deleted)
    assert (await partners.poll("doe"))["error"] is None
    assert (await partners.visit(bare(deleted))).status_code == 200
    await partners.poll("doe", complete="true")
    assert (await partners.visit(bare(deleted))).status_code == 410
    assert (await partners.visit(bare(kept))).status_code == 200


async def test_repeats_booleans_and_points_are_read(
    partners: Partnership, central: CentralServer
) -> None:
    students = {
        "students_grades": [
            {
                "students_grades_grade": "3",
                "students_grades_boys": {"students_grades_boys_enrolled": 20},
                "__id": "a",
            },
            {
                "students_grades_grade": "4",
                "students_grades_boys": {"students_grades_boys_enrolled": 9},
                "__id": "b",
            },
        ]
    }
    row = central.submit(
        **nested(),
        location={
            "type": "Point",
            "coordinates": [67.726, 30.381, 1600],
            "properties": {"accuracy": 12},
        },
        facilities={"facilities_water": {"facilities_water_available": "yes"}},
        oversight={"oversight_last_official_visit": "2019-02-20", "oversight_visitor_post": "deo"},
    )
    row["students"] |= students
    await partners.declare("doe", central)
    await partners.poll("doe", complete="true")
    form = (await partners.visit(bare(row))).json()["form"]
    assert form["location"] == {"lat": 30.381, "lon": 67.726, "accuracy_m": 12}
    assert form["facilities"] == {"water": {"available": True}}
    assert form["oversight"] == {"last_official_visit": "2019-02-20", "visitor_post": "deo"}
    assert form["students"]["grades"] == [
        {"grade": "3", "boys": {"enrolled": 20}},
        {"grade": "4", "boys": {"enrolled": 9}},
    ]


async def test_photos_become_digests(partners: Partnership, central: CentralServer) -> None:
    row = central.submit(**nested(photo_1="a b.jpg"))
    central.attach(row, "a b.jpg", b"one")
    await partners.declare("doe", central)
    await partners.poll("doe", complete="true")
    await partners.settled("doe")
    form = (await partners.visit(bare(row))).json()["form"]
    assert form["photos"] == [hashlib.sha256(b"one").hexdigest()]


@pytest.mark.parametrize("how", ["trigger", "xml"])
async def test_a_hook_brings_xml_and_reviews(
    partners: Partnership, central: CentralServer, how: str
) -> None:
    await partners.declare("doe", central, url=None)
    instance = f"uuid:{uuid4()}"
    text = XML.format(instance=instance)
    if how == "xml":
        answer = await partners.client.post(
            f"/v1/hooks/{partners.name('doe')}/{central.form}",
            content=text,
            headers={"Content-Type": "text/xml"},
        )
        await partners.house.drain()
    else:
        event = {"type": "submission.create", "id": instance, "data": {"xml": text}}
        answer = await partners.hook("doe", central.form, event)
    assert answer.status_code == 202, answer.text
    record = (await partners.visit(instance[5:])).json()
    assert record["form"]["students"] == {
        "boys": {"enrolled": 64, "present": 47},
        "grades": [{"grade": "3"}],
    }
    for state, status in (("rejected", "excluded"), ("approved", "accepted")):
        event = {"type": "submission.update", "id": instance, "data": {"reviewState": state}}
        assert (await partners.hook("doe", central.form, event)).status_code == 202
        assert (await partners.visit(instance[5:])).json()["status"] == status


async def test_a_telephone_sends_its_photos_with_the_form_in_two_calls(
    partners: Partnership, central: CentralServer
) -> None:
    await partners.declare("tablets", central, url=None)
    instance = str(uuid4())
    photos = "<photo_1>1.jpg</photo_1><photo_2>2.jpg</photo_2><orx:meta>"
    text = XML.format(instance=f"uuid:{instance}").replace("<orx:meta>", photos)
    path = f"/v1/hooks/{partners.name('tablets')}/{central.form}"
    for name, content in (("1.jpg", b"one"), ("2.jpg", b"two")):
        files = {
            "xml_submission_file": ("submission.xml", text, "text/xml"),
            name: (name, content, "image/jpeg"),
        }
        answer = await partners.client.post(path, files=files)
        assert (answer.status_code, answer.headers["x-openrosa-version"]) == (201, "1.0")
        await partners.house.drain()
    record = (await partners.visit(instance)).json()
    digests = [hashlib.sha256(content).hexdigest() for content in (b"one", b"two")]
    assert record["form"]["photos"] == digests
    for content in (b"", b"--x\r\nnonsense"):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await partners.client.post(path, content=content, headers=headers)
        assert answer.status_code in {400, 422}, answer.text
