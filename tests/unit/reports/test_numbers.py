from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.numbers import (
    count,
    decimals_of,
    half_up,
    percent,
    points,
    rounded,
    six,
    target_percent,
)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (Fraction(1, 2), 0, "1"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(-5, 2), 0, "−3"),
        (Fraction(-1, 4), 0, "0"),
        (Fraction(12345678, 10), 0, "1,234,568"),
        (Fraction(2, 3), 2, "0.67"),
        (Fraction(1, 200), 2, "0.01"),
    ],
)
def test_halves_go_up_once(value, decimals, text):
    assert half_up(value, decimals) == text


def test_a_figure_is_not_rounded_twice():
    # 74.45 would become 74.5 and then 75 in two steps.
    assert percent(Fraction(7445, 10000)) == "74%"
    assert percent(Fraction(745, 1000)) == "75%"


@pytest.mark.parametrize(
    ("share", "mark", "lower", "text"),
    [
        ("0.796", "0.8", False, "79.6%"),
        ("0.7996", "0.8", False, "79.96%"),
        ("0.804", "0.8", False, "80%"),
        ("0.8", "0.8", False, "80%"),
        ("0.79", "0.8", False, "79%"),
        ("0.756", "0.755", False, "76%"),
        ("0.7545", "0.755", False, "75%"),
        ("0.7554", "0.755", False, "76%"),
        ("0.204", "0.2", True, "20.4%"),
        ("0.196", "0.2", True, "20%"),
    ],
)
def test_a_decimal_is_added_only_where_rounding_would_hide_the_side(share, mark, lower, text):
    assert percent(Fraction(share), Fraction(mark), lower=lower) == text


@given(
    st.fractions(0, 1, max_denominator=5000),
    st.integers(0, 1000).map(lambda n: Fraction(n, 1000)),
    st.booleans(),
)
def test_what_is_written_is_on_the_side_of_the_target_where_the_figure_is(share, mark, lower):
    text = percent(share, mark, lower=lower).removesuffix("%")
    shown = Fraction(text.replace(",", "")) / 100
    if abs(share - mark) >= Fraction(1, 100_000):
        assert (shown > mark if lower else shown < mark) == (
            share > mark if lower else share < mark
        )


def test_undefined_is_a_dash_and_changes_carry_their_sign():
    assert percent(None) == "–"
    assert points(None) == "–"
    assert points(Fraction(26, 1000)) == "+3"
    assert points(Fraction(-26, 1000)) == "−3"
    assert points(Fraction(4, 1000)) == "0"
    assert points(Fraction(-4, 1000)) == "0"
    assert count(57158) == "57,158"


def test_targets_keep_the_decimals_they_were_set_with():
    assert target_percent(Fraction("0.75")) == "75%"
    assert target_percent(Fraction("0.755")) == "75.5%"
    assert decimals_of(Fraction(1, 3)) == 3


def test_six_decimals_on_the_wire():
    assert six(None) is None
    assert six(Fraction(2, 3)) == 0.666667
    assert rounded(Fraction(1, 8), 2) == Fraction(13, 100)
