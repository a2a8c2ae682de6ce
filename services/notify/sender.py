"""Hands messages over: claim and commit, send, record.

Owns the order that makes a crash harmless: a message is marked as being sent, in a committed
transaction, before anything leaves the house. A claim whose lease ran out is not "unsent" but
unknown, and `policy.after_unknown` says what that means for the channel. Just before every attempt
the alert, the officer's posting and the addresses are looked at again.
"""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from services.notify import deliveries, outbox, policy
from services.notify.bell import Bell
from services.notify.channels.contract import Channel, Envelope, Handover
from services.notify.deliveries import Delivery
from services.notify.drafts import Draft, Drafts, envelope
from services.notify.outbox import Message
from services.notify.policy import Action, Outcome
from services.notify.receipts import higher
from services.notify.telling import Timing
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx

_LOG = structlog.get_logger("rtsm.notify")
_IDLE_SECONDS = 1.0
_LOOK_AGAIN = 30 * policy.SECOND

Failpoint = Callable[[str], Awaitable[None]]


async def no_failpoint(name: str) -> None:
    """Let every named point pass; tests put a crash here."""
    del name


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until its lease ends, and what to hand over."""

    delivery: Delivery
    envelope: Envelope


class Sender:
    """Sends the messages of one kind of address ("sms" or "email")."""

    def __init__(
        self,
        kind: str,
        channel: Channel,
        database: Database,
        drafts: Drafts,
        clock: Clock,
        timing: Timing,
        bell: Bell,
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._kind = kind
        self._channel = channel
        self._database = database
        self._drafts = drafts
        self._clock = clock
        self._timing = timing
        self._bell = bell
        self._failpoint = failpoint

    async def run(self) -> None:
        """Send until cancelled, through every outage of the database."""
        try:
            while True:
                await self._step()
        finally:
            await self._channel.close()

    async def _step(self) -> None:
        try:
            if await self.once() is not None:
                return
        except (Transient, OSError) as error:
            _LOG.warning("sending waits", channel=self._kind, error=str(error))
        await self._bell.wait(_IDLE_SECONDS)

    async def drain(self) -> int:
        """Send all that is due now; the number of attempts."""
        attempts = 0
        while (worked := await self.once()) is not None:
            attempts += worked
        return attempts

    async def once(self) -> bool | None:
        """Take one thing that is due: True for an attempt, False for a decision, None for nothing.

        Raises Transient when the database is away.
        """
        claimed = await self._claim()
        if not isinstance(claimed, Claimed):
            return claimed
        await self._failpoint("notify.after_claim")
        handover = await self._channel.send(claimed.envelope)
        await self._failpoint("notify.after_send")
        await self._record(claimed.delivery, handover)
        return True

    # --- claim ------------------------------------------------------------------------------

    async def _claim(self) -> Claimed | bool | None:
        """Commit the claim of one delivery; False when something else was decided instead."""
        now = micros(self._clock.now())
        async with self._database.transaction() as tx:
            await tx.lock(deliveries.CLAIMING)
            if (waiting := await deliveries.first_to_look_at(tx, self._kind, now)) is not None:
                return await self._look_at(tx, waiting, now)
            if (first := await outbox.first_due(tx, self._kind, now)) is not None:
                return await self._gather(tx, first, now)
        return None

    async def _look_at(self, tx: Tx, waiting: Delivery, now: int) -> Claimed | bool:
        """Decide about a delivery whose retry is due or whose lease ended without an answer."""
        if waiting.state == "queued":
            return await self._again(tx, waiting, now, resent=waiting.resent)
        action, until = policy.after_unknown(
            self._kind,
            waiting.severity,
            resent=waiting.resent,
            since=waiting.attempted,
            now=now,
        )
        if action is Action.RESEND:
            return await self._again(tx, waiting, now, resent=waiting.resent + 1)
        look = until if action is Action.WAIT else None
        await deliveries.settle(tx, waiting, "unknown", "it is not known if it arrived", look, now)
        return False

    async def _again(self, tx: Tx, old: Delivery, now: int, *, resent: int) -> Claimed | bool:
        """Make a further attempt at a delivery, about those of its messages still right."""
        after = policy.release(now, self._timing.quiet, self._timing.zone)
        if after > now and old.expires > after:
            await deliveries.settle(tx, old, old.state, "quiet hours", after, now)
            return False
        untried = old.state == "queued"
        carried = await outbox.messages_of_delivery(tx, old.delivery_id)
        right = await self._still_right(tx, carried, now, untried=untried)
        draft = await self._drafts.draft(tx, right) if right else None
        if draft is None:
            over = "expired" if now >= old.expires else "cancelled"
            state, why = (over, "nothing left to say") if untried else ("unknown", old.reason)
            await deliveries.settle(tx, old, state, why, None, now)
            return False
        again = replace(
            old,
            attempt=old.attempt + 1,
            resent=resent,
            claim=secrets.token_hex(8),
            attempted=now,
            look=now + policy.LEASE,
            text=draft.text,
            items=draft.items,
            segments=draft.segments,
            updated=now,
        )
        await deliveries.restart_delivery(tx, again)
        return Claimed(again, self._envelope(again, draft))

    async def _gather(self, tx: Tx, first: Message, now: int) -> Claimed | bool:
        """Put everything of one step for one officer into one text, and claim it."""
        company = await outbox.company_of(tx, first)
        hold = self._hold(
            await deliveries.sent_times(tx, first.officer_id, self._kind, now - policy.HOUR), now
        )
        if hold is not None:
            until, why = hold
            for message in company:
                await outbox.put_back(tx, message, why, now, due=until)
            return False
        right = await self._still_right(tx, company, now, untried=True)
        draft = await self._drafts.draft(tx, right) if right else None
        if draft is None:
            for message in right:
                await outbox.set_message(tx, message, "failed", "no such address", now)
            return False
        new = self._delivery(first, right, draft, now)
        await deliveries.start_delivery(tx, new, [message.message_id for message in right])
        return Claimed(new, self._envelope(new, draft))

    def _hold(self, sent: list[int], now: int) -> tuple[int, str] | None:
        """Return until when an officer must be left in peace and why, or None."""
        after = policy.release(now, self._timing.quiet, self._timing.zone)
        if after > now:
            return after, "quiet hours"
        capped = policy.hold_until(sent, now, self._kind)
        return None if capped is None else (capped, "hourly limit")

    def _delivery(
        self, first: Message, messages: list[Message], draft: Draft, now: int
    ) -> Delivery:
        return Delivery(
            delivery_id=str(uuid.uuid4()),
            officer_id=first.officer_id,
            channel=self._kind,
            step=first.step,
            severity=draft.severity,
            language=draft.language,
            text=draft.text,
            items=draft.items,
            segments=draft.segments,
            token=secrets.token_urlsafe(24),
            state="sending",
            reason="",
            attempt=1,
            resent=0,
            claim=secrets.token_hex(8),
            created=now,
            attempted=now,
            expires=max(message.expires for message in messages),
            look=now + policy.LEASE,
            provider_id=None,
            updated=now,
        )

    def _envelope(self, of: Delivery, draft: Draft) -> Envelope:
        return envelope(of, draft, self._drafts.links(draft, of.officer_id))

    async def _still_right(
        self, tx: Tx, messages: list[Message], now: int, *, untried: bool
    ) -> list[Message]:
        """Return the messages still worth sending.

        Of those that surely were not sent yet (`untried`) the others are cancelled, held back or
        postponed; one that may have arrived keeps its state, because it may have been read.
        """
        right = []
        for message in messages:
            case, blocker = await self._drafts.situation(tx, message, now)
            action, why = policy.recheck(case)
            if action is Action.SEND:
                right.append(message)
            elif untried and action is Action.WAIT:
                await outbox.put_back(tx, message, why, now, due=now + _LOOK_AGAIN)
            elif untried and action is Action.INHIBIT and blocker is not None:
                await outbox.inhibit(tx, message, blocker, why, now)
            elif untried:
                state = "expired" if case.expired else "cancelled"
                await outbox.set_message(tx, message, state, why, now)
                if not case.posted:
                    await self._drafts.tell_successor(tx, message, now, self._timing)
        return right

    # --- record -----------------------------------------------------------------------------

    async def _record(self, sent: Delivery, handover: Handover) -> None:
        """Store how the attempt ended, unless something newer is known already."""
        now = micros(self._clock.now())
        await self._failpoint("notify.before_mark")
        async with self._database.transaction() as tx:
            current = await deliveries.delivery(tx, sent.delivery_id)
            if current is None:
                return
            await deliveries.end_attempt(tx, sent, handover.outcome, handover.detail, now)
            if handover.provider_id:
                await deliveries.set_provider_id(tx, current, handover.provider_id)
            if handover.outcome is Outcome.ACCEPTED:
                state = higher(current.state, "accepted")
                reason = current.reason if state != "accepted" else ""
                await deliveries.settle(tx, current, state, reason, None, now)
            elif current.claim == sent.claim and current.state == "sending":
                state, look = self._after_failure(sent, handover, now)
                await deliveries.settle(tx, current, state, handover.detail, look, now)
        _LOG.info(
            "message",
            channel=self._kind,
            delivery=sent.delivery_id,
            step=sent.step,
            attempt=sent.attempt,
            outcome=handover.outcome.value,
            segments=sent.segments,
        )

    def _after_failure(
        self, sent: Delivery, handover: Handover, now: int
    ) -> tuple[str, int | None]:
        """Return the state after a failed attempt and when to look at it again."""
        if handover.outcome is Outcome.PERMANENT:
            return "failed", None
        if handover.outcome is Outcome.UNKNOWN:
            return "unknown", now
        spread = random.random()  # noqa: S311 - spreads retries, keeps no secret
        pause = policy.retry_delay(handover.outcome, sent.attempt, spread)
        pause = max(pause, (handover.retry_after or 0) * policy.SECOND)
        return ("expired", None) if now + pause > sent.expires else ("queued", now + pause)
