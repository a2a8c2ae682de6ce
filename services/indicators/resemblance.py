"""How alike the answers of one school are, estimated from what schools answered (04 §6). Pure.

Owns the estimate from each school's sums, and its bounds. When it is made and kept is `estimates`';
what the numbers do to an interval is `intervals`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from services.indicators.intervals import Floats, Integers, Resemblance

LEAST_SCHOOLS = 30
"""Schools needed for an estimate; with fewer, what was used before stays."""
ICC_BOUNDS = (0.01, 0.60)
CV2_BOUNDS = (0.0, 2.0)
"""An estimate outside is drawn to the nearer bound: no night makes intervals vanish or explode."""


@dataclass(frozen=True, slots=True)
class Alike:
    """The estimates in force by indicator and version of its definition, and their newest night.

    `version` is that night as an ISO date, None before the first estimate. A definition that is not
    among them has its constants.
    """

    version: str | None = None
    of: Mapping[tuple[str, int], Resemblance] = field(default_factory=dict)


DOCUMENTED = Alike()
"""No estimate: every definition has its constants."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and what it was made from: schools that answered, and their answers."""

    resemblance: Resemblance
    schools: int
    answers: int


def estimate(numerator: Integers, denominator: Integers, times: Integers) -> Estimate | None:
    """Estimate from each school's sums and the number of its visits that answered.

    `icc` is the estimator of the analysis of variance for binary answers in clusters of unequal
    size (Ridout, Demétrio and Firth, Biometrics 55, 1999), `cv2` the squared coefficient of
    variation of the answers a school gives at one visit. Both within their bounds. None with fewer
    than LEAST_SCHOOLS schools, or when no answer differs from another or no school gives two.
    """
    chosen = denominator > 0
    y, n = numerator[chosen].astype(np.float64), denominator[chosen].astype(np.float64)
    schools, answers = int(n.size), float(n.sum())
    if schools < LEAST_SCHOOLS or answers <= schools:
        return None
    icc = _between(y, n)
    if icc is None:
        return None
    size = n / np.maximum(times[chosen], 1)
    cv2 = float(size.var() / size.mean() ** 2)
    found = Resemblance(icc=_within(icc, ICC_BOUNDS), cv2=_within(cv2, CV2_BOUNDS))
    return Estimate(found, schools, int(answers))


def _between(y: Floats, n: Floats) -> float | None:
    """The share of the variance that lies between schools."""
    schools, answers = n.size, float(n.sum())
    rate, overall = y / n, float(y.sum()) / answers
    between = float((n * (rate - overall) ** 2).sum()) / (schools - 1)
    within = float((n * rate * (1.0 - rate)).sum()) / (answers - schools)
    size = (answers - float((n**2).sum()) / answers) / (schools - 1)
    total = between + (size - 1.0) * within
    return (between - within) / total if total > 0 else None


def _within(value: float, bounds: tuple[float, float]) -> float:
    """A value drawn to its bounds, to six decimals: as it is kept."""
    return round(min(max(value, bounds[0]), bounds[1]), 6)
