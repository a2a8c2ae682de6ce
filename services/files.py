"""Files in and out for the command line: tables sent as imports, exports written to a file.

Owns the sending, the splitting of what is larger than one upload, and what a person sees; what a
table means belongs to ingest. Without an address it works on the data folder, alone.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer

from services.folder import Refused
from services.ingest.imports.files import CSV, XLSX, format_of
from services.ingest.imports.refusal import FileRefused
from services.ingest.imports.text_files import text_format, text_rows
from services.operations import opened, shown
from shared.settings import Settings

_MOST_BYTES = 32 << 20
_PART_BYTES = 24 << 20
_LOOK_SECONDS = 0.3
_ENDED = {"finished", "failed", "cancelled"}
_SUMS = ("accepted", "replayed", "quarantined", "unchanged", "rejected")
_MEDIA = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works: a server's address with a key, or (None) the data folder."""

    settings: Settings
    url: str | None
    key: str | None


@asynccontextmanager
async def _client(place: Place) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    if place.url is not None:
        headers = {"Authorization": f"Bearer {place.key or ''}"}
        async with httpx.AsyncClient(
            base_url=place.url, timeout=300, trust_env=False, headers=headers
        ) as client:
            yield client, None
        return
    async with opened(place.settings, alone=True) as app:
        yield app.state.platform.client("ingest"), app.state.running


async def import_table(
    place: Place, file: Path, kind: str, mapping: str | None, dry_run: bool, source: str | None
) -> dict[str, Any]:
    """Import a table; counts of its rows. Prints the loss report; raises Refused."""
    totals: dict[str, Any] = dict.fromkeys(("rows", *_SUMS), 0)
    async with _client(place) as (client, running):
        query = {"kind": kind, "dry_run": str(dry_run).lower()}
        if source is not None:
            query["source"] = source
        if mapping is not None:
            query["mapping"] = await _mapping(client, mapping, source)
        for media, content in _parts(file):
            answer = await client.post(
                "/v1/imports", params=query, content=content, headers={"Content-Type": media}
            )
            job = _good(answer)
            job = await _followed(client, job, running)
            await _report(client, job["import_id"])
            if job["state"] != "finished":
                raise Refused((job["problem"] or {}).get("detail", f"The import {job['state']}."))
            for name in totals:
                totals[name] += job[name] or 0
    return totals | {"dry_run": dry_run}


async def _mapping(client: httpx.AsyncClient, mapping: str, source: str | None) -> str:
    """The name of a mapping; one that is a file is kept under the file's name first."""
    path = Path(mapping)
    if path.suffix != ".json":
        return mapping
    if not path.is_file():  # noqa: ASYNC240 - one look at a local file
        raise Refused(f"{path} is no file.")
    params = {} if source is None else {"source": source}
    answer = await client.put(
        f"/v1/mappings/{path.stem}",
        content=path.read_bytes(),  # noqa: ASYNC240 - a small local file
        params=params,
        headers={"Content-Type": "application/json"},
    )
    _good(answer)
    return path.stem


def _good(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        document: dict[str, Any] = answer.json()
        return document
    raise Refused(f"The server answered {answer.status_code}: {answer.text[:1000]}")


def _parts(file: Path) -> Iterator[tuple[str, bytes]]:
    """The file, or parts of it that a server takes, each with its media type."""
    with file.open("rb") as content:
        try:
            kind = format_of(content)
            if file.stat().st_size <= _MOST_BYTES:
                content.seek(0)
                yield _MEDIA[kind].partition(";")[0], content.read()
                return
            if kind != CSV:
                raise Refused(f"{file} is larger than 32 MiB; save it as CSV, which can be split.")
            written = text_format(content, None, None)
            yield from _split(text_rows(content, written), written.delimiter)
        except FileRefused as error:
            fault = error.loss.fault
            raise Refused(f"{file}: {fault.detail} {fault.fix}") from error


def _split(rows: Iterator[tuple[int, list[str]]], delimiter: str) -> Iterator[tuple[str, bytes]]:
    """Parts with the header; empty lines stand for what is left out, so that rows keep numbers."""
    header: list[str] | None = None
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    lines = 0
    for number, cells in rows:
        if header is None:
            header = cells
            text.write("\n" * (number - 1))
            writer.writerow(header)
            lines = number
            first = number
            continue
        if text.tell() > _PART_BYTES:
            yield _MEDIA[CSV], text.getvalue().encode()
            text.seek(0)
            text.truncate()
            text.write("\n" * (first - 1))
            writer.writerow(header)
            lines = first
        text.write("\n" * (number - lines - 1))
        writer.writerow(cells)
        lines = number + sum(cell.count("\n") for cell in cells)
    yield _MEDIA[CSV], text.getvalue().encode()


async def _followed(client: httpx.AsyncClient, job: dict[str, Any], running: Any) -> dict[str, Any]:
    """The job when it has ended, with a bar that shows how far it is."""
    working = None if running is None else asyncio.create_task(running.drain())
    path = f"/v1/imports/{job['import_id']}"
    async with shown(f"{job['kind']} imported") as tell:
        while job["state"] not in _ENDED:
            if working is not None and working.done():
                await working
                working = None
            else:
                await asyncio.sleep(_LOOK_SECONDS)
            job = _good(await client.get(path))
            tell(job["done"], job["rows"])
    if working is not None:
        await working
    return job


async def _report(client: httpx.AsyncClient, import_id: str) -> None:
    """Print the loss report on standard error, one line each."""
    path: str | None = f"/v1/imports/{import_id}/report?limit=1000"
    while path is not None:
        answer = await client.get(path)
        for loss in _good(answer)["losses"]:
            where = f"row {loss['row']}" + (f", {loss['column']}" if loss["column"] else "")
            said = f"{loss['code']}: {loss['detail']} {loss['fix']}"
            typer.echo(f"{where}: [{loss['effect']}] {said}", err=True)
        path = answer.links.get("next", {}).get("url")


async def export_table(place: Place, kind: str, file_format: str, output: Path) -> int:
    """Write an export to a file, whole or not at all; its size in bytes. Raises Refused."""
    part = output.with_name(output.name + ".part")
    async with _client(place) as (client, _):
        path = f"/v1/exports/{kind}"
        async with client.stream("GET", path, params={"format": file_format}) as answer:
            if not answer.is_success:
                await answer.aread()
                raise Refused(f"The server answered {answer.status_code}: {answer.text[:1000]}")
            with part.open("wb") as file:
                async for piece in answer.aiter_bytes():
                    file.write(piece)
    part.replace(output)
    return output.stat().st_size  # noqa: ASYNC240 - one look at a local file
