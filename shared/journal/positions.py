"""How far a consumer has come: a row beside its effects, moved in the same transaction.

A position moves by compare-and-set: whoever finds another value than it left there was replaced by
another instance meanwhile, and everything it did since is dropped.
"""

from shared.db.errors import Conflict
from shared.db.transaction import Tx
from shared.journal.records import Fenced


async def load(tx: Tx, consumer: str, partition: str) -> int | None:
    """The position that comes next, or None when this partition was never read."""
    row = await tx.fetch_one(
        "SELECT next FROM positions WHERE consumer = $1 AND partition = $2", consumer, partition
    )
    return None if row is None else int(row[0])


async def advance(tx: Tx, consumer: str, partition: str, expected: int | None, new: int) -> None:
    """Move from `expected` (None: never read) to `new`; raises Fenced when it stands elsewhere."""
    if expected is None:
        try:
            await tx.insert_rows(
                "positions", ("consumer", "partition", "next"), [(consumer, partition, new)]
            )
        except Conflict as error:
            raise Fenced(f"{consumer} {partition}") from error
        return
    moved = await tx.execute(
        "UPDATE positions SET next = $1 WHERE consumer = $2 AND partition = $3 AND next = $4",
        new,
        consumer,
        partition,
        expected,
    )
    if moved != 1:
        raise Fenced(f"{consumer} {partition}")


async def put(tx: Tx, consumer: str, partition: str, new: int) -> None:
    """Set a position whatever it was: for rebuilding and healing only."""
    await tx.upsert_rows(
        "positions",
        ("consumer", "partition"),
        ("consumer", "partition", "next"),
        [(consumer, partition, new)],
    )
