"""The life of an alert: every transition, and the promises held over random histories."""

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.evaluate import Statistics, Verdict, judge
from services.notify.life import (
    CONFIRM_VISITS,
    OPEN_PHASES,
    Effect,
    Evidence,
    Known,
    Phase,
    State,
    acknowledge,
    step,
)
from tests.unit.notify.test_judging import LAST, RULE, statistics

WEAK = statistics(50, 100)
UNCLEAR = statistics(70, 100)
CLEAR = statistics(80, 100)
NOTHING = statistics(0, 10, visits=1, schools=1)
KNOWN = Known(WEAK.first, LAST, 500)
FIRING = State(Phase.FIRING, 10, 500, known=KNOWN)


def after(state: State, figure: Statistics, new: int = 0, at: Statistics | None = None) -> State:
    return step(state, Evidence(replace(figure, new_visits=new), at), 20, RULE).state


def effects(
    state: State, figure: Statistics, new: int = 0, at: Statistics | None = None
) -> set[Effect]:
    return set(step(state, Evidence(replace(figure, new_visits=new), at), 20, RULE).effects)


def test_pending_is_confirmed_by_new_visits_only() -> None:
    pending = after(State(), WEAK)
    assert (pending.phase, pending.counted_from) == (Phase.PENDING, WEAK.known_at)
    assert after(pending, WEAK, CONFIRM_VISITS - 1) == pending
    fired = after(pending, WEAK, CONFIRM_VISITS)
    assert fired.phase is Phase.FIRING
    assert fired.known == Known(WEAK.first, WEAK.last, WEAK.known_at)
    assert effects(pending, WEAK, CONFIRM_VISITS) == {Effect.FIRE}


def test_pending_comes_to_nothing() -> None:
    pending = after(State(), WEAK)
    for figure, phase in ((UNCLEAR, Phase.OK), (CLEAR, Phase.OK), (NOTHING, Phase.INSUFFICIENT)):
        assert after(pending, figure, 9).phase is phase
        assert effects(pending, figure, 9) == {Effect.CLEAR}


def test_recovery_needs_new_visits_twice() -> None:
    assert after(FIRING, CLEAR, 0) == FIRING
    recovering = after(FIRING, CLEAR, 1)
    assert recovering.phase is Phase.RECOVERING
    assert after(recovering, CLEAR, 0) == recovering
    assert after(recovering, CLEAR, 1).phase is Phase.RESOLVED
    assert effects(recovering, CLEAR, 1) == {Effect.RESOLVE}


def test_hysteresis_between_the_thresholds() -> None:
    assert after(FIRING, UNCLEAR, 50) == FIRING
    recovering = after(FIRING, CLEAR, 1)
    assert after(recovering, UNCLEAR, 3).phase is Phase.FIRING
    assert effects(recovering, UNCLEAR, 3) == {Effect.RELAPSE}


def test_silence_is_not_recovery() -> None:
    for state in (FIRING, after(FIRING, CLEAR, 1)):
        assert after(state, NOTHING, 9) == state


def test_rescinded_when_the_visits_known_at_firing_do_not_fire_any_more() -> None:
    for state in (FIRING, acknowledge(FIRING, 11)[0], after(FIRING, CLEAR, 1)):
        for corrected in (UNCLEAR, CLEAR, NOTHING):
            assert after(state, WEAK, 9, corrected).phase is Phase.RESCINDED
            assert effects(state, WEAK, 9, corrected) == {Effect.RESCIND}
        assert after(state, WEAK, 9, WEAK).phase is not Phase.RESCINDED


def test_an_acknowledged_alert_still_ends_and_stays_acknowledged_after_a_relapse() -> None:
    state, told = acknowledge(FIRING, 11)
    assert (state.phase, told) == (Phase.ACKNOWLEDGED, (Effect.ACKNOWLEDGE,))
    assert acknowledge(state, 12) == (state, ())
    recovering = after(state, CLEAR, 1)
    assert after(recovering, WEAK, 1).phase is Phase.ACKNOWLEDGED
    assert after(recovering, CLEAR, 1).phase is Phase.RESOLVED


def test_only_an_open_alert_is_acknowledged() -> None:
    for phase in set(Phase) - OPEN_PHASES:
        state = State(phase)
        assert acknowledge(state, 1) == (state, ())
    recovering = after(FIRING, CLEAR, 1)
    assert acknowledge(recovering, 11)[0].phase is Phase.RECOVERING


def test_after_the_end_the_unit_is_judged_afresh() -> None:
    for phase in (Phase.RESOLVED, Phase.RESCINDED):
        assert after(State(phase), WEAK).phase is Phase.PENDING
        assert after(State(phase), CLEAR).phase is Phase.OK


FIGURES = st.sampled_from([WEAK, UNCLEAR, CLEAR, NOTHING])
STEPS = st.lists(
    st.tuples(FIGURES, st.integers(0, 8), st.sampled_from([None, WEAK, CLEAR]), st.booleans()),
    max_size=40,
)


def test_total_over_every_phase_and_figure() -> None:
    for phase, figure, new, at in product(
        Phase, (WEAK, UNCLEAR, CLEAR, NOTHING), (0, 9), (None, WEAK)
    ):
        state = State(phase, 1, 1, known=KNOWN)
        assert (
            step(state, Evidence(replace(figure, new_visits=new), at), 2, RULE).state.phase in Phase
        )


@settings(max_examples=300)
@given(STEPS)
def test_promises_over_any_history(
    history: list[tuple[Statistics, int, Statistics | None, bool]],
) -> None:
    state, fired, ended, opened = State(), 0, 0, 0
    for now, (figure, new, at, notice) in enumerate(history):
        before = state
        taken = step(state, Evidence(replace(figure, new_visits=new), at), now, RULE)
        state = taken.state
        assert len(taken.effects) <= 1
        assert (
            bool(taken.effects)
            or state.phase is before.phase
            or (before.phase not in OPEN_PHASES and state.phase not in OPEN_PHASES)
        )
        opened += Effect.OPEN in taken.effects
        if Effect.FIRE in taken.effects:
            fired += 1
            assert before.phase is Phase.PENDING
            assert judge(RULE, taken.statistics).verdict is Verdict.WEAK
            assert taken.statistics.new_visits >= CONFIRM_VISITS
        if {Effect.RESOLVE, Effect.RESCIND} & set(taken.effects):
            ended += 1
            assert before.phase in OPEN_PHASES
        if Effect.RESCIND in taken.effects:
            assert at is not None
            assert judge(RULE, at).verdict is not Verdict.WEAK
        if notice:
            state, _ = acknowledge(state, now)
        assert 0 <= fired - ended <= 1
        assert fired <= opened
        assert (fired - ended == 1) == (state.phase in OPEN_PHASES)
