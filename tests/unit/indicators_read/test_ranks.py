"""Places among siblings by hand."""

from typing import Any

from services.indicators.ranks import ranks


def figure(
    numerator: int, denominator: int | None, interval: tuple[float, float] | None, **more: Any
) -> Any:
    found = {
        "numerator": numerator,
        "denominator": denominator,
        "interval": interval,
        "state": "value",
    }
    return found | more


def test_positions_follow_the_value_and_ties_share() -> None:
    found = ranks(
        [
            figure(1, 2, (0.3, 0.7)),
            figure(9, 10, (0.8, 0.95)),
            figure(2, 4, (0.2, 0.8)),
            figure(1, 10, (0.05, 0.25)),
        ]
    )
    assert [rank["position"] for rank in found if rank] == [2, 1, 2, 4]
    assert all(rank["of"] == 4 for rank in found if rank)


def test_intervals_leave_places_open_unless_they_are_wholly_better_or_worse() -> None:
    best, middle, wide, last = ranks(
        [
            figure(90, 100, (0.85, 0.95)),
            figure(50, 100, (0.40, 0.60)),
            figure(5, 10, (0.20, 0.80)),
            figure(10, 100, (0.05, 0.15)),
        ]
    )
    assert (best["low"], best["high"]) == (1, 1)
    assert (middle["low"], middle["high"]) == (2, 3)
    assert (wide["low"], wide["high"]) == (2, 3)
    assert (last["low"], last["high"]) == (4, 4)


def test_where_lower_is_better_the_smallest_is_first() -> None:
    found = ranks([figure(9, 10, (0.8, 0.95)), figure(1, 10, (0.05, 0.2))], lower_is_better=True)
    assert [(rank["position"], rank["low"], rank["high"]) for rank in found if rank] == [
        (2, 2, 2),
        (1, 1, 1),
    ]


def test_a_unit_without_a_value_has_no_rank_and_is_not_counted() -> None:
    found = ranks([figure(0, 0, None, state="not_measured"), figure(1, 2, (0.1, 0.9))])
    assert found == [None, {"position": 1, "of": 1, "low": 1, "high": 1}]


def test_equal_thirds_tie_exactly() -> None:
    found = ranks([figure(1, 3, (0.1, 0.6)), figure(33, 99, (0.3, 0.4))])
    assert [rank["position"] for rank in found if rank] == [1, 1]


def test_counts_rank_by_their_number() -> None:
    found = ranks([figure(7, None, None), figure(12, None, None)])
    assert [rank["position"] for rank in found if rank] == [2, 1]
