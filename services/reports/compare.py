"""Comparisons on a card: target, distance, grade, rank, siblings, change (pure).

Integers and exact fractions are compared, never rounded numbers. What is shown of them, and how it
is worded, is left to the formats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import sqrt

from services.reports.figures import Figure, Indicator, Target
from services.reports.numbers import whole_percent
from shared.domain.ranks import Measured, Rank, ranks

MET, ON_TRACK, OFF_TRACK, CANNOT_TELL = "met", "on_track", "off_track", "cannot_tell"

GRADES: tuple[tuple[str, int], ...] = (("A", 85), ("B", 70), ("C", 55), ("D", 40))
"""Least whole percentage for each grade; below the last it is E."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The lowest, the middle and the highest value among siblings."""

    lowest: Fraction
    middle: Fraction
    highest: Fraction


def target_for(
    targets: Mapping[tuple[str, str, str | None], Sequence[Target]],
    chain: Sequence[str],
    figure: Figure,
    day: date,
) -> Target | None:
    """The target in force on `day`: the nearest unit of `chain` (own first) that has one.

    Of several of one unit the latest begun wins; a target whose time is over stays due.
    """
    for unit_id in chain:
        begun = [
            target
            for target in targets.get((unit_id, figure.indicator, figure.split), ())
            if target.first is None or target.first <= day
        ]
        if begun:
            return max(
                begun, key=lambda target: (target.first or date.min, target.last or date.max)
            )
    return None


def expected(target: Target, day: date) -> Fraction:
    """Where the straight path from baseline to target stands on `day`."""
    if target.baseline is None or target.first is None or target.last is None:
        return target.target
    if day >= target.last or target.last <= target.first:
        return target.target
    done = Fraction((day - target.first).days, (target.last - target.first).days)
    return target.baseline + (target.target - target.baseline) * done


def status(figure: Figure, target: Target | None, day: date, indicator: Indicator) -> str | None:
    """How a figure stands against its target; None without a target.

    met: the whole interval is at or beyond the target; off_track: the whole interval is short of
    the path on `day`; on_track: the whole interval is at or beyond the path; otherwise, and for a
    figure that is undefined or not reliable, cannot_tell.
    """
    if target is None:
        return None
    bounds = figure.bounds
    if bounds is None or not figure.reliable:
        return CANNOT_TELL
    goal, path = target.target, expected(target, day)
    low, high = bounds
    if indicator.lower_is_better:
        low, high, goal, path = -high, -low, -goal, -path
    if low >= goal:
        return MET
    if high < path:
        return OFF_TRACK
    return ON_TRACK if low >= path else CANNOT_TELL


def grade(figure: Figure, indicator: Indicator) -> str | None:
    """A to E by fixed limits (GRADES); None when undefined, unreliable, or a count.

    The whole percentage decides, rounded half up as it is printed, so that "70%" and "B from 70%"
    never contradict each other. Where lower is better, what is missing to 100 counts.
    """
    share = figure.share
    if share is None or not figure.reliable:
        return None
    printed = whole_percent(share)
    good = 100 - printed if indicator.lower_is_better else printed
    return next((letter for letter, least in GRADES if good >= least), "E")


def change(now: Figure, before: Figure | None) -> Fraction | None:
    """Share now minus share before, exactly; None when either is undefined."""
    if before is None or now.share is None or before.share is None:
        return None
    return now.share - before.share


def clear_change(now: Figure, before: Figure | None) -> bool:
    """Whether a change is larger than the uncertainty of both figures together.

    Each half interval is one error; two independent errors add as the root of their squares.
    """
    moved = change(now, before)
    if moved is None or before is None or not (now.reliable and before.reliable):
        return False
    halves = [(bounds[1] - bounds[0]) / 2 for bounds in (now.bounds, before.bounds) if bounds]
    return abs(moved) > sqrt(sum(float(half) ** 2 for half in halves))


def rank(own: Figure, siblings: Sequence[Figure], indicator: Indicator) -> Rank | None:
    """The place of `own` among `siblings` (itself one of them); None when undefined or alone."""
    field = [measured for other in siblings if (measured := _measured(other)) is not None]
    mine = _measured(own)
    if mine is None or len(field) < 2:
        return None
    # Its own figure is one of them, so asking for it once more would count it twice.
    placed = ranks(field, lower_is_better=indicator.lower_is_better)
    return placed[field.index(mine)] if mine in field else None


def _measured(figure: Figure) -> Measured | None:
    share, bounds = figure.share, figure.bounds
    return None if share is None or bounds is None else Measured(share, *bounds)


def spread(siblings: Sequence[Figure]) -> Spread | None:
    """Where the values of siblings lie, nobody named; None with fewer than two of them.

    Of an even number the middle is the mean of the two in the middle.
    """
    values = sorted(share for each in siblings if (share := each.share) is not None)
    if len(values) < 2:
        return None
    half = len(values) // 2
    middle = values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
    return Spread(values[0], middle, values[-1])


def distance(figure: Figure, mark: Fraction | None) -> Fraction | None:
    """How far a figure lies above (+) or below (-) a target or path; None when undefined."""
    share = figure.share
    return None if share is None or mark is None else share - mark
