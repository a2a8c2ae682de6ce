"""The body of an upload on its way into the database: media types, limits, pieces.

Owns bytes only. A file is kept in pieces as it arrives; one that is cut off leaves nothing.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.ingest.bodies import STREAM, ClientGone, head_of, pieces
from shared.errors import Problem

CSV = "text/csv"
TSV = "text/tab-separated-values"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON = "application/geo+json"
FORM = "multipart/form-data"
MEDIA = (CSV, XLSX, GEOJSON, TSV, "application/octet-stream", FORM)
PIECE = 1 << 20
_MOST_FIELDS = 20
_MOST_FIELD = 4_096


@dataclass
class Upload:
    """A body: its file as a stream, and what a form says beside it."""

    file: AsyncIterator[bytes]
    charset: str | None = None
    name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Measured:
    """What is known of a file once it has passed."""

    size: int = 0
    digest: str = ""


async def uploaded(request: Request) -> Upload:
    """The file of a request; raises Problem 400, 413, 415 or 422."""
    head = head_of(request.scope)
    kind, _, rest = head.content_type.partition(";")
    kind = kind.strip().lower()
    if kind not in MEDIA or head.encoding not in {"", "identity"}:
        detail = f"Send one of {', '.join(MEDIA)}, without a content encoding."
        raise Problem(415, "unsupported_media_type", detail)
    head.bounded(STREAM)
    if kind == FORM:
        return await _form(request)
    return Upload(_body(request), _charset(rest))


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')[:40] or None
    return None


async def _body(request: Request) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in pieces(request.receive, STREAM):
            yield piece
    except ClientGone:
        raise Problem(400, "cut_off", "The body was cut off.") from None


async def _form(request: Request) -> Upload:
    """A form with one field `file`; its other fields stand for missing query parameters."""
    try:
        parser = MultiPartParser(
            request.headers,
            _body(request),
            max_files=1,
            max_fields=_MOST_FIELDS,
            max_part_size=_MOST_FIELD,
        )
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, AssertionError) as error:
        raise Problem(400, "not_a_form", "The body is no multipart form.") from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem(422, "missing", "The form has no field `file` with a file.")
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    name = (file.filename or "")[:200]
    return Upload(_spooled(file), None, name or None, fields)


async def _spooled(file: UploadFile) -> AsyncIterator[bytes]:
    try:
        while piece := await file.read(PIECE):
            yield piece
    finally:
        await file.close()


async def whole_pieces(upload: Upload, measured: Measured) -> AsyncIterator[bytes]:
    """The file in pieces of one mebibyte; `measured` is complete after the last."""
    digest = hashlib.sha256()
    waiting = bytearray()
    async for piece in upload.file:
        digest.update(piece)
        measured.size += len(piece)
        waiting += piece
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)
    measured.digest = digest.hexdigest()
