"""The addresses of imports and mappings.

Owns parameters, status codes and documents; what an import is, `desk` says. Everything needs
`imports:write` and, for what a file holds, the scope with which the same records are sent as JSON.
"""

import base64
import binascii
import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.ingest import documents
from services.ingest.bodies import SINGLE
from services.ingest.drafts import source_of
from services.ingest.exchange import json_answer, json_body, next_link
from services.ingest.imports.desk import Desk
from services.ingest.imports.mappings import Kind, Mapping
from services.ingest.imports.uploads import CSV, FORM, GEOJSON, MEDIA, XLSX, uploaded
from services.ingest.reading import Body
from shared.access import Principal
from shared.errors import invalid, not_found
from shared.formula_guard import guarded
from shared.security import require

_MAPPING: Body[Mapping] = Body(Mapping)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FIRST = (2**62, "\x7f")
_PAGE = 1_000
_FAULT = ("row", "column", "code", "detail", "fix", "effect")
Importer = Annotated[Principal, Depends(require("imports:write"))]
After = Annotated[str | None, Query(max_length=200)]
Source = Annotated[str | None, Query(max_length=100, description="another source, for admins")]
JOB_EXAMPLE: dict[str, Any] = {
    "import_id": "0b9c7a52-5d0e-4a57-9f0b-0f5f6f2d8a11",
    "kind": "schools",
    "state": "finished",
    "dry_run": True,
    "source": "emis",
    "mapping": "emis-register",
    "file": {"format": "csv", "encoding": "utf-8", "bytes": 48213, "columns_ignored": ["S.No"]},
    "rows": 620,
    "done": 620,
    "accepted": 611,
    "replayed": 0,
    "quarantined": 0,
    "unchanged": 7,
    "rejected": 2,
    "reported": 3,
    "problem": None,
    "created_at": "2018-03-05T06:12:44.017212Z",
    "started_at": "2018-03-05T06:12:44.120000Z",
    "finished_at": "2018-03-05T06:12:46.002000Z",
}
REPORT_EXAMPLE: dict[str, Any] = {
    "import_id": JOB_EXAMPLE["import_id"],
    "state": "finished",
    "losses": [
        {
            "row": 17,
            "column": "Distance",
            "code": "number_with_unit",
            "detail": "The cell holds a number together with a unit.",
            "fix": "Enter the number alone, or declare the unit in the mapping.",
            "effect": "row_refused",
        }
    ],
}
MAPPING_EXAMPLE: dict[str, Any] = {
    "kind": "schools",
    "fields": {
        "school_code": {"column": "BemisCode"},
        "name": {"column": "SchoolName"},
        "unit_id": {"column": "UC"},
        "gender": {"column": "Gender", "words": {"Boys": "boys", "Girls": "girls"}},
        "attributes.distance_m": {
            "column": "Distance",
            "type": "number",
            "units": {"m": 1, "km": 1000},
            "on_fault": "cell",
        },
    },
    "level": "union_council",
    "missing": ["-999"],
    "area": "pakistan",
}
_KEPT = {"name": "emis-register", "mapping": MAPPING_EXAMPLE}


def router(desk: Desk) -> APIRouter:
    """`/v1/imports` and `/v1/mappings`."""
    routes = APIRouter(tags=["imports"])
    _starting(routes, desk)
    _looking(routes, desk)
    _mappings(routes, desk)
    return routes


def _file_body() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "kind": {"type": "string", "enum": list(get_args(Kind))},
                "mapping": {"type": "string"},
                "dry_run": {"type": "string", "enum": ["true", "false"]},
            },
        }
    }
    text = {"schema": {"type": "string"}, "example": "school_code,name,unit_id\n1001,GPS,CL-01\n"}
    content: dict[str, Any] = dict.fromkeys(MEDIA, binary) | {FORM: form, CSV: text}
    content[XLSX] = content[GEOJSON] = binary
    return {"requestBody": {"required": True, "content": content}}


def _starting(routes: APIRouter, desk: Desk) -> None:
    @routes.post(
        "/v1/imports",
        status_code=202,
        openapi_extra=_file_body(),
        responses=documents.answers({202: ("Queued", JOB_EXAMPLE)}, 400, 404, 413, 415, 422),
    )
    async def post_import(
        request: Request,
        caller: Importer,
        kind: Kind | None = None,
        mapping: Annotated[str | None, Query(max_length=100)] = None,
        dry_run: bool | None = None,
        source: Source = None,
    ) -> Response:
        """Upload a table as CSV, XLSX or GeoJSON; a job reads it, `dry_run` writes nothing."""
        upload = await uploaded(request)
        given = upload.fields
        named = kind or _kind(given.get("kind"))
        tried = dry_run if dry_run is not None else given.get("dry_run") in {"true", "on", "1"}
        job = await desk.start(
            upload, _as(caller, source), named, mapping or given.get("mapping") or None, tried
        )
        return json_answer(job.document(), 202, Location=f"/v1/imports/{job.import_id}")

    @routes.post(
        "/v1/imports/{import_id}/run",
        status_code=202,
        responses=documents.answers({202: ("Queued", JOB_EXAMPLE)}, 404, 409),
    )
    async def run_import(import_id: str, caller: Importer) -> Response:
        """Import in earnest the file of a finished dry run, as a new job."""
        job = await desk.again(caller, import_id)
        return json_answer(job.document(), 202, Location=f"/v1/imports/{job.import_id}")

    @routes.delete(
        "/v1/imports/{import_id}",
        responses=documents.answers({200: ("Cancelled", JOB_EXAMPLE)}, 404, 409),
    )
    async def delete_import(import_id: str, caller: Importer) -> Response:
        """Stop a job; the rows it has stored stay, and the same file again adds the rest."""
        return json_answer((await desk.cancel(caller, import_id)).document())


def _as(caller: Principal, source: str | None) -> Principal:
    return replace(caller, source=source_of(caller, source))


def _kind(word: str | None) -> Kind:
    if word is None:
        raise invalid("/query/kind", "missing", "Say what the rows are: kind=visits, schools, …")
    if word not in get_args(Kind):
        listed = ", ".join(get_args(Kind))
        raise invalid("/query/kind", "unknown_word", f"One of {listed} is expected.")
    return word  # type: ignore[return-value]


def _looking(routes: APIRouter, desk: Desk) -> None:
    @routes.get(
        "/v1/imports",
        responses=documents.answers({200: ("A page", {"imports": [JOB_EXAMPLE]})}, 422),
    )
    async def list_imports(
        request: Request,
        caller: Importer,
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """List the imports of the key's source, newest first."""
        jobs = await desk.listed(caller, _before(after), limit + 1)
        answer = json_answer({"imports": [job.document() for job in jobs[:limit]]})
        if len(jobs) > limit:
            last = jobs[limit - 1]
            answer.headers["Link"] = next_link(request, _cursor(last.created_at, last.import_id))
        return answer

    @routes.get(
        "/v1/imports/{import_id}",
        responses=documents.answers({200: ("The import", JOB_EXAMPLE)}, 404),
    )
    async def get_import(import_id: str, caller: Importer) -> Response:
        """Look how far an import is and what became of its rows."""
        return json_answer((await desk.one(caller, import_id)).document())

    @routes.get(
        "/v1/imports/{import_id}/report",
        responses=documents.answers({200: ("A page", REPORT_EXAMPLE)}, 404, 422),
    )
    async def get_report(
        request: Request,
        import_id: str,
        caller: Importer,
        report_format: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=_PAGE)] = 500,
    ) -> Response:
        """Read what was lost or changed, by row and column, with the reason and the fix."""
        job = await desk.one(caller, import_id)
        if report_format == "csv":
            lines = _report_lines(desk, job.import_id)
            name = f'attachment; filename="report-{job.import_id}.csv"'
            return StreamingResponse(
                lines, media_type=f"{CSV}; charset=utf-8", headers={"Content-Disposition": name}
            )
        number = _number(after)
        found = await desk.report(job.import_id, number, limit + 1)
        losses = [dict(zip(_FAULT, row[1:], strict=True)) for row in map(tuple, found[:limit])]
        answer = json_answer({"import_id": job.import_id, "state": job.state, "losses": losses})
        if len(found) > limit:
            answer.headers["Link"] = next_link(request, _cursor(found[limit - 1][0], ""))
        return answer


async def _report_lines(desk: Desk, import_id: str) -> AsyncIterator[bytes]:
    yield ("\ufeff" + ",".join(_FAULT) + "\r\n").encode()
    number = -1
    while rows := await desk.report(import_id, number, _PAGE):
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            writer.writerow([guarded(v) if isinstance(v, str) else v for v in tuple(row)[1:]])
        yield text.getvalue().encode()
        number = rows[-1][0]


def _mappings(routes: APIRouter, desk: Desk) -> None:
    @routes.put(
        "/v1/mappings/{name}",
        openapi_extra=documents.body(Mapping, MAPPING_EXAMPLE),
        responses=documents.answers({200: ("Kept", _KEPT)}, 400, 404, 413, 415, 422),
    )
    async def put_mapping(
        request: Request, name: str, caller: Importer, source: Source = None
    ) -> Response:
        """Keep a mapping under a name, for the key's source."""
        if not _NAME.fullmatch(name):
            raise invalid("/path/name", "wrong_form", "Letters, digits, point, dash, up to 100.")
        mapping = _MAPPING.exact(await json_body(request, SINGLE))
        return json_answer(await desk.put_mapping(_as(caller, source), name, mapping))

    @routes.get(
        "/v1/mappings/{name}",
        responses=documents.answers({200: ("The mapping", _KEPT)}, 404),
    )
    async def get_mapping(name: str, caller: Importer, source: Source = None) -> Response:
        """Read a mapping of the key's source."""
        if not _NAME.fullmatch(name):
            raise not_found("mapping")
        return json_answer(await desk.mapping(_as(caller, source), name))

    @routes.get("/v1/mappings", responses=documents.answers({200: ("All", {"mappings": [_KEPT]})}))
    async def list_mappings(caller: Importer, source: Source = None) -> Response:
        """List the mappings of the key's source."""
        return json_answer({"mappings": await desk.mappings(_as(caller, source))})


def _cursor(number: int, text: str) -> str:
    raw = msgspec.json.encode((number, text))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(cursor: str) -> tuple[int, str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        number, text = msgspec.json.decode(raw, type=tuple[int, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.") from None
    if not -(2**62) < number < 2**62 or "\x00" in text:
        raise invalid("/query/after", "invalid_cursor", "This is no cursor of ours.")
    return number, text


def _before(cursor: str | None) -> tuple[int, str]:
    return _FIRST if cursor is None else _read(cursor)


def _number(cursor: str | None) -> int:
    return -1 if cursor is None else _read(cursor)[0]
