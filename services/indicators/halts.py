"""The standstill after a difference: what was found wrong, kept where every instance sees it.

Owns the table `halts` and the refusal to fold while it holds anything. A wrong cell that goes on
being added to, and told of, hides its cause: so nothing moves until a rebuild has computed all
anew, or a verification finds everything right. Finding is `verify`'s and `verify_sample`'s.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.indicators.registry_store import REGISTER_LOCK, line_of
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.journal.records import Record

Handle = Callable[[Tx, list[Record]], Awaitable[None]]
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found, in figures of which line: a rebuild begins another."""

    line: str
    differences: list[str]


async def halt(database: Database, verdict: Verdict, now: int) -> bool:
    """Keep what was found at `now` (microseconds), at most 100 lines: folding stops here.

    False, and nothing is kept, when a rebuild has computed all anew since the verification looked.
    """
    async with database.transaction() as tx:
        # A rebuild that is switching holds this lock: what is read after it is before or behind.
        await tx.lock(REGISTER_LOCK, shared=True)
        if await line_of(tx) != verdict.line:
            return False
        await tx.upsert_rows(
            "halts",
            ("difference",),
            ("difference", "found"),
            [(line, now) for line in dict.fromkeys(verdict.differences[:_KEPT])],
        )
    return True


async def standing(tx: Tx) -> str | None:
    """Say why nothing is folded, in one sentence that names the first difference; None: it is."""
    row = await tx.fetch_one("SELECT difference FROM halts ORDER BY found, difference LIMIT 1")
    if row is None:
        return None
    return f"figures stand still, as a difference was found: {row[0]} (mend it by `rtsm rebuild`)"


async def lift(tx: Tx) -> None:
    """Forget all that was found: everything is computed anew in this very transaction."""
    await tx.execute("DELETE FROM halts")


async def lift_before(tx: Tx, begun: int) -> None:
    """Forget what was found before a verification began (microseconds) that found all right."""
    await tx.execute("DELETE FROM halts WHERE found < $1", begun)


def unless_halted(handle: Handle) -> Handle:
    """The same handler, waiting (Transient) for as long as a difference is unmended."""

    async def guarded(tx: Tx, records: list[Record]) -> None:
        why = await standing(tx)
        if why is not None:
            raise Transient(why)
        await handle(tx, records)

    return guarded
