"""The review queue: visits that somebody should look at, or has decided about.

Owns filters, order (the latest visit first) and what each item tells. States are `states`', and
decisions are taken at a visit's own address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.outcomes import status_of
from services.ingest.review.decisions import Decision, all_decisions
from services.ingest.review.reasons import UNKNOWN_SCHOOL, detail, sentence
from services.ingest.trust.rows import COLUMNS, Key, Row
from services.ingest.trust.shown import findings
from shared.clock import rfc3339
from shared.db.transaction import Tx

Place = tuple[int, str, str]
Item = dict[str, Any]
_OTHERS = 5
_SHARED = {"repeated_photo", "copied_answers"}
_SELECT = f"SELECT {','.join('s.' + name for name in COLUMNS)} FROM sightings s "


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits are listed; None means any. Days are day numbers, both included."""

    states: Sequence[str]
    codes: Sequence[str] | None = None
    source: str | None = None
    school: str | None = None
    monitor: str | None = None
    flag: str | None = None
    first: int | None = None
    last: int | None = None
    replied: bool | None = None


_REPLIED = "EXISTS (SELECT 1 FROM replies r WHERE r.visit_id = s.visit_id AND r.source = s.source)"


async def page(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Row]:
    """Up to `limit` visits of the queue that come after a place."""
    args: list[Any] = [list(wanted.states)]
    where = ["s.state = ANY($1::text[])"]

    def add(condition: str, *values: Any) -> None:
        for value in values:
            args.append(value)
            condition = condition.replace("?", f"${len(args)}", 1)
        where.append(condition)

    if after is not None:
        add("(s.at,s.visit_id,s.source) < (?,?,?)", *after)
    given = {
        "s.source = ?": wanted.source,
        "s.school_code = ?": wanted.school,
        "s.monitor_id = ?": wanted.monitor,
        "s.day >= ?": wanted.first,
        "s.day <= ?": wanted.last,
    }
    for condition, value in given.items():
        if value is not None:
            add(condition, value)
    if wanted.codes is not None:
        add("s.school_code = ANY(?::text[])", list(wanted.codes))
    if wanted.flag == UNKNOWN_SCHOOL:
        where.append("s.standing = 'waiting'")
    elif wanted.flag is not None:
        add("s.flags LIKE ?", f'%"code":"{wanted.flag}"%')
    if wanted.replied is not None:
        where.append(_REPLIED if wanted.replied else f"NOT {_REPLIED}")
    args.append(limit)
    rows = await tx.fetch(
        f"{_SELECT}WHERE {' AND '.join(where)} "
        f"ORDER BY s.at DESC,s.visit_id DESC,s.source DESC LIMIT ${len(args)}",
        *args,
    )
    return [Row(*row) for row in rows]


async def items(tx: Tx, rows: Sequence[Row]) -> list[Item]:
    """What the queue tells of some visits."""
    ids = [row.visit_id for row in rows]
    decisions = await all_decisions(tx, ids)
    replied = await _replied(tx, ids)
    told = []
    for row in rows:
        made = decisions.get(row.key, [])
        count, latest = replied.get(row.key, (0, 0))
        told.append(
            {
                "source": row.source,
                "visit_id": row.visit_id,
                "revision": row.revision,
                "status": status_of(_standing(row), row.standing != "waiting"),
                "state": row.state,
                "school_code": row.school_code,
                "monitor_id": row.monitor_id,
                "visit_type": row.kind,
                "visited_at": rfc3339(row.at),
                "received_at": rfc3339(row.received_at),
                "reasons": await _reasons(tx, row),
                "decisions": [decision_document(decision) for decision in made],
                "changed_since": bool(made) and made[-1].form_revision < row.form_revision,
                "replies": count,
                "unanswered": count > 0 and (not made or made[-1].decided_at < latest),
            }
        )
    return told


def _standing(row: Row) -> str:
    """The ledger's word: a visit that waits for its school stands there."""
    return "standing" if row.standing == "waiting" else row.standing


async def _reasons(tx: Tx, row: Row) -> list[Item]:
    reasons = []
    for flag in findings(row.flags):
        reason: Item = {"code": flag.code, "pointer": flag.pointer, "detail": detail(flag)}
        for name in ("kmh", "metres", "was", "now"):
            if getattr(flag, name) is not None:
                reason[name] = getattr(flag, name)
        if flag.other is not None:
            reason["visits"] = [flag.other]
        elif flag.code in _SHARED:
            reason["visits"] = await _sharers(tx, row, photo=flag.code == "repeated_photo")
        reasons.append(reason)
    if row.standing == "waiting":
        said = sentence(UNKNOWN_SCHOOL)
        reasons.append({"code": UNKNOWN_SCHOOL, "pointer": "/school_code", "detail": said})
    return reasons


async def _sharers(tx: Tx, row: Row, *, photo: bool) -> list[str]:
    """Up to five other visits of the same source with the same photograph, or answers."""
    marks = [mark for mark in row.mark_list() if mark.startswith("photo:") == photo]
    found = await tx.fetch(
        "SELECT DISTINCT visit_id FROM marks WHERE mark = ANY($1::text[]) AND standing = 1 "
        f"AND circle <> $2 AND source = $3 ORDER BY visit_id LIMIT {_OTHERS}",
        marks,
        row.circle,
        row.source,
    )
    return [other[0] for other in found]


def decision_document(decision: Decision) -> Item:
    """A decision as callers see it."""
    return {
        "decision": decision.decision,
        "reason": decision.reason,
        "note": decision.note,
        "actor": decision.actor,
        "decided_at": rfc3339(decision.decided_at),
        "revision": decision.revision,
    }


async def _replied(tx: Tx, ids: Sequence[str]) -> dict[Key, tuple[int, int]]:
    """How many replies some visits have, and when the latest came."""
    rows = await tx.fetch(
        "SELECT visit_id,source,count(*),max(received_at) FROM replies "
        "WHERE visit_id = ANY($1::text[]) GROUP BY visit_id,source",
        list(ids),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}
