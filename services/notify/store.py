"""Alerts, and the phases of units under rules, as they are stored.

Owns reading and writing them inside a transaction. What moves them is `planner`; how they came
there is in `history`, the messages that follow are in `outbox`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.notify.life import Known, Phase, State
from shared.db.transaction import Tx
from shared.domain.days import day_date, day_number

DECIDING = "notify:deciding"
"""The lock under which alerts change and rules are edited: one decision at a time."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A unit under a rule as stored; revision 0 means that there is no row yet."""

    rule_id: str
    unit_id: str
    revision: int
    state: State
    alert_id: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as stored; `decided` is the statistic it stands on, `latest` the newest one seen."""

    alert_id: str
    code: str
    rule_id: str
    rule_version: int
    unit_id: str
    name: str
    urdu_name: str | None
    indicator: str
    split: str | None
    severity: str
    state: str
    since: int
    fired: int | None
    acknowledged: int | None
    closed: int | None
    decided: dict[str, Any]
    latest: dict[str, Any]


_INSTANCE = (
    "rule_id, unit_id, revision, phase, since, counted_from, acknowledged, known_first, "
    "known_last, known_at, alert_id"
)
_ALERT = (
    "alert_id, code, rule_id, rule_version, unit_id, name, urdu_name, indicator, split, severity, "
    "state, since, fired, acknowledged, closed, decided, latest"
)


async def instance(tx: Tx, rule_id: str, unit_id: str) -> Instance:
    """Return where a unit stands under a rule; at rest when nothing is stored."""
    row = await tx.fetch_one(
        f"SELECT {_INSTANCE} FROM instances WHERE rule_id = $1 AND unit_id = $2", rule_id, unit_id
    )
    return Instance(rule_id, unit_id, 0, State(), None) if row is None else _instance(row)


def _instance(row: Sequence[Any]) -> Instance:
    known = None
    if row[9] is not None:
        known = Known(day_date(row[7]), day_date(row[8]), row[9])
    state = State(Phase(row[3]), row[4], row[5], bool(row[6]), known)
    return Instance(row[0], row[1], row[2], state, row[10])


async def save_instance(tx: Tx, before: Instance, state: State, alert_id: str | None) -> bool:
    """Move a unit under a rule; False when somebody else moved it since `before` was read."""
    known = state.known
    values = (
        before.revision + 1,
        state.phase.value,
        state.since,
        state.counted_from,
        int(state.acknowledged),
        None if known is None else day_number(known.first),
        None if known is None else day_number(known.last),
        None if known is None else known.at,
        alert_id,
        before.rule_id,
        before.unit_id,
    )
    if before.revision == 0:
        made = await tx.execute(
            "INSERT INTO instances (revision, phase, since, counted_from, acknowledged, "
            "known_first, known_last, known_at, alert_id, rule_id, unit_id) "
            "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) ON CONFLICT (rule_id, unit_id) DO NOTHING",
            *values,
        )
        return made == 1
    changed = await tx.execute(
        "UPDATE instances SET revision = $1, phase = $2, since = $3, counted_from = $4, "
        "acknowledged = $5, known_first = $6, known_last = $7, known_at = $8, alert_id = $9 "
        "WHERE rule_id = $10 AND unit_id = $11 AND revision = $12",
        *values,
        before.revision,
    )
    return changed == 1


async def alert(tx: Tx, alert_id: str) -> Alert | None:
    """Return an alert, or None."""
    row = await tx.fetch_one(f"SELECT {_ALERT} FROM alerts WHERE alert_id = $1", alert_id)
    return None if row is None else _alert(row)


async def alerts_of(tx: Tx, ids: Sequence[str]) -> dict[str, Alert]:
    """Return alerts by id."""
    rows = await tx.fetch(
        f"SELECT {_ALERT} FROM alerts WHERE alert_id = ANY($1::text[])", list(ids)
    )
    return {row[0]: _alert(row) for row in rows}


def _alert(row: Sequence[Any]) -> Alert:
    values = dict(zip(_ALERT.split(", "), row, strict=True))
    stored = {name: json.loads(values[name]) for name in ("decided", "latest")}
    return Alert(**{**values, **stored})


async def list_alerts(
    tx: Tx,
    *,
    states: Sequence[str] | None,
    unit: str | None,
    within: Sequence[str] | None,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Alert]:
    """Return alerts, newest first: of a unit and everything below it, inside the units `within`.

    `after` is (since, alert_id) of the last one on the page before.
    """
    where, args = ["1 = 1"], list[Any]()

    def add(condition: str, *values: Any) -> None:
        for value in values:
            args.append(value)
            condition = condition.replace("?", f"${len(args)}", 1)
        where.append(condition)

    if states is not None:
        add("state = ANY(?::text[])", list(states))
    if unit is not None:
        add("alert_id IN (SELECT alert_id FROM alert_units WHERE unit_id = ?)", unit)
    if within is not None:
        add(
            "alert_id IN (SELECT alert_id FROM alert_units WHERE unit_id = ANY(?::text[]))",
            list(within),
        )
    if after is not None:
        add("(since < ? OR (since = ? AND alert_id < ?))", after[0], after[0], after[1])
    args.append(limit)
    rows = await tx.fetch(
        f"SELECT {_ALERT} FROM alerts WHERE {' AND '.join(where)} "
        f"ORDER BY since DESC, alert_id DESC LIMIT ${len(args)}",
        *args,
    )
    return [_alert(row) for row in rows]


async def insert_alert(tx: Tx, new: Alert, path: Sequence[str]) -> None:
    """Store a new open alert with the units above it; Conflict when code or instance is taken."""
    await tx.insert_rows(
        "alerts",
        (*_ALERT.split(", "), "open_code", "open_instance"),
        [
            (
                new.alert_id,
                new.code,
                new.rule_id,
                new.rule_version,
                new.unit_id,
                new.name,
                new.urdu_name,
                new.indicator,
                new.split,
                new.severity,
                new.state,
                new.since,
                new.fired,
                new.acknowledged,
                new.closed,
                json.dumps(new.decided),
                json.dumps(new.latest),
                new.code,
                f"{new.rule_id}\n{new.unit_id}",
            )
        ],
    )
    await tx.insert_rows(
        "alert_units",
        ("alert_id", "distance", "unit_id"),
        [(new.alert_id, distance, unit) for distance, unit in enumerate(path)],
    )


async def code_is_open(tx: Tx, code: str) -> bool:
    """Return whether an open alert carries the code."""
    return await tx.fetch_one("SELECT 1 FROM alerts WHERE open_code = $1", code) is not None


async def save_alert(tx: Tx, changed: Alert) -> None:
    """Store an alert's state, times, severity, name and statistics; an ended one frees its code."""
    ended = changed.closed is not None
    await tx.execute(
        "UPDATE alerts SET state = $1, since = $2, fired = $3, acknowledged = $4, closed = $5, "
        "decided = $6, latest = $7, name = $8, urdu_name = $9, severity = $10, rule_version = $11, "
        "open_code = $12, open_instance = $13 WHERE alert_id = $14",
        changed.state,
        changed.since,
        changed.fired,
        changed.acknowledged,
        changed.closed,
        json.dumps(changed.decided),
        json.dumps(changed.latest),
        changed.name,
        changed.urdu_name,
        changed.severity,
        changed.rule_version,
        None if ended else changed.code,
        None if ended else f"{changed.rule_id}\n{changed.unit_id}",
        changed.alert_id,
    )


async def see(tx: Tx, alert_id: str, latest: dict[str, Any]) -> None:
    """Store the newest statistic seen of an alert whose state did not change."""
    await tx.execute(
        "UPDATE alerts SET latest = $1 WHERE alert_id = $2", json.dumps(latest), alert_id
    )


async def path_of(tx: Tx, alert_id: str) -> list[str]:
    """Return the units of an alert, from its own upwards."""
    rows = await tx.fetch(
        "SELECT unit_id FROM alert_units WHERE alert_id = $1 ORDER BY distance", alert_id
    )
    return [row[0] for row in rows]


async def blocker_of(tx: Tx, of: Alert, path: Sequence[str]) -> str | None:
    """Return the nearest open alert above that says the same (indicator and split), or None."""
    rows = await tx.fetch(
        "SELECT alert_id, unit_id, split FROM alerts WHERE indicator = $1 "
        "AND unit_id = ANY($2::text[]) AND state IN ('firing', 'acknowledged', 'recovering')",
        of.indicator,
        list(path[1:]),
    )
    above = {row[1]: str(row[0]) for row in rows if row[2] == of.split}
    return next((above[unit] for unit in path[1:] if unit in above), None)


async def vacant_alerts(tx: Tx) -> list[Alert]:
    """Return the open alerts of which some post could not be told because nobody held it."""
    rows = await tx.fetch(
        f"SELECT {_ALERT} FROM alerts WHERE state IN ('firing', 'recovering') AND alert_id IN "
        "(SELECT alert_id FROM messages WHERE state = 'vacant') ORDER BY alert_id"
    )
    return [_alert(row) for row in rows]


async def open_alerts_of_rule(tx: Tx, rule_id: str) -> list[Alert]:
    """Return the alerts of a rule that have not ended."""
    rows = await tx.fetch(
        f"SELECT {_ALERT} FROM alerts WHERE rule_id = $1 AND open_code IS NOT NULL "
        "ORDER BY alert_id",
        rule_id,
    )
    return [_alert(row) for row in rows]


async def unreminded(tx: Tx, fired_before: int) -> list[Alert]:
    """Return the alerts told of, firing since before a moment and not reminded of."""
    rows = await tx.fetch(
        f"SELECT {_ALERT} FROM alerts a WHERE state = 'firing' AND fired <= $1 AND NOT EXISTS "
        "(SELECT 1 FROM messages m WHERE m.alert_id = a.alert_id AND m.step = 'remind') AND EXISTS "
        "(SELECT 1 FROM messages t WHERE t.alert_id = a.alert_id AND t.step = 'fire' AND "
        "t.state IN ('unknown', 'accepted', 'sent', 'delivered')) "
        "ORDER BY alert_id",
        fired_before,
    )
    return [_alert(row) for row in rows]
