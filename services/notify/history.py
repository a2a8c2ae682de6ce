"""What changed the phase of a unit under a rule, when and on which statistics: append-only.

Owns the transitions; the present state is in `store`.
"""

import json
from dataclasses import dataclass
from typing import Any

from shared.db.transaction import Tx


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of phase with what caused it; `statistics` as stored JSON values."""

    rule_id: str
    unit_id: str
    alert_id: str | None
    before: str
    after: str
    at: int
    rule_version: int
    reason: str
    actor: str | None = None
    note: str | None = None
    statistics: dict[str, Any] | None = None


async def add_transition(tx: Tx, made: Transition) -> None:
    """Append a transition to the history of its unit and rule."""
    row = await tx.fetch_one(
        "SELECT coalesce(max(number), 0) FROM transitions WHERE rule_id = $1 AND unit_id = $2",
        made.rule_id,
        made.unit_id,
    )
    await tx.insert_rows(
        "transitions",
        (
            "rule_id",
            "unit_id",
            "number",
            "alert_id",
            "before",
            "after",
            "at",
            "rule_version",
            "reason",
            "actor",
            "note",
            "statistics",
        ),
        [
            (
                made.rule_id,
                made.unit_id,
                int(row[0]) + 1,
                made.alert_id,
                made.before,
                made.after,
                made.at,
                made.rule_version,
                made.reason,
                made.actor,
                made.note,
                None if made.statistics is None else json.dumps(made.statistics),
            )
        ],
    )


_COLUMNS = (
    "rule_id, unit_id, alert_id, before, after, at, rule_version, reason, actor, note, statistics"
)


async def history(tx: Tx, alert_id: str) -> list[Transition]:
    """Return the transitions of an alert, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM transitions WHERE alert_id = $1 ORDER BY number", alert_id
    )
    found = [dict(zip(_COLUMNS.split(", "), row, strict=True)) for row in rows]
    return [
        Transition(**{**made, "statistics": made["statistics"] and json.loads(made["statistics"])})
        for made in found
    ]
