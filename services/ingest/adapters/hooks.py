"""`POST /v1/hooks/{adapter}/{form}`: what a partner's server sends is stored and acknowledged.

Owns who may call (any key of the partner's source, in each way such servers can send one) and the
answer; applying follows at once, elsewhere. What cannot be read is kept as well, and refused.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from services.ingest.adapters import openrosa
from services.ingest.adapters.declared import Adapter, Adapters
from services.ingest.adapters.inbox import MOST_BYTES, Arrival, Inbox, Taken
from services.ingest.adapters.pages import arrival
from services.ingest.adapters.photos import Photos
from services.ingest.adapters.workers import Workers
from services.ingest.bodies import STREAM, ClientGone, head_of, whole
from services.ingest.exchange import json_answer
from services.ingest.stamps import Stamps
from shared.access import Access, Principal, unauthenticated
from shared.db.engine import Database
from shared.errors import Problem
from shared.security import bearer, counted

MEDIA = ("application/json", "text/xml", "application/xml")
NEED = "visits:write"


def hook_caller() -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that admits a key as a bearer, as `X-API-Key`, or as the password of a user."""

    async def admitted(request: Request) -> Principal:
        key = _key(request)
        if key is None:
            raise unauthenticated("A key is needed, also as the password of basic authentication.")
        access: Access = request.app.state.platform.access
        principal = await access.authenticate(key)
        await counted(request.scope, access, principal)
        principal.need(NEED)
        return principal

    admitted.need = NEED  # type: ignore[attr-defined]
    return admitted


def _key(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return request.headers.get("x-api-key")
    kind, _, rest = header.partition(" ")
    if kind.lower() != "basic":
        return bearer(header)
    try:
        pair = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return pair.partition(":")[2] or None


class Hooks:
    """Takes what partners' servers send."""

    def __init__(
        self,
        database: Database,
        adapters: Adapters,
        stamps: Stamps,
        workers: Workers,
        photos: Photos,
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._stamps = stamps
        self._workers = workers
        self._photos = photos

    async def take(self, request: Request, name: str, form: str, caller: Principal) -> Response:
        """Store one call and answer; raises Problem 400, 404, 413, 415 or 422."""
        adapter = await self._adapters.one(name, caller)
        adapter.form(form)
        sent, photos = await _sent(request, adapter)
        taken = await self._store(adapter, form, sent, photos)
        if isinstance(sent.payload, Problem):
            raise sent.payload
        self._workers.ring(name)
        document = {
            "adapter": name,
            "form": form,
            "submission": taken.identity,
            "received": taken.word,
            "state": taken.state,
        }
        if sent.media == openrosa.STORED_AS:
            return json_answer(document, 201, **openrosa.HEADERS)
        return json_answer(document, 202 if taken.word == "stored" else 200)

    async def _store(
        self, adapter: Adapter, form: str, sent: Arrival, photos: dict[str, str]
    ) -> Taken:
        inbox = Inbox(self._stamps, adapter.name, form, "hook")
        async with self._database.transaction() as tx:
            [taken] = await inbox.take(tx, [sent])
            if photos:
                await self._photos.give(tx, adapter.name, form, taken.identity, photos)
        return taken


async def _sent(request: Request, adapter: Adapter) -> tuple[Arrival, dict[str, str]]:
    """What a call brings, with the digests of the photos beside it."""
    head = head_of(request.scope)
    if head.content_type.partition(";")[0].strip().lower() == openrosa.MEDIA:
        head.bounded(STREAM)
        raw, photos = await openrosa.submission(request)
        return arrival(adapter.config.kind, raw, openrosa.STORED_AS), photos
    media = head.media_type(*MEDIA)
    head.bounded(MOST_BYTES)
    try:
        raw = await whole(request.receive, MOST_BYTES)
    except ClientGone:
        raise Problem(400, "cut_off", "The body was cut off.") from None
    return arrival(adapter.config.kind, raw, media), {}
