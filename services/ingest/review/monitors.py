"""The monitors' table: reading whose visits, page by page.

Owns the statements; the arithmetic is `quality`'s.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.review.quality import VERIFIED_DAYS, Document, table
from services.ingest.trust.rows import COLUMNS, Row
from shared.db.transaction import Tx

Who = tuple[str, str]
_DAY = 86_400 * 1_000_000
_SELECT = f"SELECT {','.join(COLUMNS)} FROM sightings "


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose visits are looked at; instants in microseconds, from the first to before the last."""

    first: int
    last: int
    source: str | None = None
    monitor: str | None = None
    codes: Sequence[str] | None = None


def _where(wanted: Wanted) -> tuple[list[str], list[Any]]:
    args: list[Any] = [wanted.first, wanted.last]
    where = [
        "monitor_id IS NOT NULL",
        "standing IN ('standing','excluded')",
        "at >= $1",
        "at < $2",
    ]
    for column, value in (("source", wanted.source), ("monitor_id", wanted.monitor)):
        if value is not None:
            args.append(value)
            where.append(f"{column} = ${len(args)}")
    if wanted.codes is not None:
        args.append(list(wanted.codes))
        where.append(f"school_code = ANY(${len(args)}::text[])")
    return where, args


async def page(tx: Tx, wanted: Wanted, after: Who | None, limit: int) -> list[Document]:
    """The quality of up to `limit` monitors in order of source and id, after one of them."""
    where, args = _where(wanted)
    conditions = list(where)
    if after is not None:
        conditions.append(f"(source,monitor_id) > (${len(args) + 1},${len(args) + 2})")
    found = await tx.fetch(
        f"SELECT source,monitor_id FROM sightings WHERE {' AND '.join(conditions)} "
        f"GROUP BY source,monitor_id ORDER BY source,monitor_id LIMIT {int(limit)}",
        *args,
        *(after or ()),
    )
    whose = [(row[0], row[1]) for row in found]
    if not whose:
        return []
    places = (
        f"source = ANY(${len(args) + 1}::text[]) AND monitor_id = ANY(${len(args) + 2}::text[])"
    )
    rows = await tx.fetch(
        f"{_SELECT}WHERE {' AND '.join([*where, places])} ORDER BY at,visit_id,source",
        *args,
        sorted({source for source, _ in whose}),
        sorted({monitor for _, monitor in whose}),
    )
    made = [Row(*row) for row in rows if (row[1], row[5]) in set(whose)]
    checks = await tx.fetch(
        f"{_SELECT}WHERE school_code = ANY($1::text[]) AND kind = 'verification' "
        "AND standing = 'standing' AND at >= $2 AND at < $3 ORDER BY at,visit_id,source",
        sorted({row.school_code for row in made}),
        wanted.first,
        wanted.last + VERIFIED_DAYS * _DAY,
    )
    told = await asyncio.to_thread(table, made, [Row(*row) for row in checks])
    return [told[who] for who in whose if who in told]
