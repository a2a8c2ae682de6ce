"""Tables in and out: dry runs, loss reports, the same file twice, round trips, both dialects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.ingest.load import MOST_VISITS, Load
from services.operations import import_visits
from shared.settings import Settings
from tests.benchmarks.intake import FORM
from tests.support.embedded import Embedded, embedded
from tests.support.intake import UNITS, school, visit
from tests.support.tables import CSV, MEDIA, counts, imported, told, workbook

KINDS = ("units", "schools", "visits", "targets", "officers")
SCHOOLS = (
    "school_code,name,unit_id,lat,lon,S.No\n01001, GPS One ,CL-01,30.5,67.1,1\nTOTAL,,,250,,2\n"
    "7,Seven,CL-01,250|m,67,3\n8,Eight,CL-01,Inf,67,4\n9,Nine,CL-01,-999,67,5\n"
    "1001,GPS One,CL-01,30.5,67.1,6\n10,Ten,Psnn,,,7\n"
)
OFFICERS: list[dict[str, Any]] = [
    {
        "officer_id": "O1",
        "name": "=Ali",
        "post": "DEO",
        "phone": "+923001234567",
        "channels": ["sms"],
        "postings": [
            {"unit_id": "QTA", "from": "2018-01-01", "to": "2018-12-31"},
            {"unit_id": "PSN", "from": "2019-01-01", "post": "DDEO", "acting": True},
        ],
    }
]


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    """All services with a small register, on either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with embedded(tmp_path, database_url=url) as opened:
        (await opened.client.put("/v1/units", json=UNITS)).raise_for_status()
        yield opened


async def registered(house: Embedded) -> list[dict[str, Any]]:
    answer = await house.client.get("/v1/schools")
    return answer.json()["schools"]  # type: ignore[no-any-return]


async def test_a_dirty_register_is_told_first_and_imported_once(house: Embedded) -> None:
    tried = await imported(house, SCHOOLS, "kind=schools&dry_run=true")
    assert (tried["state"], tried["dry_run"], tried["rows"]) == ("finished", True, 7)
    assert await registered(house) == []
    lines = [
        (1, "S.No", "column_ignored"),
        (3, "school_code", "total_row"),
        (4, "lat", "number_with_unit"),
        (5, "lat", "not_finite"),
        (6, "lat", "missing_mark"),
        (7, None, "double_key"),
        (8, "unit_id", "unknown_unit"),
    ]
    assert told(tried) == lines
    assert "PSN" in tried["losses"][-1]["fix"]  # offered, not taken
    assert "250" not in json.dumps([loss["detail"] for loss in tried["losses"]])
    done = await imported(house, SCHOOLS, "kind=schools")
    assert (counts(done), told(done)) == ({"accepted": 1, "rejected": 6}, lines)
    [one] = await registered(house)
    assert (one["school_code"], one["name"]) == ("01001", "GPS One")
    again = await imported(house, SCHOOLS, "kind=schools")
    assert counts(again) == {"unchanged": 1, "rejected": 6}
    assert await registered(house) == [one]


async def test_a_dry_run_is_run_in_earnest_without_sending_the_file_again(house: Embedded) -> None:
    tried = await imported(house, SCHOOLS, "kind=schools&dry_run=true")
    path = f"/v1/imports/{tried['import_id']}/run"
    answer = await house.client.post(path)
    assert answer.status_code == 202
    await house.drain()
    job = (await house.client.get(answer.headers["Location"])).json()
    assert (job["dry_run"], counts(job)) == (False, {"accepted": 1, "rejected": 6})
    assert (await house.client.post(f"/v1/imports/{job['import_id']}/run")).status_code == 409


async def test_a_kept_mapping_reads_a_foreign_table(house: Embedded) -> None:
    mapping = {
        "kind": "visits",
        "fields": {
            "school_code": {"column": "BEMIS"},
            "visited_at": {"columns": ["Date", "Time"], "order": "dmy"},
            "status": {"column": "Open?", "words": {"yes": "open", "no": "closed_temporarily"}},
            "students.boys.enrolled": {"column": "Boys", "missing": ["-1"]},
            "students.boys.present": {"column": "Present", "on_fault": "cell"},
        },
        "key": ["BEMIS", "Date"],
    }
    kept = await house.client.put("/v1/mappings/hr-form", json=mapping)
    assert kept.status_code == 200, kept.text
    await house.client.put("/v1/schools", json=[school("1001")])
    table = workbook(
        ["S.No", "BEMIS", "Date", "Time", "Open?", "boys ", "Present"],
        [1, "01001", "05/03/2018", "9:40", "YES", 40, "30"],
        [2, 1001, "06/03/2018", "9:40", "yes", -1, "12|m"],
        [3, 1001, "07/03/2018", "9:40", "perhaps", 40, 30],
        [4, "77", "07/03/2018", "9:40", "no", None, None],
        [5, 1001, "", "9:40", "yes", 40, 30],
        [6, 1001, "08/03/2018", "9:40", "yes", 40, 50],
    )
    job = await imported(house, table, "kind=visits&mapping=hr-form", MEDIA["xlsx"])
    assert counts(job) == {"accepted": 2, "quarantined": 1, "rejected": 3}
    assert told(job) == [
        (1, "S.No", "column_ignored"),
        (3, "Present", "number_with_unit"),
        (4, "Open?", "not_in_list"),
        (5, "BEMIS", "unknown_school"),
        (6, "Date + Time", "not_a_time"),
        (7, "Present", "present_exceeds_enrolled"),
    ]
    listed = (await house.client.get("/v1/visits?school=1001")).json()["visits"]
    assert [v["form"]["visited_at"] for v in listed] == [
        "2018-03-05T09:40:00+05:00",
        "2018-03-06T09:40:00+05:00",
    ]
    again = await imported(house, table, "kind=visits&mapping=hr-form", MEDIA["xlsx"])
    assert counts(again) == {"replayed": 3, "rejected": 3}
    other = await house.client.post(
        "/v1/imports?kind=schools&mapping=hr-form", content=b"a", headers={"Content-Type": CSV}
    )
    assert other.status_code == 422


async def filled(house: Embedded) -> None:
    """A visit corrected, one full, one with texts that look like formulas; all five kinds."""
    post, put = house.client.post, house.client.put
    aliases = ["=A; B", "x"]
    attributes = {"sanctioned": 5, "n": "=1+1"}
    named = school("01001", aliases=aliases, attributes=attributes, lat=30.0, lon=-67.1 - 0.2)
    schools = [named, school("2", valid_from="2019-01-01") | {"name": "=cmd|'/c calc'!A1"}]
    corrected = visit()
    for answer in (
        await put("/v1/schools", json=schools),
        await post("/v1/visits", json=FORM | {"visit_id": visit()["visit_id"], "source": "pmc"}),
        await post("/v1/visits", json=visit(remarks="'=1\nline; ش", photos=["a" * 64])),
        await post("/v1/visits", json=corrected),
        await put(
            f"/v1/visits/{corrected['visit_id']}",
            json=corrected | {"remarks": "corrected"},
            headers={"If-Match": '"1"'},
        ),
        await put(
            "/v1/targets",
            json=[{"indicator": "student_attendance", "unit_id": "BA", "target": 0.8}],
        ),
        await put("/v1/officers", json=OFFICERS),
    ):
        assert answer.is_success, answer.text


async def exported(house: Embedded, kind: str, kind_of_file: str) -> bytes:
    answer = await house.client.get(f"/v1/exports/{kind}?format={kind_of_file}")
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("kind_of_file", MEDIA)
async def test_an_export_comes_back_as_it_was(
    house: Embedded, tmp_path: Path, kind_of_file: str
) -> None:
    await filled(house)
    files = {kind: await exported(house, kind, kind_of_file) for kind in KINDS}
    seen = {kind: await exported(house, kind, "csv") for kind in KINDS}
    for cell in seen["schools"].decode("utf-8-sig").replace("\n", ",").split(","):
        assert cell.strip('"')[:1] not in {"=", "+", "@"}
    for kind in KINDS:
        job = await imported(house, files[kind], f"kind={kind}", MEDIA[kind_of_file])
        assert job["unchanged"] + job["replayed"] == job["rows"] > 0, job
        assert await exported(house, kind, "csv") == seen[kind]
    async with embedded(tmp_path / "new") as new:
        for kind in KINDS:
            job = await imported(new, files[kind], f"kind={kind}", MEDIA[kind_of_file])
            assert job["accepted"] == job["rows"] > 0, job
            assert await exported(new, kind, "csv") == seen[kind]


async def test_officers_units_and_targets_tell_what_is_wrong(house: Embedded) -> None:
    officers = await imported(
        house,
        "officer_id;name;post;email;posting.unit_id;posting.acting;posting.post\n"
        "O1;Ali;DEO;a@b.pk;QTA;no;DEO\nO2;Bo;DEO;x;QTA;;\n"
        "O3;Cy;DEO;c@b.pk;NOWHERE;;\nO3;Cy;DEO;c@b.pk;PSN;;\n",
        "kind=officers",
    )
    assert counts(officers) == {"accepted": 1, "rejected": 3}
    assert sorted(told(officers)) == [
        (3, "email", "invalid_email"),
        (4, "posting.unit_id", "unknown_unit"),
        (5, "officer_id", "officer_incomplete"),
    ]
    units = await imported(
        house,
        "unit_id,name,level,parent_id\nU1,One,uc,U2\nU2,Two,tehsil,qta\nU3,T,tehsil,NONE\n"
        "U4,F,uc,U3\nU5,a,b,U6\nU6,a,b,U5\n",
        "kind=units",
    )
    assert counts(units) == {"accepted": 2, "rejected": 4}
    assert {code for _, _, code in told(units)} == {"unit_by_name", "unknown_unit", "cycle"}
    targets = "indicator,unit_id,target\nstudent_attendance,BA,0.8\nstudent_attendance,XX,0.8\n"
    assert counts(await imported(house, targets, "kind=targets")) == {"accepted": 1, "rejected": 1}
    assert counts(await imported(house, targets, "kind=targets")) == {"unchanged": 1, "rejected": 1}


async def test_a_key_is_offered_near_names_of_its_own_units_only(house: Embedded) -> None:
    key, _, _ = await house.platform.access.create_key(
        "partner", ["registry:write", "imports:write"], units=["QTA"]
    )
    headers = {"Authorization": f"Bearer {key}", "Content-Type": CSV}
    content = b"school_code,name,unit_id\n7,Seven,Psnn\n8,Eight,Qtta\n"
    answer = await house.client.post("/v1/imports?kind=schools", content=content, headers=headers)
    await house.drain()
    report = await house.client.get(f"{answer.headers['Location']}/report", headers=headers)
    fixes = [loss["fix"] for loss in report.json()["losses"]]
    assert ["QTA" in fix for fix in fixes] == [False, True]
    assert not any("PSN" in fix for fix in fixes)


async def test_a_near_unit_is_told_by_its_name(house: Embedded) -> None:
    near = {"unit_id": "PK-BA-KLA", "name": "Killa Abdullah", "level": "district"}
    await house.client.put("/v1/units", json=[near | {"parent_id": "BA"}])
    job = await imported(house, "school_code,name,unit_id\n7,Seven,PK-BA-KLAB\n", "kind=schools")
    [fix] = [loss["fix"] for loss in job["losses"]]
    assert "PK-BA-KLA (Killa Abdullah)" in fix


async def test_a_key_imports_and_sees_its_own_only(house: Embedded) -> None:
    await house.client.put("/v1/schools", json=[school("1001"), school("2", "CL-02")])
    made = house.platform.access.create_key
    scopes = ["visits:write", "imports:write", "visits:read"]
    key, _, _ = await made("partner", scopes, units=["QTA"])
    other, _, _ = await made("other", scopes)
    rows = "".join(
        f"{v['visit_id']},{v['school_code']},{v['visited_at']},open\n"
        for v in (visit(), visit(school_code="2"))
    )

    async def call(key: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": CSV}
        return await house.client.request(method, path, headers=headers, **more)

    content = f"visit_id,school_code,visited_at,status\n{rows}".encode()
    answer = await call(key, "POST", "/v1/imports?kind=visits", content=content)
    assert (await call(key, "POST", "/v1/imports?kind=schools", content=b"a")).status_code == 403
    await house.drain()
    path = answer.headers["Location"]
    job = (await call(key, "GET", path)).json()
    assert counts(job) == {"accepted": 1, "rejected": 1}
    losses = (await call(key, "GET", f"{path}/report")).json()["losses"]
    assert [(loss["row"], loss["code"]) for loss in losses] == [(3, "not_found")]
    for hidden in (path, f"{path}/report"):
        assert (await call(other, "GET", hidden)).status_code == 404
    assert (await call(other, "DELETE", path)).status_code == 404
    assert (await call(other, "GET", "/v1/imports")).json()["imports"] == []
    text = (await call(key, "GET", "/v1/exports/visits")).text
    assert text.count("\n") == 2
    assert (await call(key, "GET", "/v1/exports/officers")).status_code == 403


async def test_a_file_waits_while_field_visits_fill_the_intake(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        await house.client.put("/v1/units", json=UNITS)
        await house.client.put("/v1/schools", json=[school("1001")])
        one = visit()
        row = f"{one['visit_id']},1001,{one['visited_at']},open\n"
        answer = await house.client.post(
            "/v1/imports?kind=visits",
            content=f"visit_id,school_code,visited_at,status\n{row}".encode(),
            headers={"Content-Type": CSV},
        )
        path, load = answer.headers["Location"], load_of(house)
        load.visits += MOST_VISITS // 2
        job = asyncio.create_task(house.drain())
        for _ in range(20):
            posted = await house.client.post("/v1/visits", json=visit())
            assert posted.status_code == 201, posted.text
        waiting = (await house.client.get(path)).json()
        assert (waiting["state"], waiting["done"]) == ("running", 0)
        load.committed(MOST_VISITS // 2)
        await job
        done = (await house.client.get(path)).json()
        assert (done["state"], counts(done)) == ("finished", {"accepted": 1})


def load_of(house: Embedded) -> Load:
    """What ingest counts as being in hand: the intake's part behind `POST /v1/visits`."""
    [ingest] = [s for s in house.app.state.running.services if s.name == "ingest"]
    posting = ingest.direct["POST", "/v1/visits"]
    load: Load = posting._committer.load  # type: ignore[attr-defined]
    return load


async def test_the_command_line_sends_lines_under_the_source_it_names(tmp_path: Path) -> None:
    file, folder = tmp_path / "visits.ndjson", tmp_path / "data"
    lines = [visit(), visit() | {"source": "pmc"}, {}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for word in ("quarantined", "replayed"):
        sent = await import_visits(Settings(data_dir=folder), file, None, None, "paper")
        assert (sent[word], sent["rejected"]) == (2, 1)
    async with embedded(folder) as house:
        async with house.platform.database("ingest").reading() as tx:
            rows = await tx.fetch("SELECT visit_id, source FROM visits ORDER BY position")
        assert [tuple(row) for row in rows] == [
            (lines[0]["visit_id"], "paper"),
            (lines[1]["visit_id"], "pmc"),
        ]


Refusal = tuple[dict[str, str], Callable[[], bytes], int]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/pdf"}, b"x", 415),
        ({"Content-Type": CSV, "Content-Encoding": "gzip"}, b"x", 415),
        ({"Content-Type": CSV}, b"", 422),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n", 422),
        ({"Content-Type": "multipart/form-data"}, b"x", 400),
        ({"Content-Type": CSV}, b"x" * (33 << 20), 413),
    ],
    ids=["media", "encoding", "empty", "no-file", "no-boundary", "large"],
)
async def test_uploads_that_are_none_leave_nothing(
    tmp_path: Path, headers: dict[str, str], content: bytes, status: int
) -> None:
    async with embedded(tmp_path) as house:
        answer = await house.client.post(
            "/v1/imports?kind=visits", content=content, headers=headers
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        async with house.platform.database("ingest").reading() as tx:
            assert (await tx.fetch_one("SELECT count(*) FROM import_pieces"))[0] == 0
            assert (await tx.fetch_one("SELECT count(*) FROM imports"))[0] == 0


async def test_a_form_of_a_page_uploads_a_file(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        answer = await house.client.post(
            "/v1/imports",
            files={"file": ("u.csv", b"unit_id,name,level\nBA,B,province\n", CSV)},
            data={"kind": "units", "dry_run": "on"},
        )
        assert answer.status_code == 202, answer.text
        await house.drain()
        job = (await house.client.get(answer.headers["Location"])).json()
        assert (job["file"]["name"], job["dry_run"], job["accepted"]) == ("u.csv", True, 1)


async def test_a_file_that_is_no_table_fails_and_says_where(tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        job = await imported(house, 'unit_id,name,level\nBA,"x,y\n', "kind=units")
        assert (job["state"], job["problem"]["type"]) == ("failed", "/problems/broken_quotes")
        assert told(job) == [(2, None, "broken_quotes")]
        job = await imported(house, "unit_id,level\nBA,x\n", "kind=units")
        assert told(job) == [(1, None, "missing_column")]
        assert (await house.client.get("/v1/units")).json()["units"] == []
