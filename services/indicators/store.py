"""Visits in tables, for the fold: looking up, locking, loading, writing. SQL only.

Owns `visits`, `visits_past` and the lock rows of schools on the write side; cells are
`cell_store`'s, the register is `registry_store`'s.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.indicators.incoming import Revision
from services.indicators.visits import COLUMNS
from shared.db.transaction import Tx

Key = tuple[str, str]
"""(source, visit_id)."""
Span = tuple[int, int, int]
"""(school, first day, last day), both days included."""
_FIELDS = ("school", *Revision._fields)
_LOADED = ",".join(f"v.{column}" for column in COLUMNS)


async def held_visits(tx: Tx, keys: Iterable[Key]) -> dict[Key, tuple[int | None, Revision]]:
    """Return the newest revisions held, with the school of each, of those keys that are known."""
    by_source: dict[str, list[str]] = {}
    for source, visit_id in keys:
        by_source.setdefault(source, []).append(visit_id)
    found: dict[Key, tuple[int | None, Revision]] = {}
    for source, ids in by_source.items():
        rows = await tx.fetch(
            f"SELECT {','.join(_FIELDS)} FROM visits "
            "WHERE source = $1 AND visit_id = ANY($2::text[])",
            source,
            ids,
        )
        for row in rows:
            found[source, row[2]] = (row[0], Revision(*row[1:]))
    return found


async def still(tx: Tx, seen: Mapping[Key, tuple[int | None, Revision]]) -> bool:
    """Tell whether these visits are still as they were seen, now that their schools are locked."""
    now = await held_visits(tx, seen)
    return len(now) == len(seen) and all(
        (now[key][0], now[key][1].revision) == (school, revision.revision)
        for key, (school, revision) in seen.items()
    )


async def lock_schools(tx: Tx, schools: Iterable[int]) -> dict[int, int]:
    """Lock schools in code order; returns the stock groups each has ever answered."""
    rows = await tx.fetch(
        "SELECT id, groups FROM schools WHERE id = ANY($1::integer[]) ORDER BY code FOR UPDATE",
        sorted(schools),
    )
    return {row[0]: row[1] for row in rows}


async def save_groups(tx: Tx, groups: Sequence[tuple[int, int]]) -> None:
    """Write (groups, school) of locked schools."""
    if groups:
        await tx.many("UPDATE schools SET groups = $1 WHERE id = $2", groups)


async def visits_of(tx: Tx, schools: Sequence[int]) -> list[Any]:
    """Load all visits of schools, as rows of visits.COLUMNS."""
    return await tx.fetch(
        f"SELECT {_LOADED} FROM visits v WHERE v.school = ANY($1::integer[])", list(schools)
    )


async def visits_within(tx: Tx, spans: Sequence[Span]) -> list[Any]:
    """Load the visits of each school on its days, as rows of visits.COLUMNS."""
    if not spans:
        return []
    if tx.dialect == "postgresql":
        columns = [list(column) for column in zip(*spans, strict=True)]
        return await tx.fetch(
            f"SELECT {_LOADED} FROM unnest($1::integer[],$2::integer[],$3::integer[]) "
            "AS q(school, first, last) "
            "JOIN visits v ON v.school = q.school AND v.day BETWEEN q.first AND q.last",
            *columns,
        )
    return await tx.fetch(
        f"SELECT {_LOADED} FROM json_each($1) q CROSS JOIN visits v "
        "ON v.school = json_extract(q.value, '$[0]') AND v.day BETWEEN "
        "json_extract(q.value, '$[1]') AND json_extract(q.value, '$[2]')",
        json.dumps(spans),
    )


async def insert_visits(tx: Tx, rows: Sequence[tuple[int | None, Revision]]) -> None:
    """Insert visits seen for the first time; raises Conflict when another instance was first."""
    if rows:
        await tx.insert_rows("visits", _FIELDS, [(school, *row) for school, row in rows])


async def replace_visits(tx: Tx, rows: Sequence[tuple[int | None, Revision]]) -> None:
    """Put newer revisions in the place of those held."""
    if rows:
        await tx.upsert_rows(
            "visits",
            ("source", "visit_id"),
            _FIELDS,
            [(school, *row) for school, row in rows],
        )


async def keep_past(tx: Tx, revisions: Sequence[Revision]) -> None:
    """Keep revisions that are not the newest; one that is kept already stays the same."""
    if revisions:
        distinct = {(row.source, row.visit_id, row.revision): row for row in revisions}
        await tx.upsert_rows(
            "visits_past",
            ("source", "visit_id", "revision"),
            Revision._fields,
            list(distinct.values()),
        )


async def attribute(tx: Tx, codes: Sequence[str]) -> int:
    """Give the visits that waited for these schools to them; returns how many there were."""
    if not codes:
        return 0
    return await tx.execute(
        "UPDATE visits SET school = (SELECT s.id FROM schools s WHERE s.code = visits.school_code) "
        "WHERE school IS NULL AND school_code = ANY($1::text[])",
        sorted(codes),
    )


async def visit_counts(tx: Tx, schools: Sequence[int]) -> dict[int, int]:
    """Return how many visits each of these schools has, none left out as 0."""
    rows = await tx.fetch(
        "SELECT school, count(*) FROM visits WHERE school = ANY($1::integer[]) GROUP BY school",
        list(schools),
    )
    return {row[0]: row[1] for row in rows}
