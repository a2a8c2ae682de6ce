"""Carries a step of an alert's life out: state, history, messages and events in one transaction.

Owns what each effect means in the tables. Which step is taken is decided by `life`; who is told by
`telling`. Every function here runs under the lock `store.DECIDING`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.notify import history, store, telling
from services.notify.codes import new_code
from services.notify.evaluate import statistics_json
from services.notify.history import Transition
from services.notify.life import Effect, Phase, State, acknowledge
from services.notify.life import Step as Taken
from services.notify.places import Place
from services.notify.policy import Step
from services.notify.rules import Rule
from services.notify.store import Alert, Instance
from services.notify.telling import Timing
from shared.db.transaction import Tx
from shared.journal.records import Event

TOPIC = "rtsm.alerts"
CLEARED = "cleared"
"""State of an alert that was pending and came to nothing."""
SUPERSEDED = "superseded"
"""State of an alert whose rule was changed under it."""

EVENTS = {
    Effect.FIRE: "rtsm.alert.fired.v1",
    Effect.ACKNOWLEDGE: "rtsm.alert.acknowledged.v1",
    Effect.RESOLVE: "rtsm.alert.resolved.v1",
    Effect.RESCIND: "rtsm.alert.rescinded.v1",
}
_CLOSING = {Effect.CLEAR: None, Effect.RESOLVE: Step.RESOLVE, Effect.RESCIND: Step.RESCIND}


async def carry_out(
    tx: Tx,
    rule: Rule,
    place: Place,
    before: Instance,
    taken: Taken,
    now: int,
    timing: Timing,
    codes: Callable[[], str] = new_code,
) -> list[Event] | None:
    """Store a step; the events to append last, or None when somebody else moved the unit first."""
    effect = taken.effects[0] if taken.effects else None
    seen = statistics_json(taken.statistics, taken.judgement.probability)
    alert_id = before.alert_id if effect is not Effect.OPEN else str(uuid.uuid4())
    ending = effect in _CLOSING
    if not await store.save_instance(tx, before, taken.state, None if ending else alert_id):
        return None
    made = Transition(
        rule_id=rule.rule_id,
        unit_id=before.unit_id,
        alert_id=alert_id,
        before=before.state.phase,
        after=taken.state.phase,
        at=now,
        rule_version=rule.version,
        reason=taken.judgement.reason,
        statistics=seen,
    )
    if effect is Effect.CLEAR:
        made = replace(made, after=CLEARED)
    await history.add_transition(tx, made)
    if alert_id is None:
        return []
    if effect is Effect.OPEN:
        opened = _opened(alert_id, await _free_code(tx, codes), rule, place, now, seen)
        await store.insert_alert(tx, opened, place.path)
        return []
    alert = await store.alert(tx, alert_id)
    if alert is None:
        raise LookupError(f"alert {alert_id} of {before.unit_id} is not stored")
    changed = _changed(alert, effect, taken.state, place, now, seen)
    await store.save_alert(tx, changed)
    await _tell(tx, changed, effect, rule, now, timing)
    return _events(changed, effect, now)


def _opened(
    alert_id: str, code: str, rule: Rule, place: Place, now: int, seen: dict[str, object]
) -> Alert:
    return Alert(
        alert_id=alert_id,
        code=code,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        unit_id=place.unit_id,
        name=place.name,
        urdu_name=place.urdu_name,
        indicator=rule.indicator,
        split=rule.split,
        severity=rule.severity,
        state=Phase.PENDING,
        since=now,
        fired=None,
        acknowledged=None,
        closed=None,
        decided=seen,
        latest=seen,
    )


def _changed(
    alert: Alert,
    effect: Effect | None,
    state: State,
    place: Place,
    now: int,
    seen: dict[str, object],
) -> Alert:
    """Return the alert after an effect; the statistic it stands on is fixed when it fires."""
    changed = replace(
        alert, state=state.phase.value, latest=seen, name=place.name, urdu_name=place.urdu_name
    )
    if effect is Effect.FIRE:
        return replace(changed, fired=now, since=now, decided=seen)
    if effect is Effect.CLEAR:
        return replace(changed, state=CLEARED, closed=now)
    if effect in _CLOSING:
        return replace(changed, closed=now)
    return changed


async def _tell(
    tx: Tx, alert: Alert, effect: Effect | None, rule: Rule, now: int, timing: Timing
) -> None:
    if effect is Effect.FIRE:
        await telling.tell_fire(tx, alert, rule.posts, now, timing)
    elif effect is not None and (step := _CLOSING.get(effect)) is not None:
        await telling.stop_alarms(tx, alert, f"{alert.state} meanwhile", now)
        await telling.tell_more(tx, alert, step, now, timing)


async def _free_code(tx: Tx, codes: Callable[[], str]) -> str:
    """Return a code that no open alert carries."""
    while await store.code_is_open(tx, code := codes()):
        continue
    return code


def _events(alert: Alert, effect: Effect | None, now: int) -> list[Event]:
    kind = None if effect is None else EVENTS.get(effect)
    if kind is None:
        return []
    body = {
        "alert_id": alert.alert_id,
        "code": alert.code,
        "rule_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "unit_id": alert.unit_id,
        "indicator": alert.indicator,
        "split": alert.split,
        "severity": alert.severity,
        "state": alert.state,
        "statistics": alert.latest,
    }
    data = json.dumps(body, separators=(",", ":")).encode()
    return [Event(TOPIC, kind, alert.unit_id, alert.alert_id, now, now, data)]


async def take_notice(
    tx: Tx, alert: Alert, actor: str, note: str | None, now: int
) -> tuple[Alert, list[Event]]:
    """Acknowledge an open alert; a second time, and an alert not open, stay as they are."""
    before = await store.instance(tx, alert.rule_id, alert.unit_id)
    if before.alert_id != alert.alert_id:
        return alert, []
    state, effects = acknowledge(before.state, now)
    if not effects or not await store.save_instance(tx, before, state, alert.alert_id):
        return alert, []
    changed = replace(alert, state=state.phase.value, acknowledged=now)
    await store.save_alert(tx, changed)
    made = Transition(
        rule_id=alert.rule_id,
        unit_id=alert.unit_id,
        alert_id=alert.alert_id,
        before=before.state.phase,
        after=Phase.ACKNOWLEDGED,
        at=now,
        rule_version=alert.rule_version,
        reason="acknowledged",
        actor=actor,
        note=note,
    )
    await history.add_transition(tx, made)
    return changed, _events(changed, Effect.ACKNOWLEDGE, now)


async def supersede(tx: Tx, alerts: Sequence[Alert], rule: Rule, actor: str, now: int) -> None:
    """Close the open alerts of a rule whose meaning changed; their units are judged afresh."""
    for alert in alerts:
        before = await store.instance(tx, alert.rule_id, alert.unit_id)
        await store.save_instance(tx, before, State(Phase.OK, now), None)
        closed = replace(alert, state=SUPERSEDED, closed=now)
        await store.save_alert(tx, closed)
        await telling.stop_alarms(tx, closed, "the rule was changed", now)
        made = Transition(
            rule_id=alert.rule_id,
            unit_id=alert.unit_id,
            alert_id=alert.alert_id,
            before=alert.state,
            after=SUPERSEDED,
            at=now,
            rule_version=rule.version,
            reason=f"rule changed to version {rule.version}",
            actor=actor,
        )
        await history.add_transition(tx, made)


async def carry_over(tx: Tx, alerts: Sequence[Alert], rule: Rule) -> None:
    """Let open alerts go on under a version that changes only who is told and how severe it is."""
    for alert in alerts:
        await store.save_alert(
            tx, replace(alert, severity=rule.severity, rule_version=rule.version)
        )
