"""Bodies and headers of the intake's requests, bounded, without the framework's detours.

Owns content types, size limits and what happens when a client goes away in the middle; what the
bytes mean is left to `reading`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from services.ingest.load import Load
from shared.access import Access, Principal, unauthenticated
from shared.errors import Problem
from shared.security import bearer
from shared.web import too_large

SINGLE = 256 * 1024
ARRAY = 4 * 1024 * 1024
STREAM = 32 * 1024 * 1024
JSON = "application/json"
NDJSON = "application/x-ndjson"
_UTF8 = {"utf-8", "utf8"}


class ClientGone(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its body was complete: nothing of it is stored."""


@dataclass(slots=True)
class Head:
    """The headers that intake looks at."""

    authorization: str | None = None
    content_type: str = ""
    content_length: int | None = None
    encoding: str = ""
    accept: str = ""

    def media_type(self, *allowed: str) -> str:
        """The body's media type, one of `allowed`; raises Problem 415."""
        if self.content_type in allowed and not self.encoding:
            return self.content_type
        kind, _, rest = self.content_type.partition(";")
        kind = kind.strip().lower()
        if kind not in allowed or self.encoding not in {"", "identity"} or not _is_utf8(rest):
            detail = f"Send {' or '.join(allowed)} in UTF-8, without a content encoding."
            raise Problem(415, "unsupported_media_type", detail)
        return kind

    def bounded(self, limit: int) -> None:
        """Raise Problem 413 when the body is declared larger than `limit` bytes."""
        if self.content_length is not None and self.content_length > limit:
            raise too_large(limit)


def _is_utf8(parameters: str) -> bool:
    if not parameters:
        return True
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in _UTF8
    return True


def head_of(scope: Scope) -> Head:
    """The headers of a request."""
    head = Head()
    for name, value in scope["headers"]:
        if name == b"authorization":
            head.authorization = value.decode("latin-1")
        elif name == b"content-type":
            head.content_type = value.decode("latin-1")
        elif name == b"content-length":
            head.content_length = int(value) if value.isdigit() else None
        elif name == b"content-encoding":
            head.encoding = value.decode("latin-1").strip().lower()
        elif name == b"accept":
            head.accept = value.decode("latin-1").lower()
    return head


async def admitted(access: Access, head: Head, scope_name: str) -> Principal:
    """Who is asking; raises Problem 401 or 403."""
    key = bearer(head.authorization)
    if not key:
        raise unauthenticated()
    principal = access.remembered(key) or await access.authenticate(key)
    principal.need(scope_name)
    return principal


async def pieces(receive: Receive, limit: int, load: Load | None = None) -> AsyncIterator[bytes]:
    """The body piece by piece; raises Problem 413 beyond `limit` bytes, ClientGone when cut off.

    With `load`, each piece is held there (or refused: 503), for the caller to let go.
    """
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        if piece:
            if load is not None:
                load.hold(len(piece))
            yield piece
        if not message.get("more_body", False):
            return


async def whole(receive: Receive, limit: int, load: Load | None = None) -> bytes:
    """The whole body; raises as `pieces`, and holds nothing then."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise too_large(limit)
        if load is not None:
            load.bytes += len(body)
        return body
    return await _joined(body, receive, limit, load)


async def _joined(first: bytes, receive: Receive, limit: int, load: Load | None) -> bytes:
    """The rest of a body behind its first piece, all of it held together."""
    parts, held = [first], 0
    try:
        if load is not None:
            load.hold(len(first))
            held = len(first)
        async for piece in pieces(receive, limit - len(first), load):
            parts.append(piece)
            held += len(piece)
    except BaseException:
        if load is not None:
            load.bytes -= held
        raise
    return b"".join(parts)


async def answer(
    send: Send, status: int, body: bytes, kind: bytes = b"application/json", *more: Any
) -> None:
    """Send an answer; `more` are further header pairs."""
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
