"""How far a partner's form has been read: the place inside a pass, and when the next is due.

Owns the struct that is stored and its statements; what a pass asks for is left to `kobo` and `odk`.
"""

from dataclasses import dataclass

import msgspec

from services.ingest.adapters.schemas import FormIn
from shared.db.transaction import Tx

NEVER = (1 << 63) - 1
_COLUMNS = "cursor,next_at,complete_at,finished_at,failed_at,failures,error"
_ENCODER = msgspec.json.Encoder()


class Pass(msgspec.Struct, omit_defaults=True):
    """A pass under way, and what the last one learnt.

    `mode` is new (what came or changed since `since`), deleted (ODK's list of deletions) or
    complete; "" between passes. `place` is where the next page begins, in the server's own terms;
    `high` the latest time of the server's seen, `scan` the number of a complete reading, `seen` and
    `count` how many rows came and how many the server promised.
    """

    mode: str = ""
    place: str = ""
    since: str = ""
    high: str = ""
    scan: int = 0
    seen: int = 0
    count: int | None = None
    no_deletions: bool = False
    accept: bool = False
    held: int = 0


_DECODER = msgspec.json.Decoder(Pass)


@dataclass
class Cursor:
    """A form's row: its pass, and when (microseconds) what is due; `error` is the last failure."""

    adapter: str
    form: str
    at: Pass
    next_at: int = 0
    complete_at: int = 0
    finished_at: int = 0
    failed_at: int = 0
    failures: int = 0
    error: str | None = None

    def due(self) -> int:
        """When there is something to do."""
        return min(self.next_at, self.complete_at)


async def load(tx: Tx, adapter: str, form: FormIn) -> Cursor:
    """A form's cursor; what is read by itself is due at once in the beginning."""
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM adapter_cursors WHERE adapter = $1 AND form = $2",
        adapter,
        form.form,
    )
    if row is not None:
        return Cursor(adapter, form.form, _DECODER.decode(row[0]), *row[1:])
    return Cursor(
        adapter,
        form.form,
        Pass(),
        next_at=0 if form.poll_seconds else NEVER,
        complete_at=0 if form.complete_seconds else NEVER,
    )


async def save(tx: Tx, cursor: Cursor) -> None:
    """Store a cursor."""
    names = ("adapter", "form", *_COLUMNS.split(","))
    values = (
        cursor.adapter,
        cursor.form,
        _ENCODER.encode(cursor.at).decode(),
        cursor.next_at,
        cursor.complete_at,
        cursor.finished_at,
        cursor.failed_at,
        cursor.failures,
        cursor.error,
    )
    await tx.upsert_rows("adapter_cursors", names[:2], names, [values])
