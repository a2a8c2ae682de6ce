"""What partners may and may not do to the ledger, and how foreign forms are declared."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.partners import Partnership, answers, partnered, partners

__all__ = ["partnered", "partners"]
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
SAMPLES = REAL / "submission_samples" / "kobo_api_v2_submissions.json"
FORM = "aVisitForm1"
PRESENT = "students/students_boys/students_boys_present"


def submission(**more: Any) -> dict[str, Any]:
    instance = str(uuid4())
    return answers(**more) | {"_uuid": instance, "meta/instanceID": f"uuid:{instance}"}


async def test_what_a_person_corrected_here_is_not_overwritten_by_an_edit_there(
    partners: Partnership,
) -> None:
    await partners.declare("pmc", None)
    sent = submission()
    await partners.hook("pmc", FORM, sent)
    path = f"/v1/visits/{sent['_uuid']}"
    source = {"source": partners.source()}
    form = (await partners.visit(sent["_uuid"])).json()["form"]
    form["students"]["boys"]["present"] = 44
    form.pop("visit_id")
    put = await partners.client.put(path, json=form, params=source, headers={"If-Match": '"1"'})
    assert put.status_code == 200, put.text
    edit = sent | {PRESENT: "30", "meta/instanceID": f"uuid:{uuid4()}"}
    edit |= {"meta/deprecatedID": sent["meta/instanceID"], "meta/rootUuid": sent["_uuid"]}
    await partners.hook("pmc", FORM, edit)
    assert (await partners.visit(sent["_uuid"])).json()["form"]["students"]["boys"]["present"] == 44
    [kept] = await partners.submissions("pmc", state="unapplied")
    assert (kept["submission"], kept["reasons"][0]["code"]) == (sent["_uuid"], "corrected_here")
    retry = f"/v1/adapters/{partners.name('pmc')}/forms/{FORM}/submissions/{sent['_uuid']}/retry"
    assert (await partners.client.post(retry, params={"force": "true"})).status_code == 202
    await partners.house.drain()
    assert (await partners.visit(sent["_uuid"])).json()["form"]["students"]["boys"]["present"] == 30
    shown = await partners.client.get(retry.removesuffix("/retry"))
    assert [json.loads(one["payload"])[PRESENT] for one in shown.json()["payloads"]] == ["47", "30"]


async def test_what_breaks_a_rule_is_kept_with_its_reason_and_counts_once_mended(
    partners: Partnership,
) -> None:
    await partners.declare("pmc", None)
    sent = submission(**{PRESENT: "65"})
    await partners.hook("pmc", FORM, sent)
    [kept] = await partners.submissions("pmc", state="unapplied")
    assert [one["code"] for one in kept["reasons"]] == ["present_exceeds_enrolled"]
    assert kept["reasons"][0]["pointer"] == "/students/boys/present"
    edit = sent | {PRESENT: "60", "meta/instanceID": f"uuid:{uuid4()}"}
    await partners.hook("pmc", FORM, edit | {"meta/deprecatedID": sent["meta/instanceID"]})
    record = (await partners.visit(sent["_uuid"])).json()
    assert (record["revision"], record["form"]["students"]["boys"]["present"]) == (1, 60)
    assert await partners.submissions("pmc", state="unapplied") == []


async def test_whose_key_may_call(partners: Partnership) -> None:
    await partners.declare("pmc", None, units=["QTA"])
    path = f"/v1/hooks/{partners.name('pmc')}/{FORM}"
    access = partners.house.platform.access

    async def key(*scopes: str, source: str, units: list[str] | None = None) -> str:
        made, _, _ = await access.create_key("partner", list(scopes), source=source, units=units)
        return made

    own = await key("visits:write", source=partners.source())
    basic = base64.b64encode(f"kobo:{own}".encode()).decode()
    for headers in (
        {"Authorization": f"Bearer {own}"},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": "", "X-API-Key": own},
    ):
        if not headers["Authorization"]:
            del partners.client.headers["Authorization"]
            headers.pop("Authorization")
        answer = await partners.client.post(path, json=submission(), headers=headers)
        partners.client.headers["Authorization"] = f"Bearer {partners.house.key}"
        assert answer.status_code == 202, (headers, answer.text)
    refused = {
        await key("visits:read", source=partners.source()): 403,
        await key("visits:write", source="somebody"): 404,
        await key("visits:write", source=partners.source(), units=["PSN"]): 404,
        await key("visits:write", source=partners.source(), units=["QTA"]): 202,
        "rtsm_no_key": 401,
    }
    for secret, status in refused.items():
        headers = {"Authorization": f"Bearer {secret}"}
        answer = await partners.client.post(path, json=submission(), headers=headers)
        assert answer.status_code == status, answer.text
    for other in ("/v1/hooks/nobody/x", f"/v1/hooks/{partners.name('pmc')}/another"):
        assert (await partners.client.post(other, json=submission())).status_code == 404


async def test_a_login_goes_in_and_never_comes_out(partners: Partnership) -> None:
    secret = "never-shown-again"  # noqa: S105
    await partners.declare("pmc", None, url="http://127.0.0.1:9", login={"token": secret})
    for path in ("", f"/{partners.name('pmc')}"):
        answer = await partners.client.get(f"/v1/adapters{path}")
        assert answer.status_code == 200
        assert secret not in answer.text


MAPPING: dict[str, Any] = {
    "fields": [
        {"to": "/school_code", "from": ["EMIS_Code"]},
        {"to": "/visited_at", "from": ["start"]},
        {"to": "/status", "from": ["state"], "codes": {"1": "open", "2": "closed_temporarily"}},
        {"to": "/students/boys/enrolled", "from": ["grp/b1", "grp/b2"], "missing": ["999"]},
        {"to": "/location", "from": ["gps"]},
        {"to": "/location/accuracy_m", "from": ["far"], "factor": 1000},
        {"to": "/facilities/water/available", "from": ["has"], "selected": "water"},
        {"to": "/oversight/last_official_visit", "from": ["when"], "order": "dmy"},
        {"to": "/monitor_id", "value": "TEAM-7"},
    ],
    "ignore": ["end", "note*"],
}


async def test_a_foreign_form_is_tried_declared_and_read(partners: Partnership) -> None:
    await partners.declare("ngo", None)
    row = {
        "_uuid": str(uuid4()),
        "start": "2019-03-05T09:40:00.000+05:00",
        "end": "2019-03-05T10:40:00.000+05:00",
        "EMIS_Code": "01001",
        "state": "1",
        "grp/b1": "30",
        "grp/b2": "34",
        "gps": "30.381 67.726 1600 8",
        "has": "light water",
        "when": "20/02/2019",
        "comment": "unread",
        "note_1": "",
    }
    base = f"/v1/adapters/{partners.name('ngo')}/forms/{FORM}"
    tried = {"submissions": [row, row | {"grp/b1": "many"}], "mapping": MAPPING}
    answer = await partners.client.post(f"{base}/dry-run", json=tried)
    report = answer.json()
    assert (report["good"], report["bad"]) == (1, 1), report
    assert (report["unmapped"], report["never_answered"]) == (["comment"], ["far"])
    assert report["submissions"][1]["errors"][0]["pointer"] == "/students/boys/enrolled"
    assert await partners.visits() == {}
    await partners.declare("ngo", None, forms=[{"form": FORM, "mapping": MAPPING}])
    await partners.hook("ngo", FORM, row)
    form = (await partners.visit(row["_uuid"])).json()["form"]
    assert form["students"] == {"boys": {"enrolled": 64}}
    assert form["location"] == {"lat": 30.381, "lon": 67.726, "accuracy_m": 8}
    assert form["facilities"] == {"water": {"available": True}}
    assert (form["oversight"], form["monitor_id"]) == (
        {"last_official_visit": "2019-02-20"},
        "TEAM-7",
    )
    bad = {"fields": [{"to": "/students/boys/height", "from": ["x"]}]}
    answer = await partners.client.post(f"{base}/dry-run", json=tried | {"mapping": bad})
    assert answer.json()["errors"][0]["pointer"] == "/mapping/fields/0/to"


async def test_a_better_mapping_reads_what_the_last_one_could_not(partners: Partnership) -> None:
    await partners.declare("ngo", None)
    await partners.hook("ngo", FORM, submission(status=None, state="1"))
    assert len(await partners.submissions("ngo", state="unapplied")) == 1
    names = ("school_code", "visited_at")
    fields = [{"to": f"/{name}", "from": [name]} for name in names]
    fields.append({"to": "/status", "from": ["state"], "codes": {"1": "open"}})
    await partners.declare("ngo", None, forms=[{"form": FORM, "mapping": {"fields": fields}}])
    await partners.house.drain()
    assert len(await partners.visits()) == 1


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not here")
async def test_real_samples_go_through(partners: Partnership) -> None:
    mapping = {
        "fields": [
            {"to": "/school_code", "value": "1001"},
            {"to": "/visited_at", "from": ["start"]},
            {"to": "/ended_at", "from": ["end"]},
            {"to": "/status", "value": "open"},
            {"to": "/location", "from": ["Record_your_current_location"]},
            {"to": "/photos", "from": ["Take_a_photo_of_this_tree"]},
            {"to": "/monitor_id", "from": ["username"]},
            {"to": "/device_id", "from": ["deviceid"]},
        ],
        "ignore": ["today", "simserial"],
    }
    form = "aTrees1"
    await partners.declare("trees", None, forms=[{"form": form, "mapping": mapping}])
    # The deployment's clock stands in 2019, the samples are of 2021.
    text = await asyncio.to_thread(SAMPLES.read_text)
    rows = json.loads(text.replace("2021-11-", "2018-11-"))["results"]
    for row in rows:
        assert (await partners.hook("trees", form, row)).status_code == 202
    original = "bf66ca42-160c-4207-8d01-af7df2852945"
    assert set(await partners.visits()) == {rows[0]["_uuid"], rows[1]["_uuid"], original}
    document = {"submissions": rows}
    base = f"/v1/adapters/{partners.name('trees')}/forms/{form}/dry-run"
    report = (await partners.client.post(base, json=document)).json()
    assert report["unmapped"] == [
        "Estimate_height_of_your_tree_in_meters",
        "I_like_this_tree_because",
    ]
