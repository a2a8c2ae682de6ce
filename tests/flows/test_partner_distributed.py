"""What a partner sends, in a deployment of separate processes on real servers.

Two ingest and two indicators processes on PostgreSQL, Kafka and Redis: a register and a table of
visits as files, the process that reads one killed in the middle, a hook, flags, a decision and a
reply; every visit counts once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import dated
from tests.support.embedded import NOW
from tests.support.kafka import Kafka
from tests.support.processes import Deployment, Processes
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed
SCHOOLS = 20
VISITS = 3_000
UNITS = """unit_id,name,level,parent_id
BA,Balochistan,province,
Q,Quetta,district,BA
C1,GHS,cluster,Q
"""
CSV = {"Content-Type": "text/csv"}
MAPPING = {
    "kind": "visits",
    "fields": {
        "school_code": {"column": "code"},
        "visited_at": {"column": "when"},
        "status": {"value": "open"},
        "monitor_id": {"column": "who"},
        "students.boys.enrolled": {"column": "roll"},
        "students.boys.present": {"column": "here"},
    },
    "key": ["code", "when"],
}


@pytest.fixture
def deployment(
    tmp_path: Path,
    postgres_url: str,
    kafka: Kafka,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    """Six processes whose clocks show 2019-06-03."""
    monkeypatch.setenv(dated.SHIFT, dated.shift_to(NOW))
    started = Processes(tmp_path, dated.ENTRY)
    yield started.distributed(postgres_url, kafka.bootstrap, redis_url, ingest=2, indicators=2)
    started.close()


def schools() -> str:
    rows = [f"{1000 + n},School {n},C1,mixed,30.2,67.0" for n in range(SCHOOLS)]
    return "\n".join(["school_code,name,unit_id,gender,lat,lon", *rows])


def visits() -> str:
    """Each school on its own month's days, a minute later each week: no two at once."""
    rows = []
    for n in range(VISITS):
        day = f"2019-{1 + n % 5:02}-{1 + n // 5 % 28:02}"
        rows.append(f"{1000 + n % SCHOOLS},{day}T09:{n // 140:02}:00+05:00,M{n},40,30")
    return "\n".join(["code,when,who,roll,here", *rows])


async def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


async def imported(client: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    async def finished() -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = await told(await client.get(f"/v1/imports/{job['import_id']}"))
        except httpx.TransportError:
            return None
        assert state["state"] in {"queued", "running", "finished"}, state
        return state if state["state"] == "finished" else None

    found = await eventually(finished, "the import is finished", 90)
    assert found is not None
    return found


async def sent(client: httpx.AsyncClient, kind: str, text: str, query: str = "") -> dict[str, Any]:
    answer = await client.post(f"/v1/imports?kind={kind}{query}", content=text, headers=CSV)
    return await imported(client, await told(answer))


async def attendance(client: httpx.AsyncClient) -> tuple[int, int, int]:
    found = await told(await client.get("/v1/units/BA/figures?period=2019-01..2019-05"))
    [figure] = [
        one
        for one in found["figures"]
        if (one["indicator"], one["split"]) == ("student_attendance", None)
    ]
    return found["visits"], figure["numerator"], figure["denominator"]


async def test_files_hooks_flags_and_decisions_count_once(deployment: Deployment) -> None:
    async with deployment.client() as client:
        assert (await sent(client, "units", UNITS))["accepted"] == 3
        assert (await sent(client, "schools", schools()))["accepted"] == SCHOOLS
        await told(await client.put("/v1/mappings/table", json=MAPPING))
        job = await told(
            await client.post(
                "/v1/imports?kind=visits&mapping=table", content=visits(), headers=CSV
            )
        )

        async def underway() -> bool:
            state = await told(await client.get(f"/v1/imports/{job['import_id']}"))
            return bool(state["done"])

        await eventually(underway, "the import has begun", 60)
        # Whichever of the two reads it: both are killed, one after the other.
        for served in deployment.ingest:
            served.kill()
            served.restart()
        done = await imported(client, job)
        assert (done["rows"], done["rejected"]) == (VISITS, 0)
        assert done["accepted"] + done["replayed"] == VISITS
        again = await sent(client, "visits", visits(), "&mapping=table")
        assert (again["accepted"], again["replayed"]) == (0, VISITS)
        expected = (VISITS, 30 * VISITS, 40 * VISITS)
        await eventually(lambda: _equal(client, expected), "the figures hold the table", 60)

        await _hooked(client)
        expected = (VISITS + 1, 30 * VISITS + 25, 40 * VISITS + 40)
        await eventually(lambda: _equal(client, expected), "the figures hold the submission", 60)

        doubtful = await _impossible(client)
        expected = (VISITS + 3, 30 * VISITS + 85, 40 * VISITS + 120)
        await eventually(lambda: _equal(client, expected), "flagged visits count", 60)
        decision = {"decision": "exclude", "reason": "not there", "note": "telephoned"}
        await told(await client.post(f"/v1/visits/{doubtful}/review", json=decision))
        expected = (VISITS + 2, 30 * VISITS + 55, 40 * VISITS + 80)
        await eventually(lambda: _equal(client, expected), "excluded ones do not", 60)
        reply = {"text": "We were there.", "role": "school"}
        await told(await client.post(f"/v1/visits/{doubtful}/replies", json=reply))
        replies = await told(await client.get(f"/v1/visits/{doubtful}/replies"))
        assert [one["text"] for one in replies["replies"]] == ["We were there."]


async def _equal(client: httpx.AsyncClient, expected: tuple[int, int, int]) -> bool:
    unit = await client.get("/v1/units/BA")
    # The register may still be on its way to the process that answers.
    return unit.is_success and await attendance(client) == expected


async def _hooked(client: httpx.AsyncClient) -> None:
    """A submission of KoboToolbox by hook: stored, and a visit a moment later."""
    partner = {"kind": "kobo", "source": "test", "forms": [{"form": "aForm"}]}
    await told(await client.put("/v1/adapters/kobo", json=partner))
    submission = {
        "_id": 1,
        "meta/instanceID": f"uuid:{uuid.uuid4()}",
        "_submission_time": "2019-05-20T05:00:00",
        "school_code": "1000",
        "visited_at": "2019-05-20T09:40:00.000+05:00",
        "status": "open",
        "students/students_boys/students_boys_enrolled": "40",
        "students/students_boys/students_boys_present": "25",
    }
    answer = await client.post("/v1/hooks/kobo/aForm", json=submission)
    assert answer.status_code == 202, answer.text


async def _impossible(client: httpx.AsyncClient) -> str:
    """Two visits of a monitor, 600 km apart within half an hour: flagged after the commit."""
    ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    for number, (place, at) in enumerate((((30.2, 67.0), "09:00"), ((25.1, 62.3), "09:30"))):
        form = {
            "visit_id": ids[number],
            "school_code": str(1001 + number),
            "visited_at": f"2019-05-21T{at}:00+05:00",
            "status": "open",
            "monitor_id": "swift",
            "location": {"lat": place[0], "lon": place[1], "accuracy_m": 10},
            "students": {"boys": {"enrolled": 40, "present": 30}},
        }
        await told(await client.post("/v1/visits", json=form))

    async def both() -> bool:
        found = await told(await client.get("/v1/reviews?flag=impossible_speed"))
        return {one["visit_id"] for one in found["reviews"]} == set(ids)

    await eventually(both, "both visits stand in the queue", 60)
    return ids[1]
