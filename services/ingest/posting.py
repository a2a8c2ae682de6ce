"""`POST /v1/visits`: the path that every visit takes, as a bare ASGI application.

Owns the way from bytes to receipt. It stands below the framework's request handling because that
would cost more than everything it does itself.
"""

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.bodies import (
    JSON,
    SINGLE,
    ClientGone,
    admitted,
    answer,
    head_of,
    whole,
)
from services.ingest.committer import Committer, unavailable
from services.ingest.drafts import Drafter
from services.ingest.waiting import Figures, wants_figures
from shared.access import Access
from shared.db.errors import Transient
from shared.errors import Problem
from shared.security import counted
from shared.web import problem_response

_ENCODER = msgspec.json.Encoder()


class PostVisit:
    """Takes one visit and answers when it is stored."""

    def __init__(
        self, access: Access, drafter: Drafter, committer: Committer, figures: Figures
    ) -> None:
        self._access = access
        self._drafter = drafter
        self._committer = committer
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a client that went away is not answered."""
        try:
            await self._take(scope, receive, send)
        except ClientGone:
            return
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, send)
        except Transient:
            await problem_response(unavailable(), scope["path"])(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        load = self._committer.load
        load.refuse_single()
        head = head_of(scope)
        caller = await admitted(self._access, head, "visits:write")
        if caller.limit is not None:
            await counted(scope, self._access, caller)
        head.media_type(JSON)
        head.bounded(SINGLE)
        query: bytes = scope["query_string"]
        wait = bool(query) and wants_figures(query)
        raw = await whole(receive, SINGLE, load)
        try:
            [fate] = await self._committer.submit([self._drafter.posted(raw, caller)])
        finally:
            load.bytes -= len(raw)
        if isinstance(fate, Problem):
            raise fate
        receipt = fate.receipt
        if wait:
            receipt.figures = await self._figures.visit(receipt.source, receipt.visit_id, 1)
        await answer(send, fate.http, _ENCODER.encode(receipt))
