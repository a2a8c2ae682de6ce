from datetime import date
from fractions import Fraction

import pytest

from services.reports.compare import (
    change,
    clear_change,
    expected,
    grade,
    rank,
    status,
    target_for,
)
from services.reports.figures import Indicator, Target
from tests.unit.reports.builders import a_figure

HIGHER = Indicator("student_attendance")
LOWER = Indicator("schools_without_toilet", direction="lower")
DAY = date(2019, 7, 1)


def a_target(
    target="0.8", baseline="0.6", unit="PK-BA", first=date(2018, 7, 1), last=date(2020, 7, 1)
):
    return Target(
        "student_attendance",
        None,
        unit,
        first,
        last,
        None if baseline is None else Fraction(baseline),
        Fraction(target),
    )


def test_the_path_is_straight_and_stays_at_the_target():
    target = a_target()
    assert expected(target, date(2018, 7, 1)) == Fraction("0.6")
    assert expected(target, DAY) == Fraction("0.6") + Fraction("0.2") * Fraction(365, 731)
    assert expected(target, date(2021, 1, 1)) == Fraction("0.8")
    assert expected(a_target(baseline=None), DAY) == Fraction("0.8")


@pytest.mark.parametrize(
    ("numerator", "interval", "word"),
    [
        (90, (0.85, 0.94), "met"),
        (82, (0.78, 0.86), "on_track"),
        (72, (0.68, 0.76), "cannot_tell"),
        (60, (0.55, 0.65), "off_track"),
        (80, (0.80, 0.80), "met"),
    ],
)
def test_status_asks_where_the_whole_interval_lies(numerator, interval, word):
    figure = a_figure(numerator, 100, interval=interval)
    assert status(figure, a_target(), DAY, HIGHER) == word


def test_where_lower_is_better_status_is_turned_round():
    target = a_target(target="0.1", baseline="0.3")
    assert status(a_figure(5, 100, interval=(0.03, 0.08)), target, DAY, LOWER) == "met"
    assert status(a_figure(40, 100, interval=(0.33, 0.47)), target, DAY, LOWER) == "off_track"
    assert status(a_figure(15, 100, interval=(0.12, 0.18)), target, DAY, LOWER) == "on_track"
    assert status(a_figure(20, 100, interval=(0.15, 0.26)), target, DAY, LOWER) == "cannot_tell"


def test_an_undefined_or_unreliable_figure_cannot_tell_and_no_target_says_nothing():
    good = a_figure(95, 100, interval=(0.9, 0.99))
    assert status(good, None, DAY, HIGHER) is None
    weak = a_figure(95, 100, interval=(0.9, 0.99), reliable=False)
    assert status(weak, a_target(), DAY, HIGHER) == "cannot_tell"
    nothing = a_figure(0, 0, state="not_measured", interval=None)
    assert status(nothing, a_target(), DAY, HIGHER) == "cannot_tell"


def test_a_census_on_the_target_has_met_it_whatever_its_float_says():
    # 1/3 as a six-decimal interval is below one third; the integers are not.
    figure = a_figure(1, 3, interval=(0.333333, 0.333333))
    target = Target("student_attendance", None, "PK-BA", None, None, None, Fraction(1, 3))
    assert status(figure, target, DAY, HIGHER) == "met"


def test_the_nearest_unit_with_a_target_wins_and_the_latest_begun_of_it():
    key = ("student_attendance", None)
    old = a_target("0.7", unit="BA-QTA", first=date(2018, 1, 1), last=date(2018, 12, 31))
    new = a_target("0.75", unit="BA-QTA", first=date(2019, 1, 1))
    later = a_target("0.9", unit="BA-QTA", first=date(2020, 1, 1))
    province = a_target("0.8")
    book = {("BA-QTA", *key): [new, old, later], ("PK-BA", *key): [province]}
    chain = ["BA-QTA", "BA-QTA-DIV", "PK-BA"]
    assert target_for(book, chain, a_figure(), DAY) is new
    assert target_for(book, chain[1:], a_figure(), DAY) is province
    assert target_for(book, chain, a_figure(split="boys"), DAY) is None
    assert target_for(book, chain, a_figure(), date(2018, 12, 31)) is old
    assert target_for({}, chain, a_figure(), DAY) is None


@pytest.mark.parametrize(
    ("numerator", "letter"),
    [(85, "A"), (84, "B"), (70, "B"), (69, "C"), (55, "C"), (54, "D"), (40, "D"), (39, "E")],
)
def test_grades_have_fixed_limits(numerator, letter):
    assert grade(a_figure(numerator, 100), HIGHER) == letter


def test_a_grade_agrees_with_the_percentage_that_is_printed():
    assert grade(a_figure(6982, 10_000), HIGHER) == "B"
    assert grade(a_figure(6949, 10_000), HIGHER) == "C"


def test_grades_know_direction_and_say_nothing_of_weak_figures():
    assert grade(a_figure(10, 100), LOWER) == "A"
    assert grade(a_figure(reliable=False), HIGHER) is None
    assert grade(a_figure(12, None, indicator="visits_made"), HIGHER) is None


def test_a_change_is_clear_when_it_exceeds_both_uncertainties():
    now = a_figure(80, 100, interval=(0.76, 0.84))
    before = a_figure(70, 100, interval=(0.66, 0.74))
    near = a_figure(77, 100, interval=(0.73, 0.81))
    assert change(now, before) == Fraction(1, 10)
    assert clear_change(now, before)
    assert not clear_change(now, near)
    assert change(now, None) is None
    assert not clear_change(now, None)
    assert change(now, a_figure(0, 0, state="not_measured")) is None


def test_ranks_share_ties_and_give_the_places_the_intervals_allow():
    best = a_figure(90, 100, interval=(0.86, 0.94))
    own = a_figure(70, 100, interval=(0.62, 0.78))
    tie = a_figure(140, 200, interval=(0.66, 0.74))
    worst = a_figure(30, 100, interval=(0.22, 0.38))
    unknown = a_figure(0, 0, state="not_measured")
    field = [best, own, tie, worst, unknown]
    placed = rank(own, field, HIGHER)
    assert placed is not None
    assert (placed.position, placed.of, placed.low, placed.high) == (2, 4, 2, 3)
    turned = rank(own, field, LOWER)
    assert turned is not None
    assert (turned.position, turned.of, turned.low, turned.high) == (2, 4, 2, 3)
    assert rank(unknown, field, HIGHER) is None
    assert rank(own, [own], HIGHER) is None
