"""Writing to and reading from a service's journal.

Sequence order must be commit order before anyone may ask for "everything after n": on PostgreSQL a
transaction that appends holds one lock from just before the insert until its commit, so append
last. A SQLite file has one writer anyway. Whoever chooses the instant of record under that lock,
later than the last, makes it rise with the sequence too.
"""

from collections.abc import Callable, Sequence

from shared.db.transaction import Tx
from shared.journal.records import Event, Record

JOURNAL_LOCK = "journal"
COLUMNS = ("topic", "type", "key", "subject", "time", "recorded", "data")
_READ = f"SELECT seq,{','.join(COLUMNS)} FROM journal WHERE "


async def append(tx: Tx, events: Sequence[Event]) -> list[int]:
    """Append events in the transaction's own fate; returns their positions. Call it last."""
    if not events:
        return []
    await tx.lock(JOURNAL_LOCK)
    if tx.dialect == "postgresql":
        rows = await tx.fetch(
            f"INSERT INTO journal ({','.join(COLUMNS)}) SELECT * FROM unnest($1::text[],$2::text[],"
            "$3::text[],$4::text[],$5::bigint[],$6::bigint[],$7::bytea[]) RETURNING seq",
            *(list(column) for column in zip(*map(_row, events), strict=True)),
        )
        return sorted(row[0] for row in rows)
    await tx.insert_rows("journal", COLUMNS, [_row(event) for event in events])
    last = (await tx.fetch_one("SELECT max(seq) FROM journal"))[0]
    return list(range(last - len(events) + 1, last + 1))


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.topic,
        event.type,
        event.key,
        event.subject,
        event.time,
        event.recorded,
        event.data,
    )


async def read(
    tx: Tx, partition: str, start: int, topics: Sequence[str], limit: int
) -> list[Record]:
    """Up to `limit` records of `topics` from position `start` on, in order.

    On PostgreSQL the rest of the transaction is planned without sorting.
    """
    if tx.dialect == "postgresql":
        # Both keys give the order. A planner without fresh statistics believes that few rows are
        # left, and sorts the whole backlog to find the first of them, at every read anew.
        await tx.execute("SET LOCAL enable_sort = off")
    if len(topics) == 1 and tx.dialect == "postgresql":
        # Compared as a pair, only the key (topic, seq) gives the order: walking along seq past the
        # records of other topics, in the hope of a near one, looks as good to the planner.
        rows = await tx.fetch(
            _READ + "(topic, seq) >= ($1, $2::bigint) AND topic <= $1 ORDER BY topic, seq LIMIT $3",
            topics[0],
            start,
            limit,
        )
    elif len(topics) == 1:
        rows = await tx.fetch(
            _READ + "topic = $1 AND seq >= $2 ORDER BY seq LIMIT $3", topics[0], start, limit
        )
    else:
        rows = await tx.fetch(
            _READ + "seq >= $1 AND topic = ANY($2::text[]) ORDER BY seq LIMIT $3",
            start,
            list(topics),
            limit,
        )
    return [Record(partition, row[0], Event(*row[1:])) for row in rows]


async def read_data(tx: Tx, start: int, topic: str, limit: int) -> tuple[list[int], list[bytes]]:
    """What `read` gives of one topic, as positions and data alone."""
    if tx.dialect == "postgresql":
        await tx.execute("SET LOCAL enable_sort = off")
        rows = await tx.fetch(
            "SELECT seq, data FROM journal WHERE (topic, seq) >= ($1, $2::bigint) "
            "AND topic <= $1 ORDER BY topic, seq LIMIT $3",
            topic,
            start,
            limit,
        )
    else:
        rows = await tx.fetch(
            "SELECT seq, data FROM journal WHERE topic = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
            topic,
            start,
            limit,
        )
    return [row[0] for row in rows], [row[1] for row in rows]


async def instant(tx: Tx, choose: Callable[[], int]) -> int:
    """The instant of record of what is stored next: later than all recorded before it.

    The journal's lock is held from here to the end of `tx`, and `choose` asked for the present
    instant (microseconds) under it. One that was taken before would pass while others commit, or
    while nobody does: answers as known at it would change.
    """
    await tx.lock(JOURNAL_LOCK)
    return max(choose(), await last_recorded(tx) + 1)


async def last_recorded(tx: Tx) -> int:
    """When the last record was recorded (microseconds); 0 when there is none."""
    row = await tx.fetch_one("SELECT recorded FROM journal ORDER BY seq DESC LIMIT 1")
    return 0 if row is None else int(row[0])


async def recorded_before(tx: Tx, position: int) -> int:
    """When the last record before a position was recorded (microseconds); 0 when there is none."""
    row = await tx.fetch_one(
        "SELECT recorded FROM journal WHERE seq < $1 ORDER BY seq DESC LIMIT 1", position
    )
    return 0 if row is None else int(row[0])


async def end(tx: Tx) -> int:
    """The position after the last record."""
    return int((await tx.fetch_one("SELECT coalesce(max(seq), 0) FROM journal"))[0]) + 1
