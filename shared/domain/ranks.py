"""Places among siblings, and how far the intervals leave them open (04 §6). Pure.

The one rule of ranks, for lists of figures and for cards.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and both ends of its interval; a value without uncertainty has it three times."""

    value: Fraction
    low: Fraction
    high: Fraction

    def turned(self) -> "Measured":
        """The same where a smaller value is the better one."""
        return Measured(-self.value, -self.high, -self.low)


@dataclass(frozen=True, slots=True)
class Rank:
    """A position among `of` siblings, 1 being the best, and the positions the evidence allows."""

    position: int
    of: int
    low: int
    high: int


def ranks(field: Sequence[Measured | None], *, lower_is_better: bool = False) -> list[Rank | None]:
    """The rank of each among those with a value; None for the others.

    Ties share a position. `low` is 1 + the number of intervals wholly better, `high` is their
    number - those wholly worse.
    """
    turned = [each if each is None or not lower_is_better else each.turned() for each in field]
    known = [each for each in turned if each is not None]
    values = sorted(each.value for each in known)
    lows, highs = sorted(each.low for each in known), sorted(each.high for each in known)
    count = len(known)
    return [
        None
        if each is None
        else Rank(
            position=1 + count - bisect_right(values, each.value),
            of=count,
            low=1 + count - bisect_right(lows, each.high),
            high=count - bisect_left(highs, each.low),
        )
        for each in turned
    ]
