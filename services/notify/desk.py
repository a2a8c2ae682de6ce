"""What people do with alerts, rules and officers: reads and edits, each in one transaction.

Owns the answers to calls and the check that a caller sees only alerts of own units. The wire forms
are in `answers` and `schemas`, the routes in `routes`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from services.notify import (
    decisions,
    deliveries,
    directory,
    history,
    outbox,
    rulebook,
    store,
    watch,
)
from services.notify.answers import alert_answer, message_answer
from services.notify.bell import Bell
from services.notify.directory import Officer
from services.notify.life import OPEN_PHASES
from services.notify.outbox import Message
from services.notify.policy import expires
from services.notify.receipts import meaning
from services.notify.rules import Rule, changed_fields, supersedes
from services.notify.schemas import RuleIn
from services.notify.store import Alert
from services.notify.telling import Timing
from shared.access import Principal
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.days import local_day
from shared.errors import Problem, not_found
from shared.journal.journal import append

_REQUEUED = frozenset({"failed", "expired", "unknown"})
_STATES = {"dead": ("failed", "expired")}


def wanted_states(state: str | None) -> list[str] | None:
    """Return the states of a comma separated list (`dead`: failed and expired), None for all."""
    if not state:
        return None
    named = [name.strip() for name in state.split(",") if name.strip()]
    return [single for name in named for single in _STATES.get(name, (name,))]


class Desk:
    """Everything a caller can ask of the service."""

    def __init__(self, database: Database, clock: Clock, timing: Timing, bell: Bell) -> None:
        self._database = database
        self._clock = clock
        self._timing = timing
        self._bell = bell

    def _now(self) -> int:
        return micros(self._clock.now())

    # --- rules ------------------------------------------------------------------------------

    async def rules(self) -> list[Rule]:
        """Return the rules in force."""
        async with self._database.reading() as tx:
            return await rulebook.current_rules(tx)

    async def rule_versions(self, rule_id: str) -> list[tuple[Rule, int]]:
        """Return every version of a rule, oldest first; raises Problem 404."""
        async with self._database.reading() as tx:
            versions = await rulebook.rule_versions(tx, rule_id)
        if not versions:
            raise not_found("rule")
        return versions

    async def rule_of(self, alert: Alert) -> Rule:
        """Return the version of the rule under which an alert stands; raises Problem 404."""
        async with self._database.reading() as tx:
            rule = await rulebook.rule_at(tx, alert.rule_id, alert.rule_version)
        if rule is None:
            raise not_found("rule")
        return rule

    async def put_rules(self, sent: Sequence[RuleIn], actor: str) -> list[Rule]:
        """Store rules that changed as new versions; open alerts go on or are superseded."""
        now = self._now()
        kept: list[Rule] = []
        async with self._database.transaction() as tx:
            await tx.lock(store.DECIDING)
            for given in sent:
                kept.append(await self._put_rule(tx, given, actor, now))  # noqa: PERF401 - in order
            await watch.mark_all_dirty(tx)
        return kept

    async def _put_rule(self, tx: Tx, given: RuleIn, actor: str, now: int) -> Rule:
        old = await rulebook.current_rule(tx, given.rule_id)
        rule = given.rule(1 if old is None else old.version + 1)
        if old is not None and not changed_fields(old, rule):
            return old
        await rulebook.add_rules(tx, [rule], now)
        if old is not None:
            alerts = await store.open_alerts_of_rule(tx, rule.rule_id)
            if supersedes(old, rule):
                await decisions.supersede(tx, alerts, rule, actor, now)
            else:
                await decisions.carry_over(tx, alerts, rule)
        return rule

    # --- officers ---------------------------------------------------------------------------

    async def officers(self) -> list[Officer]:
        """Return all officers."""
        async with self._database.reading() as tx:
            return await directory.officers(tx)

    async def officers_of(self, ids: Sequence[str]) -> list[Officer]:
        """Return the officers of some ids, as far as there are any."""
        async with self._database.reading() as tx:
            return await directory.officers(tx, ids)

    async def put_officers(self, people: Sequence[Officer]) -> int:
        """Store officers, and return how many changed; posts that were vacant are looked at again.

        Storing what is stored already changes nothing.
        """
        async with self._database.transaction() as tx:
            known = await directory.officers(tx, [person.officer_id for person in people])
            changed = [person for person in people if person not in known]
            if changed:
                await directory.put_officers(tx, changed, self._now())
                await watch.put_fact(tx, watch.PEOPLE, secrets.token_hex(8))
        return len(changed)

    def today(self) -> int:
        """Return the number of the present day in the deployment's zone."""
        return local_day(self._now(), self._timing.zone)

    # --- alerts -----------------------------------------------------------------------------

    async def alerts(
        self,
        principal: Principal,
        *,
        state: str | None,
        unit: str | None,
        after: tuple[int, str] | None,
        limit: int,
    ) -> tuple[list[dict[str, Any]], list[Alert]]:
        """Return alerts, newest first, of a unit and all below it, as far as the caller may see."""
        async with self._database.reading() as tx:
            found = await store.list_alerts(
                tx,
                states=wanted_states(state),
                unit=unit,
                within=_within(principal),
                after=after,
                limit=limit,
            )
            return [await self._shown(tx, alert) for alert in found], found

    async def alert(self, principal: Principal, alert_id: str) -> dict[str, Any]:
        """Return one alert; raises Problem 404."""
        async with self._database.reading() as tx:
            return await self._shown(tx, await _visible(tx, principal, alert_id))

    async def acknowledge(
        self, principal: Principal, alert_id: str, note: str | None
    ) -> dict[str, Any]:
        """Take notice of an alert in a caller's name; raises Problem 404 or 409."""
        async with self._database.transaction() as tx:
            await tx.lock(store.DECIDING)
            alert = await _visible(tx, principal, alert_id)
            if alert.closed is not None:
                raise Problem(409, "alert_closed", f"The alert is {alert.state} already.")
            if alert.state not in OPEN_PHASES:
                raise Problem(409, "alert_not_firing", "The alert is not confirmed yet.")
            changed, events = await decisions.take_notice(
                tx, alert, principal.name, note, self._now()
            )
            shown = await self._shown(tx, changed)
            await append(tx, events)
        return shown

    async def of_link(self, alert_id: str, officer_id: str) -> tuple[Alert, Officer] | None:
        """Return the alert and the officer of a link, None when the officer serves elsewhere."""
        async with self._database.reading() as tx:
            return await self._linked(tx, alert_id, officer_id)

    async def acknowledge_by_link(self, alert_id: str, officer_id: str, note: str | None) -> bool:
        """Take notice in an officer's name; False when the alert is not open or not theirs."""
        async with self._database.transaction() as tx:
            await tx.lock(store.DECIDING)
            linked = await self._linked(tx, alert_id, officer_id)
            if linked is None or linked[0].state not in OPEN_PHASES:
                return False
            actor = f"officer:{officer_id}"
            _, events = await decisions.take_notice(tx, linked[0], actor, note, self._now())
            await append(tx, events)
        return True

    async def _linked(self, tx: Tx, alert_id: str, officer_id: str) -> tuple[Alert, Officer] | None:
        alert = await store.alert(tx, alert_id)
        people = await directory.officers(tx, [officer_id])
        if alert is None or not people:
            return None
        path = await store.path_of(tx, alert_id)
        today = local_day(self._now(), self._timing.zone)
        return (alert, people[0]) if people[0].serves(path, today) else None

    async def _shown(self, tx: Tx, alert: Alert) -> dict[str, Any]:
        told = await outbox.messages_of_alert(tx, alert.alert_id)
        return alert_answer(
            alert,
            await history.history(tx, alert.alert_id),
            [await _message(tx, message) for message in told],
        )

    # --- messages ---------------------------------------------------------------------------

    async def messages(
        self, principal: Principal, *, state: str | None, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[dict[str, Any]], list[Message]]:
        """Return messages, newest first, about alerts the caller may see."""
        async with self._database.reading() as tx:
            found = await outbox.list_messages(
                tx,
                states=wanted_states(state),
                within=_within(principal),
                after=after,
                limit=limit,
            )
            return [await _message(tx, message) for message in found], found

    async def requeue(self, principal: Principal, message_id: str) -> dict[str, Any]:
        """Let a message that ended without success go out anew; raises Problem 404 or 409."""
        now = self._now()
        async with self._database.transaction() as tx:
            await tx.lock(deliveries.CLAIMING)
            message = await outbox.message(tx, message_id)
            if message is None:
                raise not_found("message")
            await _visible(tx, principal, message.alert_id)
            if message.state not in _REQUEUED:
                raise Problem(409, "not_requeueable", f"The message is {message.state}.")
            due = self._timing.due(now)
            await outbox.requeue(tx, message, now, expires(message.step, due), now)
            again = await outbox.message(tx, message_id)
            shown = await _message(tx, again or message)
        self._bell.ring()
        return shown

    async def receipt(self, token: str, kind: str, detail: str) -> str:
        """Take a gateway's report; the state after it. Raises Problem 404 for a strange token."""
        async with self._database.transaction() as tx:
            delivery = await deliveries.delivery_of_token(tx, token)
            if delivery is None:
                raise not_found("receipt")
            reported = meaning(kind) or delivery.state
            return await deliveries.take_receipt(tx, delivery, kind, detail, reported, self._now())


def _within(principal: Principal) -> list[str] | None:
    return None if principal.units is None else sorted(principal.units)


async def _visible(tx: Tx, principal: Principal, alert_id: str) -> Alert:
    """Return an alert of the caller's units; raises Problem 404."""
    alert = await store.alert(tx, alert_id)
    if alert is None:
        raise not_found("alert")
    if principal.units is not None:
        path = await store.path_of(tx, alert_id)
        if not principal.units.intersection(path):
            raise not_found("alert")
    return alert


async def _message(tx: Tx, message: Message) -> dict[str, Any]:
    if message.delivery_id is None:
        return message_answer(message, None, [])
    delivery = await deliveries.peek(tx, message.delivery_id)
    return message_answer(message, delivery, await deliveries.attempts_of(tx, message.delivery_id))
