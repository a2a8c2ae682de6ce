"""Texts handed to a channel, as they are stored: each about one or several messages.

Owns deliveries, their attempts and the gateway's reports. The state of a delivery is also the state
of the messages it carries, and only ever climbs the ladder of `receipts` by report.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.notify.receipts import higher
from shared.db.transaction import Tx

CLAIMING = "notify:claiming"
"""The lock under which messages are taken for sending: one claim at a time."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One text for one officer on one channel; `claim` fences whoever sends it now."""

    delivery_id: str
    officer_id: str
    channel: str
    step: str
    severity: str
    language: str
    text: str
    items: list[dict[str, Any]]
    segments: int
    token: str
    state: str
    reason: str
    attempt: int
    resent: int
    claim: str
    created: int
    attempted: int
    expires: int
    look: int | None
    provider_id: str | None
    updated: int


_DELIVERY = (
    "delivery_id, officer_id, channel, step, severity, language, text, items, segments, token, "
    "state, reason, attempt, resent, claim, created, attempted, expires, look, provider_id, updated"
)


def _delivery(row: Sequence[Any]) -> Delivery:
    values = dict(zip(_DELIVERY.split(", "), row, strict=True))
    return Delivery(**{**values, "items": json.loads(values["items"])})


async def start_delivery(tx: Tx, new: Delivery, messages: Sequence[str]) -> None:
    """Store a delivery that is being sent, with the messages it carries and its first attempt."""
    await tx.insert_rows(
        "deliveries",
        tuple(_DELIVERY.split(", ")),
        [
            tuple(
                json.dumps(new.items) if name == "items" else getattr(new, name)
                for name in _DELIVERY.split(", ")
            )
        ],
    )
    await tx.execute(
        "UPDATE messages SET state = 'sending', reason = '', delivery_id = $1, updated = $2 "
        "WHERE message_id = ANY($3::text[])",
        new.delivery_id,
        new.updated,
        list(messages),
    )
    await _start_attempt(tx, new)


async def restart_delivery(tx: Tx, again: Delivery) -> None:
    """Store a further attempt at a delivery: new claim, lease, attempt number and text."""
    await tx.execute(
        "UPDATE deliveries SET state = 'sending', reason = '', attempt = $1, resent = $2, "
        "claim = $3, attempted = $4, look = $5, text = $6, items = $7, segments = $8, updated = $9 "
        "WHERE delivery_id = $10",
        again.attempt,
        again.resent,
        again.claim,
        again.attempted,
        again.look,
        again.text,
        json.dumps(again.items),
        again.segments,
        again.updated,
        again.delivery_id,
    )
    await _carry(tx, again.delivery_id, "sending", "", again.updated)
    await _start_attempt(tx, again)


async def _start_attempt(tx: Tx, of: Delivery) -> None:
    await tx.insert_rows(
        "attempts",
        ("delivery_id", "number", "started"),
        [(of.delivery_id, of.attempt, of.attempted)],
    )


async def end_attempt(tx: Tx, of: Delivery, outcome: str, detail: str, now: int) -> None:
    """Note how an attempt ended."""
    await tx.execute(
        "UPDATE attempts SET ended = $1, outcome = $2, detail = $3 "
        "WHERE delivery_id = $4 AND number = $5",
        now,
        outcome,
        detail,
        of.delivery_id,
        of.attempt,
    )


async def attempts_of(tx: Tx, delivery_id: str) -> list[tuple[int, int, int | None, str, str]]:
    """Return the attempts of a delivery: number, started, ended (µs), outcome, detail."""
    rows = await tx.fetch(
        "SELECT number, started, ended, outcome, detail FROM attempts WHERE delivery_id = $1 "
        "ORDER BY number",
        delivery_id,
    )
    return [(row[0], row[1], row[2], row[3] or "open", row[4] or "") for row in rows]


async def delivery(tx: Tx, delivery_id: str) -> Delivery | None:
    """Return a delivery, locked until the transaction ends, or None."""
    row = await tx.fetch_one(
        f"SELECT {_DELIVERY} FROM deliveries WHERE delivery_id = $1 FOR UPDATE", delivery_id
    )
    return None if row is None else _delivery(row)


async def peek(tx: Tx, delivery_id: str) -> Delivery | None:
    """Return a delivery for reading, or None."""
    row = await tx.fetch_one(
        f"SELECT {_DELIVERY} FROM deliveries WHERE delivery_id = $1", delivery_id
    )
    return None if row is None else _delivery(row)


async def delivery_of_token(tx: Tx, token: str) -> Delivery | None:
    """Return the delivery whose receipts carry the token, locked, or None."""
    row = await tx.fetch_one(
        f"SELECT {_DELIVERY} FROM deliveries WHERE token = $1 FOR UPDATE", token
    )
    return None if row is None else _delivery(row)


async def first_to_look_at(tx: Tx, channel: str, now: int) -> Delivery | None:
    """Return the delivery that has waited longest for a retry, a lease's end or a decision."""
    row = await tx.fetch_one(
        f"SELECT {_DELIVERY} FROM deliveries WHERE channel = $1 AND look <= $2 "
        "ORDER BY look, delivery_id LIMIT 1 FOR UPDATE",
        channel,
        now,
    )
    return None if row is None else _delivery(row)


async def settle(tx: Tx, of: Delivery, state: str, reason: str, look: int | None, now: int) -> None:
    """Set a delivery's state (and its messages'), why, and when to look at it again."""
    await tx.execute(
        "UPDATE deliveries SET state = $1, reason = $2, look = $3, updated = $4 "
        "WHERE delivery_id = $5",
        state,
        reason,
        look,
        now,
        of.delivery_id,
    )
    await _carry(tx, of.delivery_id, state, reason, now)


async def set_provider_id(tx: Tx, of: Delivery, provider_id: str) -> None:
    """Store the id by which the gateway knows a delivery."""
    await tx.execute(
        "UPDATE deliveries SET provider_id = $1 WHERE delivery_id = $2", provider_id, of.delivery_id
    )


async def _carry(tx: Tx, delivery_id: str, state: str, reason: str, now: int) -> None:
    await tx.execute(
        "UPDATE messages SET state = $1, reason = $2, updated = $3 WHERE delivery_id = $4 "
        "AND state <> 'cancelled'",
        state,
        reason,
        now,
        delivery_id,
    )


async def sent_times(tx: Tx, officer_id: str, channel: str, since: int) -> list[int]:
    """Return when an officer was sent something on a channel after a moment (µs)."""
    rows = await tx.fetch(
        "SELECT attempted FROM deliveries WHERE officer_id = $1 AND channel = $2 "
        "AND attempted > $3 AND state NOT IN ('queued', 'cancelled', 'failed', 'expired')",
        officer_id,
        channel,
        since,
    )
    return [int(row[0]) for row in rows]


async def take_receipt(
    tx: Tx, of: Delivery, kind: str, detail: str, reported: str, now: int
) -> str:
    """Keep a delivery report and return the state after it; a repeated one changes nothing."""
    await tx.execute(
        "INSERT INTO receipts (delivery_id, kind, detail, received) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (delivery_id, kind, detail) DO NOTHING",
        of.delivery_id,
        kind,
        detail,
        now,
    )
    state = higher(of.state, reported)
    if state != of.state:
        reason = f"the gateway reports {kind}" if state in ("failed", "expired") else ""
        await settle(tx, of, state, reason, None, now)
    return state
