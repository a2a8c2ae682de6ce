"""Who is told what about an alert: one message row for each decision, in the alert's transaction.

Owns the choice of recipients (posts and postings of the day, vacancies made visible, an alert above
that says the same) and of the times. Sending is `sender`'s business.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.notify import directory, outbox, store
from services.notify.directory import Officer
from services.notify.outbox import Message
from services.notify.policy import QuietHours, Step, expires, release
from services.notify.store import Alert
from shared.db.transaction import Tx
from shared.domain.days import local_day

_MAY_KNOW = frozenset({"sending", "unknown", "accepted", "sent", "delivered"})


@dataclass(frozen=True, slots=True)
class Timing:
    """When people may be told: quiet hours, how long a message waits for company (µs), the zone."""

    quiet: QuietHours | None
    flush: int
    zone: ZoneInfo

    def due(self, now: int) -> int:
        """Return when a message decided now may go out (µs)."""
        return release(now + self.flush, self.quiet, self.zone)


async def tell_fire(
    tx: Tx, alert: Alert, posts: Sequence[str], now: int, timing: Timing
) -> list[Message]:
    """Decide to tell whoever holds the posts today; what was decided before changes nothing."""
    path = await store.path_of(tx, alert.alert_id)
    people = await directory.posted_on(tx, path)
    blocker = await store.blocker_of(tx, alert, path)
    day = local_day(now, timing.zone)
    messages: list[Message] = []
    for post in posts:
        holders = directory.on_duty(people, post, path, day)
        if not holders:
            messages.append(_vacancy(alert, post, now))
        messages += [
            _message(alert, Step.FIRE, officer, post, channel, now, timing.due(now), blocker)
            for officer in holders
            for channel in officer.channels
        ]
    await outbox.add_messages(tx, messages)
    return messages


async def tell_more(tx: Tx, alert: Alert, step: Step, now: int, timing: Timing) -> None:
    """Decide to tell something further to those, and only those, who got "fire"."""
    due = timing.due(now)
    told = [
        message
        for message in await outbox.messages_of_alert(tx, alert.alert_id)
        if message.step == Step.FIRE
        and (
            message.state in _MAY_KNOW
            or (message.state == "queued" and message.delivery_id is not None)
        )
    ]
    await outbox.add_messages(
        tx,
        [
            Message(
                message_id=str(uuid.uuid4()),
                alert_id=alert.alert_id,
                step=step,
                officer_id=first.officer_id,
                channel=first.channel,
                post=first.post,
                state="queued",
                reason="",
                created=now,
                due=due,
                expires=expires(step, due),
                blocker=None,
                delivery_id=None,
                updated=now,
            )
            for first in told
        ],
    )


async def stop_alarms(tx: Tx, alert: Alert, why: str, now: int) -> None:
    """Cancel alarms about an alert that nobody has tried to send yet."""
    await outbox.cancel_waiting(tx, alert.alert_id, (Step.FIRE, Step.REMIND), why, now)


def _message(
    alert: Alert,
    step: Step,
    officer: Officer,
    post: str,
    channel: str,
    now: int,
    due: int,
    blocker: str | None,
) -> Message:
    return Message(
        message_id=str(uuid.uuid4()),
        alert_id=alert.alert_id,
        step=step,
        officer_id=officer.officer_id,
        channel=channel,
        post=post,
        state="queued" if blocker is None else "inhibited",
        reason="" if blocker is None else "an alert above says the same",
        created=now,
        due=due,
        expires=expires(step, due),
        blocker=blocker,
        delivery_id=None,
        updated=now,
    )


def _vacancy(alert: Alert, post: str, now: int) -> Message:
    """Make a post without a holder visible among the messages, once for each post."""
    return Message(
        message_id=str(uuid.uuid4()),
        alert_id=alert.alert_id,
        step=Step.FIRE,
        officer_id="",
        channel=f"vacant:{post}",
        post=post,
        state="vacant",
        reason=f"nobody holds the post {post} here today",
        created=now,
        due=now,
        expires=now,
        blocker=None,
        delivery_id=None,
        updated=now,
    )
