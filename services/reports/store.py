"""Reading and writing the copy of the register's names.

Owns the SQL. Of several dated records of a place the one in force on a day counts; the first also
serves the days before it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from services.reports.figures import Place
from shared.db.transaction import Tx


@dataclass(frozen=True, slots=True)
class Name:
    """One dated record of a place, in the order of the table's columns."""

    place_id: str
    valid_from: int
    name: str
    names: str
    level: str
    parent_id: str | None
    folded: str
    version: int

    @property
    def key(self) -> tuple[str, int]:
        """What identifies the record."""
        return self.place_id, self.valid_from


_COLUMNS = tuple(column.name for column in fields(Name))
# $1 is always the day.
_IN_FORCE = (
    "p.valid_from = COALESCE("
    "(SELECT MAX(q.valid_from) FROM places q WHERE q.place_id = p.place_id AND q.valid_from <= $1),"
    "(SELECT MIN(q.valid_from) FROM places q WHERE q.place_id = p.place_id))"
)
_SELECT = "SELECT p.place_id, p.name, p.names, p.level, p.parent_id FROM places p WHERE "
_ORDER = " ORDER BY CASE WHEN p.level = 'school' THEN 1 ELSE 0 END, p.name, p.place_id"


async def put_places(tx: Tx, names: Sequence[Name]) -> None:
    """Store records, replacing those of the same place and day."""
    if names:
        await tx.upsert_rows("places", _COLUMNS[:2], _COLUMNS, [astuple(name) for name in names])


async def versions_of(tx: Tx, place_ids: Sequence[str]) -> dict[tuple[str, int], int]:
    """The version of each record that is kept of these places."""
    rows = await tx.fetch(
        "SELECT place_id, valid_from, version FROM places WHERE place_id = ANY($1::text[])",
        list(place_ids),
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def newest_version(tx: Tx) -> int:
    """The greatest version kept; 0 for an empty register."""
    row = await tx.fetch_one("SELECT MAX(version) FROM places")
    return int(row[0] or 0)


async def under(tx: Tx, day: int, units: Sequence[str]) -> list[str]:
    """These units and all units below them on a day, without schools."""
    seen, frontier = list(units), list(units)
    while frontier:
        rows = await tx.fetch(
            "SELECT p.place_id FROM places p WHERE p.parent_id = ANY($2::text[]) "
            f"AND p.level <> 'school' AND {_IN_FORCE}",
            day,
            frontier,
        )
        known = set(seen)
        frontier = [row[0] for row in rows if row[0] not in known]
        seen += frontier
    return seen


async def find(
    tx: Tx,
    day: int,
    most: int,
    *,
    part: str | None = None,
    level: str | None = None,
    parents: Sequence[str] | None = None,
    scope: Sequence[str] | None = None,
) -> list[Place]:
    """Places by part of a name, by level, by parent; at most `most`, schools last, by name.

    `scope` bounds them to these units, what is directly below them, and nothing else.
    """
    conditions, args = [_IN_FORCE], [day, most]

    def given(value: object) -> str:
        args.append(value)  # type: ignore[arg-type]
        return f"${len(args)}"

    if part is not None:
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", part.casefold()) + "%"
        conditions.append(f"p.folded LIKE {given(pattern)} ESCAPE '\\'")
    if level is not None:
        conditions.append(f"p.level = {given(level)}")
    if parents is not None:
        conditions.append(f"p.parent_id = ANY({given(list(parents))}::text[])")
    if scope is not None:
        own, above = given(list(scope)), given(list(scope))
        conditions.append(
            f"(p.place_id = ANY({own}::text[]) OR p.parent_id = ANY({above}::text[]))"
        )
    return _places(await tx.fetch(f"{_SELECT}{' AND '.join(conditions)}{_ORDER} LIMIT $2", *args))


async def tree(tx: Tx, day: int) -> list[Place]:
    """All units on a day, without schools."""
    return _places(await tx.fetch(f"{_SELECT}p.level <> 'school' AND {_IN_FORCE}{_ORDER}", day))


async def roots(tx: Tx, day: int, most: int) -> list[Place]:
    """Places without a parent."""
    sql = f"{_SELECT}p.parent_id IS NULL AND {_IN_FORCE}{_ORDER} LIMIT $2"
    return _places(await tx.fetch(sql, day, most))


async def named(tx: Tx, day: int, place_ids: Sequence[str], most: int) -> list[Place]:
    """Places by id."""
    sql = f"{_SELECT}p.place_id = ANY($3::text[]) AND {_IN_FORCE}{_ORDER} LIMIT $2"
    return _places(await tx.fetch(sql, day, most, list(place_ids)))


def _places(rows: Sequence[Sequence[str]]) -> list[Place]:
    return [Place(row[0], row[1], row[3], json.loads(row[2]), row[4]) for row in rows]
