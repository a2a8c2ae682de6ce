"""How sure a figure is: effective sample sizes and Wilson's interval, over whole arrays at once.

Owns the arithmetic of 04 §6; how much answers of one school resemble each other is told by the
definitions and, every night, by `estimates`. The same interval for one number is
`shared.domain.intervals.wilson`; a test holds the two equal. Pure.
"""

from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Sampling(Enum):
    """What one independent answer of an indicator is."""

    CLUSTERED = "clustered"  # persons, rooms, items, visits: alike within a school
    SCHOOL = "school"  # each school answers once
    CENSUS = "census"  # the register knows every school: nothing was sampled
    COUNT = "count"  # a number of visits, no share


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How alike the answers of one school are, and how much schools differ in size.

    `icc`: intra-class correlation, the share of the variance that lies between schools.
    `cv2`: squared coefficient of variation of the answers a school gives.
    """

    icc: float
    cv2: float


def clustered(denominator: Any, schools: Any, icc: Any, cv2: Any, uneven: Any = 0.0) -> Floats:
    """Effective answers among `denominator` answers that come from `schools` schools.

    n_eff = denominator / deff, deff = 1 + (m (1 + cv²) - 1) icc with m = denominator / schools,
    never under 1. `cv2` is how much schools differ in the answers of one visit, `uneven` how much
    in the number of visits; they multiply: 1 + cv² = (1 + cv2) (1 + uneven). Arrays of one shape
    (or broadcasting); 0 where there are no schools.
    """
    answers = np.asarray(denominator, dtype=np.float64)
    groups = np.asarray(schools, dtype=np.float64)
    mean = np.divide(
        answers, groups, out=np.zeros(np.broadcast(answers, groups).shape), where=groups > 0
    )
    spread = (1.0 + np.asarray(cv2)) * (1.0 + np.asarray(uneven))
    effect: Floats = np.maximum(1.0 + (mean * spread - 1.0) * icc, 1.0)
    return np.where(groups > 0, answers / effect, 0.0)


def unevenness(visits: Integers, schools: Integers, repeats: Integers) -> Floats:
    """The squared coefficient of variation of the number of visits a school got.

    `repeats` is the sum of the squared numbers of visits; 0 where nobody was visited.
    """
    mean_square = schools.astype(np.float64) * repeats
    square = visits.astype(np.float64) ** 2
    ratio = np.divide(mean_square, square, out=np.ones(square.shape), where=square > 0)
    result: Floats = np.maximum(ratio - 1.0, 0.0)
    return result


def of_finite(n_eff: Any, seen: Any, population: Any) -> Floats:
    """Grow `n_eff` because `seen` of only `population` schools answered.

    n_eff (N - 1) / (N - n); infinite when every school answered (n = N): nothing is left unknown.
    """
    size = np.asarray(n_eff, dtype=np.float64)
    n = np.asarray(seen, dtype=np.float64)
    total = np.maximum(np.asarray(population, dtype=np.float64), n)
    left = total - n
    grown = np.divide(size * (total - 1.0), left, out=np.full(size.shape, np.inf), where=left > 0)
    result: Floats = np.where(size > 0, grown, 0.0)
    return result


def wilson(share: Floats, n_eff: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Both ends of Wilson's two-sided interval, elementwise; NaN where `n_eff` is 0.

    An infinite `n_eff` gives an interval without width.
    """
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(n_eff > 0, z * z / n_eff, np.nan)
        centre = share + part / 2.0
        spread = np.sqrt(np.maximum(share * (1.0 - share), 0.0) * part + part * part / 4.0)
        scale = 1.0 + part
        low: Floats = np.maximum((centre - spread) / scale, 0.0)
        high: Floats = np.minimum((centre + spread) / scale, 1.0)
    return low, high
