"""The right of reply: those whom a visit is about answer to it, and the answer stays beside it.

Owns storing and listing replies. A reply changes no figure and no standing; a reviewer sees it in
the queue.
"""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from msgspec import Meta

from services.ingest.drafts import Drafter
from services.ingest.intake import refresh
from services.ingest.outcomes import withdrawn
from services.ingest.schemas import Group, Word
from services.ingest.store import Stored, current
from services.ingest.trust.tables import ReplyRow
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.errors import Problem, invalid, not_found
from shared.strict_json import text_fault

_TABLE = str(ReplyRow.__tablename__)
_COLUMNS = ("reply_id", "revision", "role", "author", "text", "actor", "received_at")
_MOST = 100
_NAMESPACE = UUID("7f0d3c1e-52d5-5f7c-9f0a-9d4f5f1f6a31")
Document = dict[str, Any]


class ReplyIn(Group, kw_only=True):
    """A reply to a visit.

    With a `reply_id` of its own a reply can be sent again safely; without one, the same text from
    the same caller is one reply. `author` is a post or an officer's id rather than a name.
    """

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    reply_id: UUID | None = None
    role: Literal["school", "officer", "monitor", "community", "other"] | None = None
    author: Word | None = None


class Replies:
    """Writes and reads replies."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def add(
        self, caller: Principal, source: str, visit_id: UUID, reply: ReplyIn
    ) -> tuple[Document, bool]:
        """Keep a reply to a visit; whether it is new. Raises Problem 404, 409, 410 or 422."""
        for name in ("text", "author"):
            fault = text_fault(getattr(reply, name) or "")
            if fault is not None:
                raise invalid(f"/{name}", *fault)
        if not reply.text.strip():
            raise invalid("/text", "empty", "The text is empty.")
        async with self._database.transaction() as tx:
            visit = await self._visit(tx, caller, source, str(visit_id), lock=True)
            if visit.standing == "withdrawn":
                raise withdrawn()
            said = (reply.role or "other", reply.author, reply.text, caller.key_id)
            reply_id = str(reply.reply_id or uuid5(_NAMESPACE, repr((source, visit_id, said))))
            held = await self._held(tx, visit)
            for row in held:
                if row[0] == reply_id:
                    if tuple(row[2:6]) != said:
                        detail = "Another reply was given under this id."
                        raise Problem(409, "reply_exists", detail)
                    return _document(visit, row), False
            if len(held) >= _MOST:
                detail = f"A visit takes at most {_MOST} replies."
                raise Problem(409, "too_many_replies", detail)
            row = (reply_id, visit.revision, *said, self._drafter.stamps.next())
            await tx.insert_rows(
                _TABLE,
                ("visit_id", "source", "number", *_COLUMNS),
                [(visit.visit_id, visit.source, len(held) + 1, *row)],
            )
        return _document(visit, row), True

    async def of(self, caller: Principal, source: str, visit_id: UUID) -> list[Document]:
        """All replies to a visit, the first first, withdrawn or not; raises Problem 404."""
        async with self._database.reading() as tx:
            visit = await self._visit(tx, caller, source, str(visit_id))
            return [_document(visit, row) for row in await self._held(tx, visit)]

    async def _visit(
        self, tx: Tx, caller: Principal, source: str, visit_id: str, *, lock: bool = False
    ) -> Stored:
        await refresh(tx, self._drafter)
        visit = await current(tx, source, visit_id, lock=lock)
        if visit is None or not self._drafter.within(caller, visit.code, visit.day):
            raise not_found("visit")
        return visit

    async def _held(self, tx: Tx, visit: Stored) -> list[Any]:
        return await tx.fetch(
            f"SELECT {','.join(_COLUMNS)} FROM {_TABLE} WHERE visit_id = $1 AND source = $2 "
            "ORDER BY number",
            visit.visit_id,
            visit.source,
        )


def _document(visit: Stored, row: Any) -> Document:
    told = dict(zip(_COLUMNS, row, strict=True))
    told["received_at"] = rfc3339(told["received_at"])
    return {"source": visit.source, "visit_id": visit.visit_id, **told}


EXAMPLE: Document = {
    "source": "pmc-tablets",
    "visit_id": "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f",
    "reply_id": "0a4d3c9e-7f0b-4c53-9d51-6d3e2f1a0b9c",
    "revision": 1,
    "role": "school",
    "author": "head teacher",
    "text": "Two teachers were at the census that day; the order is attached to the log book.",
    "actor": "5f2d9c1b7a3e",
    "received_at": "2018-03-06T06:10:00.000000Z",
}
GIVEN = {name: EXAMPLE[name] for name in ("role", "author", "text")}
