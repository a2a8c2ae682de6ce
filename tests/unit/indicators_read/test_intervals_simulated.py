"""Simulated truths: a 90 % interval holds the truth in 87 to 93 of 100 cases, in every shape.

That is asserted of every indicator at the circular's values, however few schools are visited and
however unequally. Of rare values (2 to 14 of 100, or 92 and more), where fewer than FEW effective
answers of the rarer kind are to be expected, it is 87 to 94: answers come whole, so no interval can
be that exact there, and this one errs to the careful side.

The model is that of 04 §6. Each school has a rate of its own (beta, with the ICC) and a size of its
own (lognormal, with the cv²); its persons are counted again at every visit. The truth is drawn
anew in each run, so that no single number's divisors decide. Everything is seeded.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from services.indicators import intervals
from services.indicators.definition_file import shipped
from services.indicators.intervals import Floats, Integers, Resemblance
from services.indicators.nightly import MOST_SCHOOLS
from services.indicators.resemblance import estimate

RUNS, MORE_RUNS = 5_000, 15_000
"""Simulations of each shape; of the smallest, which lie nearest to the limit, more."""
NIGHTS = 8
LEAST, MOST, CAREFUL = 0.87, 0.93, 0.94
FEW = 5
RARE, COMMON = ((0.02, 0.08), (0.06, 0.14), (0.92, 0.98)), ((0.3, 0.5), (0.5, 0.7))
SHAPES = ((5, 2), (5, 12), (8, 3), (15, 4), (30, 2), (60, 1), (60, 4))
Random = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """An indicator: how alike, the circular's value, how many answers a school gives at a visit."""

    alike: Resemblance
    truth: float
    size: int


def alike(code: str) -> Resemblance:
    """The constants of a shipped definition."""
    return shipped().current[code].resemblance


FLOWS = {
    "students": Kind(alike("student_attendance"), 0.74, 90),
    "teachers": Kind(alike("teacher_attendance"), 0.71, 5),
    "non_teaching": Kind(alike("non_teaching_attendance"), 0.86, 3),
    "environment": Kind(alike("learning_environment"), 0.36, 9),
    "officials": Kind(alike("official_visits"), 0.70, 1),
}
STOCKS = {
    "rooms": Kind(alike("usable_rooms"), 0.82, 5),
    "toilets": Kind(alike("usable_toilets"), 0.48, 3),
    "each_school_once": Kind(Resemblance(0.0, 0.0), 0.5, 1),
}


@dataclass(frozen=True)
class Held:
    """How often the truth was held, and how many effective answers of the rarer kind there were."""

    share: float
    rarer: float

    @property
    def well(self) -> bool:
        """Whether it was held as often as is promised of every shape."""
        return LEAST <= self.share <= MOST

    @property
    def carefully(self) -> bool:
        """Whether it was held as often as is promised where answers of a kind are few."""
        return LEAST <= self.share <= (MOST if self.rarer >= FEW else CAREFUL)


def runs(schools: int) -> int:
    """How many simulations of so many schools: about as many schools in all."""
    return max(RUNS, min(MORE_RUNS, 60 * RUNS // schools))


def around(kind: Kind) -> tuple[float, float]:
    return kind.truth - 0.06, kind.truth + 0.06


def truths(between: tuple[float, float], runs: int, rng: Random) -> Floats:
    return rng.uniform(*between, (runs, 1))


def answered(kind: Kind, truth: Floats, visits: Integers, rng: Random) -> tuple[Integers, Integers]:
    """What each school answers: numerators and denominators, of the shape of `visits`."""
    sigma = math.sqrt(math.log1p(kind.alike.cv2))
    spread = rng.lognormal(-(sigma**2) / 2, sigma, visits.shape)
    counted = np.maximum(1, np.rint(kind.size * spread)).astype(np.int64) * visits
    rate = np.broadcast_to(truth, visits.shape)
    if kind.alike.icc > 0:
        strength = 1 / kind.alike.icc - 1
        rate = rng.beta(rate * strength, (1 - rate) * strength)
    return rng.binomial(counted, rate), counted


def share_held(truth: Floats, share: Floats, n_eff: Floats) -> float:
    low, high = intervals.wilson(share, n_eff, 0.9)
    return float(np.mean((low <= truth) & (truth <= high)))


def flow_coverage(
    kind: Kind,
    visits: Integers,
    rng: Random,
    alike: Resemblance | None = None,
    between: tuple[float, float] | None = None,
) -> Held:
    """How often the interval holds the long-run rate of schools such as those visited."""
    runs, schools = visits.shape
    truth = truths(between or around(kind), runs, rng)
    present, counted = answered(kind, truth, visits, rng)
    uneven = intervals.unevenness(
        visits.sum(axis=1), np.full(runs, schools), (visits**2).sum(axis=1)
    )
    used = alike or kind.alike
    total = counted.sum(axis=1)
    n_eff = intervals.clustered(total, np.full(runs, schools), used.icc, used.cv2, uneven)
    rarer = float(np.mean(n_eff[:, None] * np.minimum(truth, 1 - truth)))
    return Held(share_held(truth[:, 0], present.sum(axis=1) / total, n_eff), rarer)


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(("schools", "visits"), SHAPES)
def test_schools_visited_equally_often(name: str, schools: int, visits: int) -> None:
    rng = np.random.default_rng(schools * 100 + visits)
    held = flow_coverage(FLOWS[name], np.full((runs(schools), schools), visits), rng)
    assert held.well, held


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(("schools", "mean"), [(10, 2), (15, 4), (30, 2), (60, 4), (120, 6)])
def test_schools_visited_very_unequally_often(name: str, schools: int, mean: int) -> None:
    # Some schools once, a few twenty times: forgetting that would hold as few as 80 in 100.
    rng = np.random.default_rng(schools + mean)
    visits = rng.geometric(1 / mean, (runs(schools), schools)).astype(np.int64)
    held = flow_coverage(FLOWS[name], visits, rng)
    assert held.well, held


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("between", RARE + COMMON)
def test_rare_and_common_values(name: str, between: tuple[float, float]) -> None:
    rng = np.random.default_rng(int(between[0] * 100))
    shapes = ((5, 2), (15, 4), (60, 1))
    equally = [np.full((runs(schools), schools), visits) for schools, visits in shapes]
    unequally = rng.geometric(1 / 4, (RUNS, 30)).astype(np.int64)
    for visits in (*equally, unequally):
        held = flow_coverage(FLOWS[name], visits, rng, between=between)
        assert held.carefully if between in RARE else held.well, (visits.shape, held)


@pytest.mark.parametrize("name", FLOWS)
def test_without_clustering_far_fewer_would_hold(name: str) -> None:
    # The check can fail: as if every answer stood for itself.
    rng = np.random.default_rng(3)
    alone = Resemblance(icc=0.0, cv2=0.0)
    held = flow_coverage(FLOWS[name], np.full((RUNS, 5), 12), rng, alone)
    assert held.share < 0.75


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(("schools", "times"), [(5, 12), (15, 4), (60, 1)])
def test_with_the_resemblance_estimated_from_other_schools(
    name: str, schools: int, times: int
) -> None:
    # Over several nights: one night's estimate may be a little high or low, for many answers.
    kind, rng = FLOWS[name], np.random.default_rng(schools + times)
    shares = []
    for _ in range(NIGHTS):
        visits = rng.geometric(1 / 4, MOST_SCHOOLS).astype(np.int64)
        found = estimate(*answered(kind, np.full(1, kind.truth), visits, rng), visits)
        assert found is not None
        some = np.full((runs(schools) // NIGHTS, schools), times)
        shares.append(flow_coverage(kind, some, rng, found.resemblance).share)
    assert LEAST <= float(np.mean(shares)) <= MOST, shares


def sampled(runs: int, population: int, seen: int, rng: Random) -> NDArray[np.bool_]:
    """Which schools of each population are seen."""
    order = rng.random((runs, population)).argsort(axis=1)
    return order < seen


@pytest.mark.parametrize("name", STOCKS)
@pytest.mark.parametrize(
    ("population", "seen"), [(20, 10), (40, 30), (60, 30), (200, 40), (90, 80)]
)
def test_a_stock_of_a_finite_population(name: str, population: int, seen: int) -> None:
    kind, rng = STOCKS[name], np.random.default_rng(population + seen)
    truth = truths(around(kind), RUNS, rng)
    once = np.ones((RUNS, population), np.int64)
    usable, available = answered(kind, truth, once, rng)
    chosen = sampled(RUNS, population, seen, rng)
    top = np.where(chosen, usable, 0).sum(axis=1)
    whole = np.where(chosen, available, 0).sum(axis=1)
    n_eff = intervals.clustered(whole, np.full(RUNS, seen), kind.alike.icc, kind.alike.cv2)
    finite = intervals.of_finite(n_eff, np.full(RUNS, seen), np.full(RUNS, population))
    real = usable.sum(axis=1) / available.sum(axis=1)
    assert LEAST <= share_held(real, top / whole, finite) <= MOST


def test_when_every_school_is_seen_the_interval_is_the_value() -> None:
    n_eff = intervals.of_finite(np.array([12.5]), np.array([30]), np.array([30]))
    low, high = intervals.wilson(np.array([0.4]), n_eff, 0.9)
    assert (low[0], high[0]) == (0.4, 0.4)
