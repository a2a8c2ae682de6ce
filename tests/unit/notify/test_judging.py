"""One statistic: integers compared, gates on the evidence, the card's interval as its dual."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.evaluate import Statistics, Verdict, judge, statistics_json
from services.notify.rules import Rule, from_json, supersedes, to_json
from shared.domain.intervals import wilson

RULE = Rule(
    rule_id="teachers-low",
    version=1,
    indicator="teacher_attendance",
    split=None,
    level="district",
    window="last-28-days",
    below=0.7,
    above=None,
    recover_above=0.73,
    recover_below=None,
    confidence=0.95,
    min_visits=8,
    min_schools=5,
    min_coverage=0.0,
    max_age_days=None,
    severity="warning",
    posts=("DEO",),
    enabled=True,
)
LAST = date(2018, 3, 28)


def statistics(numerator: int, denominator: int, **other: object) -> Statistics:
    given_values: dict[str, object] = {
        "first": LAST - timedelta(days=27),
        "last": LAST,
        "known_at": 1_000,
        "state": "value",
        "visits": 20,
        "schools": 12,
        "n_eff": float(denominator) / 2,
        "interval": None,
        "schools_visited": 12,
        "schools_registered": 40,
        "newest": LAST,
        "new_visits": 0,
    }
    return Statistics(
        numerator=numerator,
        denominator=denominator,
        **(given_values | other),  # type: ignore[arg-type]
    )


def verdict(rule: Rule, figure: Statistics) -> Verdict:
    return judge(rule, figure).verdict


def test_weak_only_when_surely_below() -> None:
    assert verdict(RULE, statistics(55, 100)) is Verdict.WEAK
    assert verdict(RULE, statistics(65, 100)) is Verdict.UNCLEAR
    assert verdict(RULE, statistics(72, 100)) is Verdict.UNCLEAR
    assert verdict(RULE, statistics(73, 100)) is Verdict.CLEAR


def test_exactly_on_the_threshold_is_never_weak_even_for_a_census() -> None:
    census = statistics(7_000_000, 10_000_000, n_eff=float("inf"))
    assert verdict(RULE, census) is Verdict.UNCLEAR
    assert verdict(RULE, replace(census, numerator=6_999_999)) is Verdict.WEAK
    assert verdict(RULE, replace(census, numerator=7_300_000)) is Verdict.CLEAR
    assert verdict(RULE, replace(census, numerator=7_299_999)) is Verdict.UNCLEAR


@given(
    denominator=st.integers(10, 3000),
    share=st.integers(0, 1000),
    deff=st.floats(1, 40),
    confidence=st.floats(0.6, 0.999),
)
def test_dual_of_the_cards_interval(
    denominator: int, share: int, deff: float, confidence: float
) -> None:
    numerator = denominator * share // 1000
    n_eff = denominator / deff
    rule = replace(RULE, confidence=confidence)
    upper = wilson(numerator / denominator, n_eff, 2 * confidence - 1)[1]
    if abs(upper - 0.7) > 1e-9:
        found = verdict(rule, statistics(numerator, denominator, n_eff=n_eff))
        assert (found is Verdict.WEAK) == (upper < 0.7)


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({}, {"visits": 7}),
        ({}, {"schools": 4}),
        ({"min_coverage": 0.31}, {}),
        ({"max_age_days": 21}, {"newest": LAST - timedelta(days=22)}),
        ({"max_age_days": 21}, {"newest": None}),
        ({}, {"state": "not_measured"}),
        ({}, {"n_eff": 0.0}),
    ],
)
def test_gates(change: dict[str, object], figure: dict[str, object]) -> None:
    rule = replace(RULE, **change)  # type: ignore[arg-type]
    found = judge(rule, statistics(10, 100, **figure))
    assert found.verdict is Verdict.INSUFFICIENT
    assert found.reason


def test_gates_are_met_at_their_limits() -> None:
    rule = replace(RULE, min_coverage=0.3, max_age_days=21)
    figure = statistics(10, 100, visits=8, schools=5, newest=LAST - timedelta(days=21))
    assert verdict(rule, figure) is Verdict.WEAK


def test_no_denominator_is_insufficient() -> None:
    assert verdict(RULE, statistics(0, 0, n_eff=0.0)) is Verdict.INSUFFICIENT


def test_rules_for_figures_where_lower_is_better() -> None:
    rule = replace(RULE, below=None, recover_above=None, above=0.2, recover_below=0.15)
    assert verdict(rule, statistics(40, 100)) is Verdict.WEAK
    assert verdict(rule, statistics(22, 100)) is Verdict.UNCLEAR
    assert verdict(rule, statistics(16, 100)) is Verdict.UNCLEAR
    assert verdict(rule, statistics(15, 100)) is Verdict.CLEAR


@given(numerator=st.integers(0, 200), n_eff=st.floats(1, 500))
def test_above_is_the_mirror_of_below(numerator: int, n_eff: float) -> None:
    low = replace(RULE, below=0.25, recover_above=0.5)
    high = replace(RULE, below=None, recover_above=None, above=0.75, recover_below=0.5)
    assert verdict(low, statistics(numerator, 200, n_eff=n_eff)) is verdict(
        high, statistics(200 - numerator, 200, n_eff=n_eff)
    )


def test_a_rule_survives_storage_and_knows_what_an_edit_changes() -> None:
    assert from_json(to_json(RULE)) == RULE
    assert not supersedes(RULE, replace(RULE, version=2, posts=("DDEO",), severity="critical"))
    assert supersedes(RULE, replace(RULE, version=2, below=0.6))
    assert supersedes(RULE, replace(RULE, version=2, enabled=False))


def test_stored_statistics_hold_the_integers() -> None:
    body = statistics_json(statistics(2, 3, n_eff=float("inf")), 1.0)
    assert (body["numerator"], body["denominator"], body["value"]) == (2, 3, 0.666667)
    assert body["n_eff"] is None
