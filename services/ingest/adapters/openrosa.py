"""A submission as a telephone sends it: a form with the XML and the photos beside it.

Owns the parts of the form. Photos are read for their digests and not kept.
"""

import hashlib
from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.ingest.adapters.inbox import MOST_BYTES
from services.ingest.bodies import STREAM, ClientGone, pieces
from shared.errors import Problem
from shared.web import too_large

MEDIA = "multipart/form-data"
STORED_AS = "application/xml"
HEADERS = {"X_OpenRosa_Version": "1.0"}
_PART = "xml_submission_file"
_MOST_FILES = 60
_MOST_FIELDS = 20
_PIECE = 1 << 20


async def submission(request: Request) -> tuple[bytes, dict[str, str]]:
    """The XML of a submission and the SHA-256 of each file sent with it, by its name.

    Raises Problem 400 for what is no such form, 413 beyond the limits, 422 without the XML.
    """
    try:
        parser = MultiPartParser(
            request.headers,
            _body(request),
            max_files=_MOST_FILES,
            max_fields=_MOST_FIELDS,
            max_part_size=MOST_BYTES,
        )
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, AssertionError):
        raise Problem(400, "not_a_form", "The body is no multipart form.") from None
    try:
        xml: bytes | None = None
        digests = {}
        for name, part in form.multi_items():
            if name == _PART:
                xml = await _bounded(part) if isinstance(part, UploadFile) else part.encode()
            elif isinstance(part, UploadFile):
                digests[(part.filename or name)[:500]] = await _digest(part)
    finally:
        await form.close()
    if xml is None:
        raise Problem(422, "missing", f"The form has no part {_PART}.")
    return xml, digests


async def _body(request: Request) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in pieces(request.receive, STREAM):
            yield piece
    except ClientGone:
        raise Problem(400, "cut_off", "The body was cut off.") from None


async def _bounded(part: UploadFile) -> bytes:
    raw = await part.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    return raw


async def _digest(part: UploadFile) -> str:
    found = hashlib.sha256()
    while piece := await part.read(_PIECE):
        found.update(piece)
    return found.hexdigest()
