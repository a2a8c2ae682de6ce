"""Estimates of how alike a school's answers are: near the truth, within bounds, or none at all."""

import math

import numpy as np
import pytest

from services.indicators.intervals import Resemblance
from services.indicators.resemblance import CV2_BOUNDS, ICC_BOUNDS, LEAST_SCHOOLS, estimate


def schools(
    alike: Resemblance, count: int, seed: int, *, size: int = 30, mean: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(present, counted, visits) of `count` schools with a known resemblance."""
    rng = np.random.default_rng(seed)
    sigma = math.sqrt(math.log1p(alike.cv2))
    persons = np.maximum(1, np.rint(size * rng.lognormal(-(sigma**2) / 2, sigma, count)))
    visits = rng.geometric(1 / mean, count).astype(np.int64)
    strength = 1 / alike.icc - 1
    rate = rng.beta(0.7 * strength, 0.3 * strength, count)
    counted = persons.astype(np.int64) * visits
    return rng.binomial(counted, rate), counted, visits


@pytest.mark.parametrize("icc", [0.05, 0.15, 0.30])
@pytest.mark.parametrize("cv2", [0.1, 0.4])
def test_a_known_resemblance_is_found_again(icc: float, cv2: float) -> None:
    found = [estimate(*schools(Resemblance(icc, cv2), 2_000, seed)) for seed in range(6)]
    iccs = [each.resemblance.icc for each in found if each is not None]
    spread = [each.resemblance.cv2 for each in found if each is not None]
    assert len(iccs) == 6
    assert np.mean(iccs) == pytest.approx(icc, rel=0.10)
    assert np.mean(spread) == pytest.approx(cv2, rel=0.15)


def test_the_estimate_by_hand() -> None:
    # Fifteen schools 8 of 10 and fifteen 4 of 10, one visit each. Rate 0.6; between schools
    # 30 × 10 × 0.2² / 29 = 0.41379; within 15 × (1.6 + 2.4) / 270 = 0.22222; n0 = 10.
    # icc = (0.41379 − 0.22222) / (0.41379 + 9 × 0.22222) = 0.079365
    present = np.array([8, 4] * 15)
    found = estimate(present, np.full(30, 10), np.full(30, 1))
    assert found is not None
    assert found.resemblance.icc == pytest.approx(0.079365, abs=1e-6)
    assert found.resemblance.cv2 == 0.0
    assert (found.schools, found.answers) == (30, 300)


def test_an_estimate_stays_within_its_bounds() -> None:
    same = estimate(np.full(40, 5), np.full(40, 10), np.full(40, 1))
    apart = estimate(np.array([0, 10] * 20), np.full(40, 10), np.full(40, 1))
    sizes = np.array([2] * 39 + [100_000])
    uneven = estimate(sizes // 2, sizes, np.full(40, 1))
    assert same is not None
    assert apart is not None
    assert uneven is not None
    assert same.resemblance.icc == ICC_BOUNDS[0]
    assert apart.resemblance.icc == ICC_BOUNDS[1]
    assert uneven.resemblance.cv2 == CV2_BOUNDS[1]


def test_too_little_gives_no_estimate() -> None:
    few = LEAST_SCHOOLS - 1
    assert estimate(np.full(few, 5), np.full(few, 10), np.full(few, 1)) is None
    once = np.array([0, 1] * 20)
    assert estimate(once, np.full(40, 1), np.full(40, 1)) is None, "one answer a school"
    everyone = np.full(40, 10)
    assert estimate(everyone, everyone, np.full(40, 1)) is None, "no two answers differ"
    silent = np.zeros(40, np.int64)
    assert estimate(silent, silent, silent) is None
