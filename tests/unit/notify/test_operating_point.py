"""The published operating point holds: few false alarms, a real drop is told in time."""

from statistics import median

from tests.unit.notify.operating_point import delays, false_alarms


def test_a_healthy_district_is_left_in_peace() -> None:
    assert false_alarms(0.76, 20, runs=25) <= 0.2


def test_a_drop_of_twelve_points_is_told_within_three_windows() -> None:
    assert median(delays(0.74, 0.62, 20, runs=25)) <= 3 * 28
