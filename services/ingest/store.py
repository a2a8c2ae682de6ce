"""Reading visits and writing their later revisions: the low-rate half of the ledger.

Owns the statements about single visits and lists of them; what a change means is left to
`changes`, the path of posted visits to `intake`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.db.transaction import Tx

_CURRENT = (
    "SELECT v.position,v.visit_id,v.source,v.revision,v.standing,v.excluded,v.released,"
    "v.school_code,v.day,v.recorded_at,v.flags_now,v.first_position,v.received_at,"
    "coalesce((SELECT r.digest FROM revisions r WHERE r.visit_id = v.visit_id AND "
    "r.source = v.source AND r.form IS NOT NULL ORDER BY r.revision DESC LIMIT 1), v.digest),"
    "coalesce((SELECT r.form FROM revisions r WHERE r.visit_id = v.visit_id AND "
    "r.source = v.source AND r.form IS NOT NULL ORDER BY r.revision DESC LIMIT 1), v.form) "
    "FROM visits v "
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A visit as it stands: identity, state, and the digest and text of its current form."""

    position: int
    visit_id: str
    source: str
    revision: int
    standing: str
    excluded: bool
    released: bool
    code: str
    day: int
    recorded_at: int
    flags: str
    first_position: int
    received_at: int
    digest: bytes
    form: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision in a visit's history; `form` and `digest` only where the form changed."""

    revision: int
    kind: str
    standing: str
    recorded_at: int
    actor: str
    reason: str | None
    note: str | None
    digest: bytes | None
    flags: str
    form: str | None


def _stored(row: Any) -> Stored:
    values = list(row)
    values[5], values[6] = bool(row[5]), bool(row[6])
    values[13] = bytes(row[13])
    return Stored(*values)


async def current(tx: Tx, source: str, visit_id: str, *, lock: bool = False) -> Stored | None:
    """The visit as it stands, or None; with `lock` nobody else changes it until the commit."""
    if lock:
        await tx.fetch_one(
            "SELECT position FROM visits WHERE visit_id = $1 AND source = $2 FOR UPDATE",
            visit_id,
            source,
        )
    row = await tx.fetch_one(_CURRENT + "WHERE v.visit_id = $1 AND v.source = $2", visit_id, source)
    return None if row is None else _stored(row)


async def add_revision(tx: Tx, visit: Stored, change: Revision) -> None:
    """Store one more revision of a visit."""
    await tx.insert_rows(
        "revisions",
        (
            "visit_id",
            "source",
            "revision",
            "kind",
            "standing",
            "recorded_at",
            "actor",
            "reason",
            "note",
            "digest",
            "flags",
            "form",
        ),
        [
            (
                visit.visit_id,
                visit.source,
                change.revision,
                change.kind,
                change.standing,
                change.recorded_at,
                change.actor,
                change.reason,
                change.note,
                change.digest,
                change.flags,
                change.form,
            )
        ],
    )


async def move(tx: Tx, visit: Stored) -> None:
    """Store where a visit stands now; its identity and what revision 1 brought stay."""
    await tx.execute(
        "UPDATE visits SET position = $3, revision = $4, standing = $5, excluded = $6, "
        "released = $7, school_code = $8, day = $9, recorded_at = $10, flags_now = $11 "
        "WHERE visit_id = $1 AND source = $2",
        visit.visit_id,
        visit.source,
        visit.position,
        visit.revision,
        visit.standing,
        int(visit.excluded),
        int(visit.released),
        visit.code,
        visit.day,
        visit.recorded_at,
        visit.flags,
    )


async def history(tx: Tx, source: str, visit_id: str) -> list[Revision]:
    """All revisions of a visit, the first one included; empty when there is no such visit.

    When the first one was recorded is its event's to tell: a visit's row keeps that of the last.
    """
    first = await tx.fetch_one(
        "SELECT 1,'accepted','',j.recorded,v.actor,NULL,NULL,v.digest,v.flags,v.form "
        "FROM visits v JOIN journal j ON j.seq = v.first_position "
        "WHERE v.visit_id = $1 AND v.source = $2",
        visit_id,
        source,
    )
    if first is None:
        return []
    later = await tx.fetch(
        "SELECT revision,kind,standing,recorded_at,actor,reason,note,digest,flags,form "
        "FROM revisions WHERE visit_id = $1 AND source = $2 ORDER BY revision",
        visit_id,
        source,
    )
    return [Revision(*row) for row in (first, *later)]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which visits are listed; None means any. Days are day numbers, both included."""

    source: str | None = None
    code: str | None = None
    first: int | None = None
    last: int | None = None
    status: str | None = None
    flag: str | None = None
    codes: Sequence[str] | None = None


# The flags a visit is shown with: those of its sighting, once there is one.
_SHOWN = (
    "coalesce((SELECT t.flags FROM sightings t WHERE t.visit_id = v.visit_id "
    "AND t.source = v.source), v.flags_now)"
)
_UNKNOWN = "NOT EXISTS (SELECT 1 FROM schools s WHERE s.id = v.school_code)"
_STATUS = {
    "accepted": f"v.standing = 'standing' AND NOT {_UNKNOWN}",
    "quarantined": f"(v.standing = 'quarantined' OR (v.standing = 'standing' AND {_UNKNOWN}))",
    "excluded": "v.standing = 'excluded'",
    "withdrawn": "v.standing = 'withdrawn'",
}
STATUSES = tuple(_STATUS)


async def listed(tx: Tx, wanted: Filter, after: int, limit: int) -> list[Stored]:
    """Up to `limit` visits whose latest revision was committed after position `after`, in order."""
    args: list[Any] = [after]
    where = ["v.position > $1"]

    def add(condition: str, value: Any) -> None:
        args.append(value)
        where.append(condition.format(f"${len(args)}"))

    if wanted.source is not None:
        add("v.source = {}", wanted.source)
    if wanted.code is not None:
        add("v.school_code = {}", wanted.code)
    if wanted.codes is not None:
        add("v.school_code = ANY({}::text[])", list(wanted.codes))
    if wanted.first is not None:
        add("v.day >= {}", wanted.first)
    if wanted.last is not None:
        add("v.day <= {}", wanted.last)
    if wanted.flag is not None:
        add(_SHOWN + " LIKE {}", f'%"code":"{wanted.flag}"%')
    if wanted.status is not None:
        where.append(_STATUS[wanted.status])
    args.append(limit)
    rows = await tx.fetch(
        f"{_CURRENT} WHERE {' AND '.join(where)} ORDER BY v.position LIMIT ${len(args)}", *args
    )
    return [_stored(row) for row in rows]
