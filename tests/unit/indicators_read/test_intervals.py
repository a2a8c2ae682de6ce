"""The intervals: equal to the shared formula, and to numbers worked out by hand."""

import math

import numpy as np
import pytest

from services.indicators import intervals
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


def test_unequal_visits_count_as_unequal_sizes_do() -> None:
    # Visits 1, 1, 4: mean 2, variance 2, so the squared coefficient of variation is 1/2.
    found = intervals.unevenness(np.array([6, 6, 0]), np.array([3, 3, 0]), np.array([18, 12, 0]))
    assert found.tolist() == pytest.approx([0.5, 0.0, 0.0])
    # m = 12; deff = 1 + (12 × 1.25 × 1.5 − 1) × 0.1 = 3.15
    assert intervals.clustered(126, 10.5, 0.1, 0.25, 0.5) == pytest.approx(40.0)
