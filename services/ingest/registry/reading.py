"""Reading the register and the targets: dated records in order of their ids, page by page.

Owns the statements of lists; what the records mean is left to `register`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.registry.register import VERSION_SQL
from shared.clock import rfc3339
from shared.db.transaction import Tx
from shared.domain.days import day_date

Record = dict[str, Any]
Cursor = tuple[str, int]
FIRST: Cursor = ("", -(2**31))


async def version(tx: Tx) -> int:
    """The register's version."""
    row = await tx.fetch_one(VERSION_SQL)
    return 0 if row is None else int(row[0])


async def records(
    tx: Tx, table: str, after: Cursor, limit: int, ids: Sequence[str] | None = None
) -> tuple[list[Record], Cursor | None]:
    """Up to `limit` told records of `units` or `schools` after a cursor, and where to go on."""
    args: list[Any] = [*after, limit + 1]
    where = "silent = 0 AND (id > $1 OR (id = $1 AND valid_from > $2))"
    if ids is not None:
        args.append(list(ids))
        where += " AND id = ANY($4::text[])"
    rows = await tx.fetch(
        f"SELECT id,valid_from,version,recorded_at,data FROM {table} WHERE {where} "
        "ORDER BY id,valid_from LIMIT $3",
        *args,
    )
    found = [_record(row) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return found, None if last is None else (last[0], last[1])


def _record(row: Any) -> Record:
    record: Record = msgspec.json.decode(row[4])
    record["valid_from"] = day_date(row[1]).isoformat()
    record["version"] = row[2]
    record["recorded_at"] = rfc3339(row[3])
    return record
