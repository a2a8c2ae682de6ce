"""Files for tests of imports: uploads and their reports, and workbooks good and hostile."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from openpyxl import Workbook

from tests.support.embedded import Embedded

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON = "application/geo+json"
MEDIA = {"csv": CSV, "xlsx": XLSX, "geojson": GEOJSON}


async def imported(
    house: Embedded, content: bytes | str, query: str, media: str = CSV
) -> dict[str, Any]:
    """Import a file to its end: the job's document, with its report under `losses`."""
    body = content.encode() if isinstance(content, str) else content
    answer = await house.client.post(
        f"/v1/imports?{query}", content=body, headers={"Content-Type": media}
    )
    assert answer.status_code == 202, answer.text
    await house.drain()
    path = answer.headers["Location"]
    job: dict[str, Any] = (await house.client.get(path)).json()
    report = await house.client.get(f"{path}/report?limit=1000")
    return job | {"losses": report.json()["losses"]}


def counts(job: dict[str, Any]) -> dict[str, int]:
    """The counts of a job that are not zero."""
    names = ("accepted", "replayed", "quarantined", "unchanged", "rejected")
    return {name: job[name] for name in names if job[name]}


def told(job: dict[str, Any]) -> list[tuple[int, str | None, str]]:
    """The loss report as (row, column, code)."""
    return [(loss["row"], loss["column"], loss["code"]) for loss in job["losses"]]


def workbook(*rows: list[Any], title: str = "Sheet1") -> bytes:
    """An XLSX workbook of one sheet."""
    book = Workbook()
    sheet = book.create_sheet(title, 0)
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_part(book: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one part of its archive exchanged."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return file.getvalue()
