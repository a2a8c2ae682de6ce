"""Places among siblings, and how far the intervals leave them open (04 §6). Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction

from shared.clients.figure_answers import Figure, Rank


def ranks(figures: Sequence[Figure], *, lower_is_better: bool = False) -> list[Rank | None]:
    """The rank of each figure among those with a value; None for the others.

    Ties share a position. `low` is 1 + the number of intervals wholly better, `high` is their
    number - those wholly worse. A count without a denominator ranks by its numerator.
    """
    sign = 1 if lower_is_better else -1
    values: list[Fraction] = []
    ends: list[tuple[float, float]] = []
    for figure in figures:
        if figure["state"] == "value":
            values.append(sign * _value(figure))
            low, high = figure["interval"] or (figure["numerator"], figure["numerator"])
            ends.append((low, high) if sign > 0 else (-high, -low))
    ordered = sorted(values)
    lows, highs = sorted(low for low, _ in ends), sorted(high for _, high in ends)
    found: list[Rank | None] = []
    placed = iter(zip(values, ends, strict=True))
    for figure in figures:
        if figure["state"] != "value":
            found.append(None)
            continue
        value, (low, high) = next(placed)
        found.append(
            {
                "position": 1 + bisect_left(ordered, value),
                "of": len(ordered),
                "low": 1 + bisect_left(highs, low),
                "high": bisect_right(lows, high),
            }
        )
    return found


def _value(figure: Figure) -> Fraction:
    return Fraction(figure["numerator"], figure["denominator"] or 1)
