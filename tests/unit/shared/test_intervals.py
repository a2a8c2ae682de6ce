"""The interval that a card shows and the probability that an alert asks for are one statistic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.intervals import probability_below, wilson


def test_wilson_agrees_with_the_textbook() -> None:
    low, high = wilson(0.5, 100, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)
    assert wilson(0.0, 10, 0.95) == pytest.approx((0.0, 0.2775), abs=1e-4)


@given(
    st.floats(0, 1),
    st.floats(1, 10_000),
    st.floats(0.01, 0.99),
    st.floats(0.55, 0.999),
)
def test_the_upper_end_is_below_exactly_when_the_probability_says_so(
    p: float, n_eff: float, threshold: float, confidence: float
) -> None:
    upper = wilson(p, n_eff, 2 * confidence - 1)[1]
    probability = probability_below(p, n_eff, threshold)
    if abs(upper - threshold) > 1e-9:
        assert (upper < threshold) == (probability > confidence)
