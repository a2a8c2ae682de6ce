"""The life of an alert as one pure total function.

Owns the phases and every way from one to another; reads no clock, no database, no network.

    ok, insufficient --weak--> pending --weak, 4 new visits--> firing --ack--> acknowledged
    pending --anything else--> ok or insufficient
    firing, acknowledged --clear, new visits--> recovering --clear, new visits--> resolved
    recovering --weak or unclear--> firing or acknowledged, as it was
    firing, acknowledged, recovering --the visits known at firing no longer fire--> rescinded

Too little evidence never ends an alert. `resolved` and `rescinded` are how an alert ends; the
unit itself is then judged afresh, as from `ok`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from services.notify.evaluate import Judgement, Statistics, Verdict, judge
from services.notify.rules import Rule

CONFIRM_VISITS = 4
"""New visits after which a figure that is still weak is confirmed."""


class Phase(StrEnum):
    """Where a unit stands under a rule."""

    OK = "ok"
    INSUFFICIENT = "insufficient"
    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    RESCINDED = "rescinded"


class Effect(StrEnum):
    """What the world must be told when a phase changes."""

    OPEN = "open"
    """A pending alert begins."""
    CLEAR = "clear"
    """A pending alert came to nothing."""
    FIRE = "fire"
    ACKNOWLEDGE = "acknowledge"
    RECOVER = "recover"
    RELAPSE = "relapse"
    RESOLVE = "resolve"
    RESCIND = "rescind"


OPEN_PHASES = frozenset({Phase.FIRING, Phase.ACKNOWLEDGED, Phase.RECOVERING})
"""Phases in which officers have been, or are being, told."""

RESTING_PHASES = frozenset({Phase.OK, Phase.INSUFFICIENT, Phase.RESOLVED, Phase.RESCINDED})
"""Phases without an open alert."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was known when an alert fired: the window's days and the time of knowing (µs)."""

    first: date
    last: date
    at: int


@dataclass(frozen=True, slots=True)
class State:
    """A unit under a rule; visits received after `counted_from` (µs) are new to this phase."""

    phase: Phase = Phase.OK
    since: int = 0
    counted_from: int = 0
    acknowledged: bool = False
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figure now and, for an open alert, the figure of the visits known when it fired."""

    current: Statistics
    at_firing: Statistics | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The next state, what follows from it, and the judgement and statistics that decided."""

    state: State
    effects: tuple[Effect, ...]
    judgement: Judgement
    statistics: Statistics


def step(state: State, evidence: Evidence, now: int, rule: Rule) -> Step:
    """Return where the evidence leads from `state` at `now` (µs) under `rule`; never raises."""
    if state.phase in OPEN_PHASES and evidence.at_firing is not None:
        founded = judge(rule, evidence.at_firing)
        if founded.verdict is not Verdict.WEAK:
            rescinded = replace(state, phase=Phase.RESCINDED, since=now)
            return Step(rescinded, (Effect.RESCIND,), founded, evidence.at_firing)
    judgement = judge(rule, evidence.current)
    follow = _open_step if state.phase in OPEN_PHASES else _quiet_step
    following, effects = follow(state, judgement.verdict, evidence.current, now)
    return Step(following, effects, judgement, evidence.current)


def _quiet_step(
    state: State, verdict: Verdict, statistics: Statistics, now: int
) -> tuple[State, tuple[Effect, ...]]:
    pending = state.phase is Phase.PENDING
    if verdict is Verdict.WEAK:
        if not pending:
            return State(Phase.PENDING, now, statistics.known_at), (Effect.OPEN,)
        if statistics.new_visits < CONFIRM_VISITS:
            return state, ()
        known = Known(statistics.first, statistics.last, statistics.known_at)
        return State(Phase.FIRING, now, statistics.known_at, known=known), (Effect.FIRE,)
    resting = Phase.INSUFFICIENT if verdict is Verdict.INSUFFICIENT else Phase.OK
    if state.phase is resting:
        return state, ()
    return State(resting, now), (Effect.CLEAR,) if pending else ()


def _open_step(
    state: State, verdict: Verdict, statistics: Statistics, now: int
) -> tuple[State, tuple[Effect, ...]]:
    recovering = state.phase is Phase.RECOVERING
    if verdict is Verdict.CLEAR and statistics.new_visits > 0:
        phase = Phase.RESOLVED if recovering else Phase.RECOVERING
        effect = Effect.RESOLVE if recovering else Effect.RECOVER
        return _moved(state, phase, statistics, now), (effect,)
    if recovering and verdict in (Verdict.WEAK, Verdict.UNCLEAR):
        phase = Phase.ACKNOWLEDGED if state.acknowledged else Phase.FIRING
        return _moved(state, phase, statistics, now), (Effect.RELAPSE,)
    return state, ()


def _moved(state: State, phase: Phase, statistics: Statistics, now: int) -> State:
    return replace(state, phase=phase, since=now, counted_from=statistics.known_at)


def acknowledge(state: State, now: int) -> tuple[State, tuple[Effect, ...]]:
    """Return the state after a person took notice; once, and only of an alert that is open."""
    if state.phase not in OPEN_PHASES or state.acknowledged:
        return state, ()
    if state.phase is Phase.RECOVERING:
        return replace(state, acknowledged=True), (Effect.ACKNOWLEDGE,)
    acknowledged = replace(state, phase=Phase.ACKNOWLEDGED, since=now, acknowledged=True)
    return acknowledged, (Effect.ACKNOWLEDGE,)
