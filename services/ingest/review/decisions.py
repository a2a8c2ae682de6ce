"""Reviewers' decisions: each is kept with who, when, and what could be seen.

Owns the rows of decisions and what they do to a visit's place in the queue at once. What a decision
means for the visit's standing is left to the ledger's `changes`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from services.ingest.review.states import Decided, codes_of, state_of
from services.ingest.store import Stored
from shared.db.transaction import Tx

Key = tuple[str, str]
TRUST_LOCK = "trust"
_CODES = msgspec.json.Decoder(frozenset[str])


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; `decided_at` in microseconds, `revision` the visit's after it."""

    decision: str
    reason: str | None
    note: str | None
    actor: str
    decided_at: int
    revision: int
    form_revision: int = 0


_COLUMNS = "decision,reason,note,actor,decided_at,revision,form_revision"


async def record(tx: Tx, visit: Stored, decision: Decision) -> None:
    """Keep a decision about a visit as it stands after it; one that repeats the last adds nothing.

    Hold `TRUST_LOCK`; `form_revision` of the decision is found out here.
    """
    form_revision = await _form_revision(tx, visit)
    row = await tx.fetch_one(
        "SELECT flags FROM sightings WHERE visit_id = $1 AND source = $2 AND form_revision = $3",
        visit.visit_id,
        visit.source,
        form_revision,
    )
    flags = row[0] if row is not None else visit.flags
    codes = codes_of(flags)
    last = await tx.fetch_one(
        f"SELECT number,{_COLUMNS},codes FROM decisions WHERE visit_id = $1 AND source = $2 "
        "ORDER BY number DESC LIMIT 1",
        visit.visit_id,
        visit.source,
    )
    kept = msgspec.json.encode(sorted(codes)).decode()
    said = (decision.decision, decision.reason, decision.note)
    if last is None or tuple(last[1:4]) != said or (last[6], last[8]) != (decision.revision, kept):
        await tx.insert_rows(
            "decisions",
            ("visit_id", "source", "number", *_COLUMNS.split(","), "codes"),
            [
                (
                    visit.visit_id,
                    visit.source,
                    1 if last is None else last[0] + 1,
                    *said,
                    decision.actor,
                    decision.decided_at,
                    decision.revision,
                    form_revision,
                    kept,
                )
            ],
        )
    now = state_of(visit.standing, codes, form_revision, Decided(said[0], form_revision, codes))
    await tx.execute(
        "UPDATE sightings SET state = $3 WHERE visit_id = $1 AND source = $2 "
        "AND standing <> 'waiting'",
        visit.visit_id,
        visit.source,
        now,
    )


async def _form_revision(tx: Tx, visit: Stored) -> int:
    row = await tx.fetch_one(
        "SELECT max(revision) FROM revisions WHERE visit_id = $1 AND source = $2 "
        "AND form IS NOT NULL",
        visit.visit_id,
        visit.source,
    )
    return row[0] or 1


async def last_decisions(tx: Tx, ids: Iterable[str]) -> dict[Key, Decided]:
    """The last decision about each of some visits."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await tx.fetch(
        "SELECT visit_id,source,decision,form_revision,codes FROM decisions "
        "WHERE visit_id = ANY($1::text[]) ORDER BY number",
        wanted,
    )
    return {(row[0], row[1]): Decided(row[2], row[3], _CODES.decode(row[4])) for row in rows}


async def all_decisions(tx: Tx, ids: Sequence[str]) -> dict[Key, list[Decision]]:
    """All decisions about some visits, the first first."""
    rows = await tx.fetch(
        f"SELECT visit_id,source,{_COLUMNS} FROM decisions "
        "WHERE visit_id = ANY($1::text[]) ORDER BY number",
        list(ids),
    )
    found: dict[Key, list[Decision]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(Decision(*row[2:]))
    return found
