"""kill -9 in the middle of an import: the job goes on where it was, nothing lost, nothing twice."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import httpx

from tests.support.processes import Deployment, Processes
from tests.support.tables import CSV
from tests.support.waiting import until

ROWS = 12_000
KILLS = 3


def table() -> bytes:
    """Visits of one school, one in a thousand of them with more present than enrolled."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = ("visit_id", "school_code", "visited_at", "status")
    writer.writerow([*names, "students.boys.enrolled", "students.boys.present"])
    for number in range(ROWS):
        present = 99 if number % 1_000 == 500 else number % 20
        at = f"2018-03-{number % 28 + 1:02d}T09:40:00+05:00"
        writer.writerow([uuid.uuid4(), "1001", at, "open", 40, present])
    return text.getvalue().encode()


def test_a_killed_import_goes_on(processes: Processes) -> None:
    deployment: Deployment = processes.embedded(settings={"RTSM_SERVICES": "ingest"})
    [served] = deployment.all
    client = httpx.Client(
        base_url=served.url,
        headers={"Authorization": f"Bearer {deployment.key}"},
        trust_env=False,
        timeout=60,
    )
    unit = {"unit_id": "CL-1", "name": "Cluster", "level": "cluster"}
    client.put("/v1/units", json=[unit]).raise_for_status()
    school = {"school_code": "1001", "name": "School", "unit_id": "CL-1"}
    client.put("/v1/schools", json=[school]).raise_for_status()
    answer = client.post("/v1/imports?kind=visits", content=table(), headers={"Content-Type": CSV})
    path = answer.headers["Location"]

    def job() -> dict[str, Any]:
        found: dict[str, Any] = client.get(path).json()
        return found

    done = 0
    for _ in range(KILLS):

        def further(done: int = done) -> int:
            return job()["done"] > done

        until(further, "the import goes on", 60)
        served.kill()
        served.start()
        done = job()["done"]
        assert done < ROWS, "the kill came too late to try anything"
    until(lambda: job()["state"] == "finished", "the import ends", 120)
    end = job()
    assert (end["rows"], end["done"], end["rejected"]) == (ROWS, ROWS, ROWS // 1_000)
    assert end["accepted"] + end["replayed"] == ROWS - ROWS // 1_000
    losses = client.get(f"{path}/report").json()["losses"]
    assert [loss["row"] for loss in losses] == [502 + 1_000 * n for n in range(ROWS // 1_000)]
    text = client.get("/v1/exports/visits").content.decode("utf-8-sig")
    ids = [row["visit_id"] for row in csv.DictReader(io.StringIO(text))]
    assert len(ids) == len(set(ids)) == ROWS - ROWS // 1_000
