"""Thousands of visits exported through the deployment's own gateway: nothing is lost on the way out
and back in, and the process that writes the file holds little of it.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from services.ingest.imports.fields import flattened, written
from tests.support.available import need
from tests.support.caddy import caddy
from tests.support.intake import UNITS, school
from tests.support.kafka import Kafka
from tests.support.processes import Deployment, Processes
from tests.support.waiting import eventually

pytestmark = pytest.mark.distributed
SCHOOLS, VISITS = 40, 3_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MIB = 1 << 20


@pytest.fixture
def deployment(
    tmp_path: Path, postgres_url: str, kafka: Kafka, redis_url: str
) -> Iterator[Deployment]:
    """One ingest process."""
    started = Processes(tmp_path)
    yield started.distributed(
        postgres_url, kafka.bootstrap, redis_url, ingest=1, indicators=0, others=0
    )
    started.close()


def form(number: int) -> dict[str, Any]:
    """A visit whose every number and text is its own; some texts a spreadsheet would run."""
    return {
        "visit_id": str(uuid.UUID(int=number, version=4)),
        "school_code": str(1000 + number % SCHOOLS),
        "visited_at": f"2019-03-{1 + number % 28:02}T09:{number // 28 % 60:02}:07.25+05:00",
        "status": "open",
        "monitor_id": f"M-{number}",
        "location": {"lat": 30 + number / 7e4, "lon": 67 + number / 9e4, "accuracy_m": 12},
        "students": {
            "boys": {"enrolled": 10 + number % 1_900, "present": number % 7},
            "grades": [{"grade": "3", "boys": {"enrolled": number % 9}}],
        },
        "toilets": {"handwash": number % 2 == 0},
        "environment": {"lesson_plan": "yes" if number % 3 else "no"},
        "remarks": f'{"=@-+"[number % 4]}{number}، نئی چاردیواری, "{number}"\nزیر تعمیر ہے',
    }


def resident(deployment: Deployment, *, peak: bool) -> int:
    """Bytes the ingest process holds, or the most it held since the last call without `peak`."""
    [served] = deployment.ingest
    folder = Path(f"/proc/{served.program.pid}")
    if not peak:
        (folder / "clear_refs").write_text("5")
    line = next(x for x in (folder / "status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def test_thousands_of_visits_go_out_and_come_back_equal(
    deployment: Deployment, tmp_path: Path
) -> None:
    need("Caddy")
    with caddy(deployment, tmp_path) as url:
        async with httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {deployment.key}"},
            timeout=120,
            trust_env=False,
        ) as client:
            register = [school(str(1000 + n)) for n in range(SCHOOLS)] + [school("A/1")]
            for path, items in (("/v1/units", UNITS), ("/v1/schools", register)):
                assert (await client.put(path, json=items)).is_success
            slashed = await client.get("/v1/units/school%3AA%2F1/history?")
            assert slashed.status_code == 200, slashed.text
            await posted(client, range(VISITS))
            sent = {number["visit_id"]: leaves(number) for number in map(form, range(VISITS))}

            # A new process has no memory to spare from what it did before.
            deployment.ingest[0].restart()
            for kind in ("csv", "xlsx"):
                await exported(client, kind, "test", "&to=2019-03-01")
            before = resident(deployment, peak=False)
            as_csv = await exported(client, "csv", "test")
            as_xlsx = await exported(client, "xlsx", "test")
            grown = resident(deployment, peak=True) - before
            print(f"{VISITS} visits out as CSV and XLSX: {grown / MIB:.1f} MiB over idle")
            assert grown < 24 * MIB
            assert rows_of_csv(as_csv) == sent
            assert rows_of_xlsx(as_xlsx) == sent

            same = await imported(client, as_xlsx, XLSX, "test")
            assert (same["replayed"], same["accepted"], same["rejected"]) == (VISITS, 0, 0)
            copy = as_csv.replace(b",test,", b",copy,")
            done = await imported(client, copy, "text/csv", "copy")
            assert (done["accepted"], done["rejected"]) == (VISITS, 0)
            copied = rows_of_csv(await exported(client, "csv", "copy"))
            assert copied == {key: row | {"source": "copy"} for key, row in sent.items()}


def leaves(number: dict[str, Any]) -> dict[str, str]:
    """The cells that a form is expected to be."""
    record = number | {"source": "test"}
    return {name: written(value) for name, value in flattened("visits", record).items()}


def rows_of_csv(content: bytes) -> dict[str, dict[str, str]]:
    """The filled cells of a CSV by visit; the mark before a text that would be run is taken off."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return {row["visit_id"]: _filled(row) for row in rows}


def rows_of_xlsx(content: bytes) -> dict[str, dict[str, str]]:
    """The filled cells of a workbook by visit."""
    book = load_workbook(io.BytesIO(content), read_only=True)
    header, *rows = book["export"].iter_rows(values_only=True)
    named = [dict(zip(header, row, strict=True)) for row in rows]
    return {str(row["visit_id"]): _filled(row) for row in named}


def _filled(row: dict[Any, Any]) -> dict[str, str]:
    return {
        name: str(value).removeprefix("'") if isinstance(value, str) else json.dumps(value)
        for name, value in row.items()
        if value not in (None, "")
    }


async def posted(client: httpx.AsyncClient, numbers: range) -> None:
    """Send visits as NDJSON."""
    lines = "\n".join(json.dumps(form(number)) for number in numbers)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await client.post("/v1/visits/batch", content=lines, headers=headers)
    assert answer.json()["accepted"] == len(numbers), answer.text[:2_000]


async def exported(client: httpx.AsyncClient, kind: str, source: str, which: str = "") -> bytes:
    """The whole file of a source's visits."""
    answer = await client.get(f"/v1/exports/visits?format={kind}&source={source}{which}")
    assert answer.status_code == 200, answer.text
    return answer.content


async def imported(
    client: httpx.AsyncClient, content: bytes, media: str, source: str
) -> dict[str, Any]:
    """Import a file, and the job when it is finished."""
    answer = await client.post(
        f"/v1/imports?kind=visits&source={source}",
        content=content,
        headers={"Content-Type": media},
    )
    assert answer.is_success, answer.text

    async def finished() -> dict[str, Any] | None:
        state: dict[str, Any] = (await client.get(answer.headers["Location"])).json()
        assert state["state"] in {"queued", "running", "finished"}, state
        return state if state["state"] == "finished" else None

    job = await eventually(finished, "the import is finished", 90, 0.1)
    assert job is not None
    return job
