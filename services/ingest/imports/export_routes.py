"""The addresses of exports: a file for each kind, written to disk first and then sent.

Owns parameters and needs: what a key may read as JSON it may read as a file. A slow reader holds a
file, never a connection to the database.
"""

import tempfile
from collections.abc import AsyncIterator
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from services.ingest.imports.export_files import MEDIA, Row, write
from services.ingest.imports.export_rows import ExportRows
from services.ingest.imports.fields import fields_of
from services.ingest.store import Filter
from shared.access import Principal
from shared.domain.codes import canonical_school_code
from shared.domain.days import day_number
from shared.queries import Day
from shared.security import require

Format = Annotated[Literal["csv", "xlsx", "geojson"], Query(alias="format")]
Visits = Annotated[Principal, Depends(require("visits:read"))]
Register = Annotated[Principal, Depends(require("registry:read"))]
Contacts = Annotated[Principal, Depends(require("contacts:read"))]
_PIECE = 1 << 18
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The file",
        "content": {media: {"schema": {"type": "string"}} for media in MEDIA.values()},
    }
}


def export_router(rows: ExportRows) -> APIRouter:
    """`/v1/exports/…`."""
    routes = APIRouter(tags=["exports"])

    @routes.get("/v1/exports/visits", responses=_ANSWERS, response_class=StreamingResponse)
    async def export_visits(
        caller: Visits,
        file_format: Format = "csv",
        school: Annotated[str | None, Query(max_length=100)] = None,
        first: Annotated[Day | None, Query(alias="from")] = None,
        last: Annotated[Day | None, Query(alias="to")] = None,
        status: Literal["accepted", "quarantined", "excluded"] | None = None,
        source: Annotated[str | None, Query(max_length=100, description="for admins")] = None,
    ) -> StreamingResponse:
        """Export visits as they stand; a key without `admin` those of its source."""
        wanted = Filter(
            source=source if caller.has("admin") else caller.source,
            code=None if school is None else canonical_school_code(school),
            first=None if first is None else day_number(first),
            last=None if last is None else day_number(last),
            status=status,
        )
        return await _answer("visits", rows.visits(caller, wanted), file_format)

    @routes.get("/v1/exports/schools", responses=_ANSWERS, response_class=StreamingResponse)
    async def export_schools(caller: Register, file_format: Format = "csv") -> StreamingResponse:
        """Export all dated records of schools."""
        return await _answer("schools", rows.register(caller, "schools"), file_format)

    @routes.get("/v1/exports/units", responses=_ANSWERS, response_class=StreamingResponse)
    async def export_units(caller: Register, file_format: Format = "csv") -> StreamingResponse:
        """Export all dated records of units."""
        return await _answer("units", rows.register(caller, "units"), file_format)

    @routes.get("/v1/exports/targets", responses=_ANSWERS, response_class=StreamingResponse)
    async def export_targets(caller: Register, file_format: Format = "csv") -> StreamingResponse:
        """Export all targets."""
        return await _answer("targets", rows.targets(caller), file_format)

    @routes.get("/v1/exports/officers", responses=_ANSWERS, response_class=StreamingResponse)
    async def export_officers(caller: Contacts, file_format: Format = "csv") -> StreamingResponse:
        """Export officers with their contacts, a row for each posting."""
        return await _answer("officers", rows.officers(caller), file_format)

    return routes


async def _answer(kind: str, rows: AsyncIterator[Row], file_format: str) -> StreamingResponse:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been sent
    try:
        await write(rows, list(fields_of(kind).values()), file_format, file)
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    return StreamingResponse(
        _sent(file),
        media_type=MEDIA[file_format],
        headers={
            "Content-Disposition": f'attachment; filename="{kind}.{file_format}"',
            "Content-Length": str(size),
        },
    )


async def _sent(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
