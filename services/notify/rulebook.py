"""The rules as they are stored: versioned, the greatest version in force.

Owns reading and writing rules inside a transaction; what a rule means is in `rules`.
"""

import json
from collections.abc import Sequence

from services.notify.rules import Rule, from_json, to_json
from shared.db.transaction import Tx

_CURRENT = (
    "SELECT body FROM rules r WHERE version = "
    "(SELECT max(version) FROM rules WHERE rule_id = r.rule_id)"
)


async def current_rules(tx: Tx) -> list[Rule]:
    """Return the rules in force, ordered by id."""
    rows = await tx.fetch(f"{_CURRENT} ORDER BY rule_id")
    return [from_json(json.loads(row[0])) for row in rows]


async def current_rule(tx: Tx, rule_id: str) -> Rule | None:
    """Return the rule in force under an id, or None."""
    row = await tx.fetch_one(f"{_CURRENT} AND rule_id = $1", rule_id)
    return None if row is None else from_json(json.loads(row[0]))


async def rule_versions(tx: Tx, rule_id: str) -> list[tuple[Rule, int]]:
    """Return all versions of a rule, oldest first, with the time each was recorded (µs)."""
    rows = await tx.fetch(
        "SELECT body, recorded FROM rules WHERE rule_id = $1 ORDER BY version", rule_id
    )
    return [(from_json(json.loads(row[0])), row[1]) for row in rows]


async def rule_at(tx: Tx, rule_id: str, version: int) -> Rule | None:
    """Return one version of a rule, or None."""
    row = await tx.fetch_one(
        "SELECT body FROM rules WHERE rule_id = $1 AND version = $2", rule_id, version
    )
    return None if row is None else from_json(json.loads(row[0]))


async def add_rules(tx: Tx, rules: Sequence[Rule], now: int) -> None:
    """Store new versions of rules, recorded at `now` (µs)."""
    await tx.insert_rows(
        "rules",
        ("rule_id", "version", "body", "recorded"),
        [(rule.rule_id, rule.version, json.dumps(to_json(rule)), now) for rule in rules],
    )
