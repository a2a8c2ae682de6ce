"""The statements of the trust signals, in both dialects.

Owns reading the ledger's visits and reading and writing rows of sightings and marks. What they mean
is left to `fold`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.ingest.trust.rows import COLUMNS, Key, Row
from services.ingest.trust.tables import MarkRow, SightingRow
from shared.db.transaction import Tx

_SIGHTINGS, _HELD = str(SightingRow.__tablename__), str(MarkRow.__tablename__)
_SELECT = f"SELECT {','.join(COLUMNS)} FROM {_SIGHTINGS} "
_KEYS = ("visit_id", "source")
_MARKS = ("mark", "visit_id", "source", "circle", "standing")


@dataclass(frozen=True, slots=True)
class Ledger:
    """A visit as the ledger has it now; `form` is the current one, as JSON."""

    visit_id: str
    source: str
    revision: int
    standing: str
    school_code: str
    day: int
    received_at: int
    form_revision: int
    form: str


async def ledger(tx: Tx, ids: Iterable[str]) -> dict[Key, Ledger]:
    """The visits of some ids as the ledger has them."""
    wanted = sorted(set(ids))
    rows = await tx.fetch(
        "SELECT visit_id,source,revision,standing,school_code,day,received_at,1,form "
        "FROM visits WHERE visit_id = ANY($1::text[])",
        wanted,
    )
    found = {(row[0], row[1]): Ledger(*row) for row in rows}
    corrected = sorted({row[0] for row in rows if row[2] > 1})
    if not corrected:
        return found
    later = await tx.fetch(
        "SELECT visit_id,source,revision,form FROM revisions WHERE visit_id = ANY($1::text[]) "
        "AND form IS NOT NULL ORDER BY revision",
        corrected,
    )
    for visit_id, source, revision, form in later:
        was = found[visit_id, source]
        found[visit_id, source] = replace(was, form_revision=revision, form=form)
    return found


async def rows_of(tx: Tx, ids: Iterable[str]) -> dict[Key, Row]:
    """The rows of some visit ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await tx.fetch(_SELECT + "WHERE visit_id = ANY($1::text[])", wanted)
    return {(row[0], row[1]): Row(*row) for row in rows}


async def judged_by(tx: Tx, codes: Sequence[str]) -> list[tuple[Key, str, int, str]]:
    """Of all visits of some schools: identity, school, day, and the facts they were judged by."""
    rows = await tx.fetch(
        "SELECT visit_id,source,school_code,day,facts FROM sightings "
        "WHERE school_code = ANY($1::text[])",
        list(codes),
    )
    return [((row[0], row[1]), row[2], row[3], row[4]) for row in rows]


async def save(tx: Tx, rows: Sequence[Row]) -> None:
    """Store rows."""
    if rows:
        await tx.upsert_rows(_SIGHTINGS, _KEYS, COLUMNS, [row.values() for row in rows])


async def forget(tx: Tx, keys: Sequence[Key]) -> None:
    """Remove rows of visits that were withdrawn."""
    for visit_id, source in keys:
        await tx.execute(
            "DELETE FROM sightings WHERE visit_id = $1 AND source = $2", visit_id, source
        )


async def save_marks(tx: Tx, gone: Iterable[tuple[str, Key]], rows: Sequence[Row]) -> None:
    """Remove marks from visits, and store those of `rows`."""
    for mark, (visit_id, source) in gone:
        await tx.execute(
            "DELETE FROM marks WHERE mark = $1 AND visit_id = $2 AND source = $3",
            mark,
            visit_id,
            source,
        )
    values = [
        (mark, row.visit_id, row.source, row.circle, int(row.standing == "standing"))
        for row in rows
        for mark in row.mark_list()
    ]
    if values:
        await tx.upsert_rows(_HELD, _MARKS[:3], _MARKS, values)


async def circles(tx: Tx, marks: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The first and the last circle in which each mark is found on a standing visit."""
    wanted = sorted(set(marks))
    if not wanted:
        return {}
    rows = await tx.fetch(
        "SELECT mark,min(circle),max(circle) FROM marks "
        "WHERE standing = 1 AND mark = ANY($1::text[]) GROUP BY mark",
        wanted,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def holders(tx: Tx, marks: Iterable[str]) -> list[str]:
    """The ids of visits that hold any of some marks."""
    wanted = sorted(set(marks))
    if not wanted:
        return []
    rows = await tx.fetch("SELECT visit_id FROM marks WHERE mark = ANY($1::text[])", wanted)
    return [row[0] for row in rows]


async def circle_mates(
    tx: Tx, codes: Sequence[str], days: Sequence[int], monitors: Sequence[str]
) -> list[Row]:
    """Standing visits of some schools on some days by some monitors, verifications apart."""
    rows = await tx.fetch(
        _SELECT + "WHERE school_code = ANY($1::text[]) AND day = ANY($2::integer[]) "
        "AND monitor_id = ANY($3::text[]) AND standing = 'standing' "
        "AND kind <> 'verification'",
        list(codes),
        list(days),
        list(monitors),
    )
    return [Row(*row) for row in rows]
