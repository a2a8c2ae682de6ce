"""Decisions to tell somebody something, as they are stored: one row each, taken once.

Owns `messages` (alert, step, officer, channel). What is handed over about them is in `deliveries`;
who is told is decided in `telling`, when in `sender`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.db.transaction import Tx


@dataclass(frozen=True, slots=True)
class Message:
    """One decision to tell one officer one thing on one channel."""

    message_id: str
    alert_id: str
    step: str
    officer_id: str
    channel: str
    post: str
    state: str
    reason: str
    created: int
    due: int
    expires: int
    blocker: str | None
    delivery_id: str | None
    updated: int


_MESSAGE = (
    "message_id, alert_id, step, officer_id, channel, post, state, reason, created, due, expires, "
    "blocker, delivery_id, updated"
)


async def add_messages(tx: Tx, messages: Sequence[Message]) -> None:
    """Store decisions; one that was taken before changes nothing."""
    places = ",".join(f"${place}" for place in range(1, 15))
    await tx.many(
        f"INSERT INTO messages ({_MESSAGE}) VALUES ({places}) "
        "ON CONFLICT (alert_id, step, officer_id, channel) DO NOTHING",
        [tuple(getattr(m, name) for name in _MESSAGE.split(", ")) for m in messages],
    )


async def message(tx: Tx, message_id: str) -> Message | None:
    """Return a message, or None."""
    row = await tx.fetch_one(f"SELECT {_MESSAGE} FROM messages WHERE message_id = $1", message_id)
    return None if row is None else Message(*row)


async def messages_of_alert(tx: Tx, alert_id: str) -> list[Message]:
    """Return the messages of an alert, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_MESSAGE} FROM messages WHERE alert_id = $1 ORDER BY created, message_id",
        alert_id,
    )
    return [Message(*row) for row in rows]


async def messages_of_delivery(tx: Tx, delivery_id: str) -> list[Message]:
    """Return the messages that a delivery carries and that were not cancelled."""
    rows = await tx.fetch(
        f"SELECT {_MESSAGE} FROM messages WHERE delivery_id = $1 AND state <> 'cancelled' "
        "ORDER BY message_id",
        delivery_id,
    )
    return [Message(*row) for row in rows]


async def list_messages(
    tx: Tx,
    *,
    states: Sequence[str] | None,
    within: Sequence[str] | None,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Message]:
    """Return messages, newest first, about alerts inside the units `within` (None: all)."""
    where, args = ["1 = 1"], list[Any]()
    if states is not None:
        args.append(list(states))
        where.append(f"state = ANY(${len(args)}::text[])")
    if within is not None:
        args.append(list(within))
        where.append(
            "alert_id IN (SELECT alert_id FROM alert_units "
            f"WHERE unit_id = ANY(${len(args)}::text[]))"
        )
    if after is not None:
        args += [after[0], after[0], after[1]]
        n = len(args)
        where.append(f"(created < ${n - 2} OR (created = ${n - 1} AND message_id < ${n}))")
    args.append(limit)
    rows = await tx.fetch(
        f"SELECT {_MESSAGE} FROM messages WHERE {' AND '.join(where)} "
        f"ORDER BY created DESC, message_id DESC LIMIT ${len(args)}",
        *args,
    )
    return [Message(*row) for row in rows]


async def first_due(tx: Tx, channel: str, now: int) -> Message | None:
    """Return the queued message of a channel that has been due longest, or None."""
    row = await tx.fetch_one(
        f"SELECT {_MESSAGE} FROM messages WHERE channel = $1 AND state = 'queued' "
        "AND delivery_id IS NULL AND due <= $2 ORDER BY due, message_id LIMIT 1",
        channel,
        now,
    )
    return None if row is None else Message(*row)


async def company_of(tx: Tx, first: Message) -> list[Message]:
    """Return all queued messages for the same officer, channel and step: one text tells them."""
    rows = await tx.fetch(
        f"SELECT {_MESSAGE} FROM messages WHERE officer_id = $1 AND channel = $2 AND step = $3 "
        "AND state = 'queued' AND delivery_id IS NULL ORDER BY message_id",
        first.officer_id,
        first.channel,
        first.step,
    )
    return [Message(*row) for row in rows]


async def told_state(tx: Tx, of: Message) -> str | None:
    """Return the state of the "fire" that the same officer got on the same channel, or None."""
    row = await tx.fetch_one(
        "SELECT state FROM messages WHERE alert_id = $1 AND step = 'fire' AND officer_id = $2 "
        "AND channel = $3",
        of.alert_id,
        of.officer_id,
        of.channel,
    )
    return None if row is None else str(row[0])


async def set_message(tx: Tx, of: Message, state: str, reason: str, now: int) -> None:
    """Set a message's state and the reason for it."""
    await tx.execute(
        "UPDATE messages SET state = $1, reason = $2, updated = $3 WHERE message_id = $4",
        state,
        reason,
        now,
        of.message_id,
    )


async def put_back(tx: Tx, of: Message, reason: str, now: int, *, due: int) -> None:
    """Let a message wait until `due` (µs), free of any delivery that was to carry it."""
    await tx.execute(
        "UPDATE messages SET state = 'queued', reason = $1, due = $2, delivery_id = NULL, "
        "updated = $3 WHERE message_id = $4",
        reason,
        due,
        now,
        of.message_id,
    )


async def inhibit(tx: Tx, of: Message, blocker: str, reason: str, now: int) -> None:
    """Hold a message back while the alert `blocker` is open."""
    await tx.execute(
        "UPDATE messages SET state = 'inhibited', reason = $1, blocker = $2, delivery_id = NULL, "
        "updated = $3 WHERE message_id = $4",
        reason,
        blocker,
        now,
        of.message_id,
    )


async def release_inhibited(tx: Tx, due: int, now: int) -> int:
    """Queue messages whose blocker has ended; the re-check drops those no longer right."""
    return await tx.execute(
        "UPDATE messages SET state = 'queued', reason = '', blocker = NULL, due = $1, updated = $2 "
        "WHERE state = 'inhibited' AND blocker NOT IN "
        "(SELECT alert_id FROM alerts WHERE open_code IS NOT NULL)",
        due,
        now,
    )


async def vacant_posts(tx: Tx, alert_id: str) -> list[str]:
    """Return the posts that nobody held when an alert fired."""
    rows = await tx.fetch(
        "SELECT post FROM messages WHERE alert_id = $1 AND state = 'vacant' ORDER BY post", alert_id
    )
    return [row[0] for row in rows]


async def any_inhibited(tx: Tx) -> bool:
    """Return whether any message is held back by an alert above."""
    found = await tx.fetch_one("SELECT 1 FROM messages WHERE state = 'inhibited' LIMIT 1")
    return found is not None


async def cancel_waiting(tx: Tx, alert_id: str, steps: Sequence[str], why: str, now: int) -> None:
    """Cancel an alert's messages of some steps that nobody has tried to send yet."""
    await tx.execute(
        "UPDATE messages SET state = 'cancelled', reason = $1, updated = $2 WHERE alert_id = $3 "
        "AND step = ANY($4::text[]) AND state IN ('queued', 'inhibited') AND delivery_id IS NULL",
        why,
        now,
        alert_id,
        list(steps),
    )


async def requeue(tx: Tx, again: Message, due: int, expires: int, now: int) -> None:
    """Let a message that ended without success be sent anew: the same decision, a new delivery."""
    await tx.execute(
        "UPDATE messages SET state = 'queued', reason = 'requeued', delivery_id = NULL, due = $1, "
        "expires = $2, updated = $3 WHERE message_id = $4",
        due,
        expires,
        now,
        again.message_id,
    )
