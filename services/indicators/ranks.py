"""Places among siblings: from figures to the rule of `shared.domain.ranks`. Pure."""

from collections.abc import Sequence
from fractions import Fraction

from services.indicators.figures import MILLION
from shared.clients.figure_answers import Figure, Rank
from shared.domain.ranks import Measured
from shared.domain.ranks import ranks as places


def ranks(figures: Sequence[Figure], *, lower_is_better: bool = False) -> list[Rank | None]:
    """The rank of each figure among those with a value; None for the others.

    A count without a denominator ranks by its numerator.
    """
    found = places([_measured(figure) for figure in figures], lower_is_better=lower_is_better)
    return [
        None
        if rank is None
        else {"position": rank.position, "of": rank.of, "low": rank.low, "high": rank.high}
        for rank in found
    ]


def _measured(figure: Figure) -> Measured | None:
    if figure["state"] != "value":
        return None
    value = Fraction(figure["numerator"], figure["denominator"] or 1)
    low, high = figure["interval"] or (0.0, 0.0)
    if low == high:  # nothing is left unknown: the six decimals of the ends say less than the ratio
        return Measured(value, value, value)
    return Measured(value, *(Fraction(round(end * MILLION), MILLION) for end in (low, high)))
