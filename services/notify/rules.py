"""What a rule says, as an immutable value.

Owns the fields of a rule, their exact thresholds and which edits change its meaning. How the
wire form is checked is in `schemas`; how a statistic is judged by a rule is in `evaluate`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

SEVERITIES = ("watch", "warning", "critical")
"""Severities from the mildest to the worst."""

MARGIN = Decimal("0.03")
"""Distance between firing and recovery when a rule names none: three percentage points."""

_SILENT_EDITS = frozenset({"posts", "severity"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule: when a unit's figure is an alert, and which posts are told."""

    rule_id: str
    version: int
    indicator: str
    split: str | None
    level: str
    window: str
    below: float | None
    above: float | None
    recover_above: float | None
    recover_below: float | None
    confidence: float
    min_visits: int
    min_schools: int
    min_coverage: float
    max_age_days: int | None
    severity: Literal["watch", "warning", "critical"]
    posts: tuple[str, ...]
    enabled: bool

    @property
    def threshold(self) -> Fraction:
        """The exact fraction the figure is held against."""
        return exact(self.below if self.below is not None else self.above or 0.0)

    @property
    def recovery(self) -> Fraction:
        """The exact fraction the figure must reach again before the alert may end."""
        chosen = self.recover_above if self.below is not None else self.recover_below
        return self.threshold if chosen is None else exact(chosen)

    @property
    def higher_is_better(self) -> bool:
        """True for a rule that fires on low figures, false for one that fires on high ones."""
        return self.below is not None

    @property
    def severity_rank(self) -> int:
        """Position of the severity, 0 for the mildest."""
        return SEVERITIES.index(self.severity)


def exact(number: float) -> Fraction:
    """Return the fraction a person meant by a decimal number (0.7 is 7/10, not a binary float)."""
    return Fraction(Decimal(repr(number)))


def to_json(rule: Rule) -> dict[str, Any]:
    """Return the rule as JSON values, the form in which it is stored and answered."""
    body = asdict(rule)
    body["posts"] = list(rule.posts)
    return body


def from_json(body: dict[str, Any]) -> Rule:
    """Return the rule that `to_json` wrote."""
    return Rule(**{**body, "posts": tuple(body["posts"])})


def changed_fields(old: Rule, new: Rule) -> frozenset[str]:
    """Return the names of the fields in which two versions of a rule differ."""
    before, after = to_json(old), to_json(new)
    return frozenset(k for k in before if k != "version" and before[k] != after[k])


def supersedes(old: Rule, new: Rule) -> bool:
    """Return whether an edit changes what an alert means, so that open alerts must be closed.

    Who is told and how severe it is may change under an open alert; what is measured, where,
    over which days, against which number and on how much evidence may not.
    """
    return bool(changed_fields(old, new) - _SILENT_EDITS)
