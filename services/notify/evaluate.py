"""Judging one figure by one rule: the only place where "really below" is decided.

Owns the statistic of an evaluation and the four verdicts. There is one statistic, the card's:
numerator, denominator and effective sample size of the figure (design 04, section 6). What a
verdict does to an alert is in `life`; where the figure comes from is in `evidence`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from services.notify.rules import Rule, exact
from shared.domain.intervals import probability_below


class Verdict(StrEnum):
    """What a statistic says about a rule."""

    INSUFFICIENT = "insufficient"
    """Too little evidence to say anything; never a reason to end an alert."""
    WEAK = "weak"
    """Really on the wrong side of the threshold, at the rule's confidence."""
    UNCLEAR = "unclear"
    """Enough evidence, neither surely wrong nor recovered."""
    CLEAR = "clear"
    """At or beyond the recovery threshold and no longer surely wrong."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """A figure as it was asked for: integers, effective sample size and the evidence behind it.

    `known_at` (microseconds) is the time up to which every recorded visit is in. `n_eff` is
    infinite for a census. `new_visits` counts the answering visits received after the moment
    the question named. `first` and `last` are the window's days, both included. `definition` is the
    version that the figure was made by, `names` what the indicator is called in texts, by language.
    """

    first: date
    last: date
    known_at: int
    state: str
    numerator: int
    denominator: int
    visits: int
    schools: int
    n_eff: float
    interval: tuple[float, float] | None
    schools_visited: int
    schools_registered: int
    newest: date | None
    new_visits: int
    definition: int | None = None
    names: dict[str, str] | None = None

    @property
    def value(self) -> Fraction | None:
        """The exact ratio, or None when there is no denominator."""
        return Fraction(self.numerator, self.denominator) if self.denominator > 0 else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the probability behind it (0..1, None when undefined) and why, in a few words."""

    verdict: Verdict
    probability: float | None
    reason: str


def missing_evidence(rule: Rule, statistics: Statistics) -> str | None:
    """Return which evidence gate of the rule is not met, or None when all are.

    Ages are counted back from the window's last day, so the same question about a past window
    has the same answer on every later day.
    """
    if statistics.state != "value" or statistics.value is None:
        return f"no value ({statistics.state})"
    if statistics.visits < rule.min_visits:
        return f"{statistics.visits} of {rule.min_visits} visits"
    if statistics.schools < rule.min_schools:
        return f"{statistics.schools} of {rule.min_schools} schools"
    needed = exact(rule.min_coverage) * statistics.schools_registered
    if rule.min_coverage > 0 and statistics.schools_visited < needed:
        return f"{statistics.schools_visited} of {statistics.schools_registered} schools visited"
    return _too_old(rule, statistics)


def _too_old(rule: Rule, statistics: Statistics) -> str | None:
    if rule.max_age_days is None:
        return None
    if statistics.newest is None:
        return "no visit in the window"
    age = (statistics.last - statistics.newest).days
    return f"newest visit is {age} days old" if age > rule.max_age_days else None


def probability_wrong(rule: Rule, statistics: Statistics) -> float | None:
    """Return the probability that the long-run rate is on the wrong side of the threshold.

    At confidence c it reaches c exactly when the nearer end of the two-sided 2c-1 interval
    (Wilson's, on the effective sample size) has passed the threshold.
    """
    value = statistics.value
    if value is None:
        return None
    threshold = rule.threshold
    share = value if rule.higher_is_better else 1 - value
    limit = threshold if rule.higher_is_better else 1 - threshold
    if statistics.n_eff <= 0:
        return None
    return probability_below(float(share), statistics.n_eff, float(limit))


def judge(rule: Rule, statistics: Statistics) -> Judgement:
    """Return what the statistic says about the rule; total, and without rounding of the ratio."""
    probability = probability_wrong(rule, statistics)
    missing = missing_evidence(rule, statistics)
    value = statistics.value
    if missing is not None or value is None or probability is None:
        return Judgement(Verdict.INSUFFICIENT, probability, missing or "no effective sample")
    wrong = value < rule.threshold if rule.higher_is_better else value > rule.threshold
    if wrong and probability >= rule.confidence:
        return Judgement(Verdict.WEAK, probability, f"probability {probability:.4f}")
    back = value >= rule.recovery if rule.higher_is_better else value <= rule.recovery
    if back and not wrong:
        return Judgement(Verdict.CLEAR, probability, "recovered")
    return Judgement(Verdict.UNCLEAR, probability, f"probability {probability:.4f}")


def statistics_json(statistics: Statistics, probability: float | None) -> dict[str, Any]:
    """Return a statistic as the JSON object stored with every transition and shown in answers."""
    value = statistics.value
    return {
        "first_day": statistics.first.isoformat(),
        "last_day": statistics.last.isoformat(),
        "known_at": statistics.known_at,
        "state": statistics.state,
        "value": None if value is None else round(float(value), 6),
        "numerator": statistics.numerator,
        "denominator": statistics.denominator,
        "visits": statistics.visits,
        "schools": statistics.schools,
        "n_eff": None if math.isinf(statistics.n_eff) else round(statistics.n_eff, 6),
        "interval": None if statistics.interval is None else list(statistics.interval),
        "schools_visited": statistics.schools_visited,
        "schools_registered": statistics.schools_registered,
        "newest_visit": None if statistics.newest is None else statistics.newest.isoformat(),
        "new_visits": statistics.new_visits,
        "definition": statistics.definition,
        "names": statistics.names,
        "probability": None if probability is None else round(probability, 6),
    }
