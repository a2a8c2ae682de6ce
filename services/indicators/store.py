"""Visits in tables, for the fold: looking up, locking, loading, writing. SQL only.

Owns `visits`, `visits_past` and the lock rows of schools on the write side; cells are
`cell_store`'s, the register is `registry_store`'s.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.indicators.incoming import Revision
from services.indicators.slices import NEIGHBOURS, Changed, too_short
from services.indicators.visits import COLUMNS, Visits
from shared.db.packing import literal
from shared.db.transaction import Tx

Key = tuple[str, str]
"""(source, visit_id)."""
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
    if not groups:
        return
    if tx.dialect == "postgresql":
        await tx.execute(
            "UPDATE schools s SET groups = s.groups | q.added FROM "
            "unnest($1::text::integer[],$2::text::integer[]) AS q(added, id) WHERE s.id = q.id",
            *(literal(column) for column in zip(*groups, strict=True)),
        )
        return
    await tx.many("UPDATE schools SET groups = groups | $1 WHERE id = $2", groups)


async def visits_of(tx: Tx, schools: Sequence[int]) -> list[Any]:
    """Load all visits of schools, as rows of visits.COLUMNS."""
    return await tx.fetch(
        f"SELECT {_LOADED} FROM visits v WHERE v.school = ANY($1::integer[])", list(schools)
    )


async def visits_met(tx: Tx, changed: Sequence[Changed], look_back: int) -> list[Any]:
    """Load as many visits of these schools as the change of their days can meet (`slices`)."""
    rows = await _visits_around(tx, changed, look_back)
    short = too_short(Visits.from_rows(rows), changed)
    if short:
        again = {item.school for item in short}
        rows = [row for row in rows if row[2] not in again]
        rows += await _visits_within(tx, short, look_back)
    return rows


async def _visits_around(tx: Tx, changed: Sequence[Changed], look_back: int) -> list[Any]:
    """Load each school's visits on its changed days and the nearest NEIGHBOURS on either side.

    Days are whole and lie within the look-back; rows of visits.COLUMNS.
    """
    nearest = (
        "(SELECT {0}(p.day) FROM (SELECT day FROM visits WHERE school = q.school AND day {1} "
        f"ORDER BY day {{2}} LIMIT {NEIGHBOURS}) p HAVING count(*) = {NEIGHBOURS})"
    )
    before = nearest.format("min", f"< q.first AND day > q.first - {look_back}", "DESC")
    after = nearest.format("max", f"> q.last AND day < q.last + {look_back}", "ASC")
    return await _visits_of_days(
        tx,
        changed,
        f"coalesce({before}, q.first - {look_back} + 1)",
        f"coalesce({after}, q.last + {look_back} - 1)",
    )


async def _visits_within(tx: Tx, changed: Sequence[Changed], look_back: int) -> list[Any]:
    """Load each school's visits from one look-back before its changed days to one after."""
    return await _visits_of_days(
        tx, changed, f"q.first - {look_back} + 1", f"q.last + {look_back} - 1"
    )


async def _visits_of_days(tx: Tx, changed: Sequence[Changed], begin: str, end: str) -> list[Any]:
    """Load visits between two days that SQL computes from q.school, q.first and q.last."""
    if not changed:
        return []
    columns = [
        [change.school for change in changed],
        [change.first for change in changed],
        [change.last for change in changed],
    ]
    if tx.dialect == "postgresql":
        return await tx.fetch(
            f"SELECT {_LOADED} FROM (SELECT q.school, {begin} AS a, {end} AS b FROM "
            "unnest($1::text::integer[],$2::text::integer[],$3::text::integer[]) "
            "AS q(school, first, last) OFFSET 0) s "
            "JOIN visits v ON v.school = s.school AND v.day BETWEEN s.a AND s.b",
            *(literal(column) for column in columns),
        )
    return await tx.fetch(
        "WITH q(school, first, last) AS MATERIALIZED (SELECT json_extract(value, '$[0]'), "
        "json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each($1)), "
        f"s(school, a, b) AS MATERIALIZED (SELECT q.school, {begin}, {end} FROM q) "
        f"SELECT {_LOADED} FROM s CROSS JOIN visits v "
        "ON v.school = s.school AND v.day BETWEEN s.a AND s.b",
        json.dumps(list(zip(*columns, strict=True))),
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
