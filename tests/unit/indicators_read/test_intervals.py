"""The intervals: equal to the shared formula, and right about as often as they say."""

import math

import numpy as np
import pytest

from services.indicators import intervals
from services.indicators.intervals import Resemblance
from shared.domain.intervals import wilson as wilson_of_one


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.71, 1.0])
@pytest.mark.parametrize("n_eff", [0.7, 5.0, 33.3, 4_000.0, math.inf])
def test_arrays_and_single_numbers_have_one_interval(share: float, n_eff: float) -> None:
    low, high = intervals.wilson(np.array([share]), np.array([n_eff]), 0.9)
    assert (low[0], high[0]) == pytest.approx(wilson_of_one(share, n_eff, 0.9), abs=1e-12)


def test_without_answers_there_is_no_interval() -> None:
    low, high = intervals.wilson(np.array([0.5]), np.array([0.0]), 0.9)
    assert np.isnan(low[0])
    assert np.isnan(high[0])


def test_the_design_effect_by_hand() -> None:
    # m = 12; deff = 1 + (12 × 1.25 − 1) × 0.1 = 2.4
    assert intervals.clustered(120, 10, 0.1, 0.25) == pytest.approx(50.0)
    assert intervals.clustered(0, 0, 0.1, 0.25) == 0.0
    assert intervals.clustered(3, 3, 0.1, 0.0) == pytest.approx(3.0)


def test_the_finite_population_by_hand() -> None:
    found = intervals.of_finite(np.array([11.0, 8.0, 0.0]), [11, 8, 0], [21, 8, 5])
    assert found.tolist() == [22.0, math.inf, 0.0]


ALL = {
    "students": (intervals.STUDENTS, 0.74, 90),
    "teachers": (intervals.TEACHERS, 0.71, 5),
    "non_teaching": (intervals.NON_TEACHING, 0.86, 2),
    "environment": (intervals.ENVIRONMENT, 0.36, 9),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("schools", "visits"), [(5, 2), (5, 12), (8, 3), (15, 4), (60, 1)])
def test_the_interval_holds_the_truth_about_nine_times_in_ten(
    name: str, schools: int, visits: int
) -> None:
    alike, truth, size = ALL[name]
    held = coverage(alike, truth, size, schools, visits, np.random.default_rng(7))
    assert 0.87 <= held <= 0.935


def coverage(
    alike: Resemblance,
    truth: float,
    size: int,
    schools: int,
    visits: int,
    rng: np.random.Generator,
    runs: int = 6_000,
) -> float:
    """How often the interval holds the long-run rate of schools such as those that were visited.

    Each school has a rate of its own (beta, with the ICC) and a size of its own (lognormal, with
    the cv²); its persons are counted again at every visit.
    """
    sigma = math.sqrt(math.log1p(alike.cv2))
    persons = np.maximum(
        1, np.rint(size * rng.lognormal(-(sigma**2) / 2, sigma, (runs, schools)))
    ).astype(int)
    strength = 1 / alike.icc - 1
    rate = rng.beta(truth * strength, (1 - truth) * strength, (runs, schools))
    present = rng.binomial(persons * visits, rate).sum(axis=1)
    counted = (persons * visits).sum(axis=1)
    n_eff = intervals.clustered(counted, np.full(runs, schools), alike.icc, alike.cv2)
    low, high = intervals.wilson(present / counted, n_eff, 0.9)
    return float(np.mean((low <= truth) & (truth <= high)))
