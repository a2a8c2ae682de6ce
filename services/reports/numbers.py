"""How numbers are written on a card: rounded half up, once, from exact fractions (pure).

Digits are Western in every language; isolating them in right-to-left text is left to the page.
"""

from fractions import Fraction

UNDEFINED = "–"
MINUS = "−"
_MOST_DECIMALS = 3


def _units(value: Fraction, decimals: int) -> int:
    """A fraction in units of the last decimal, rounded half away from zero once, in integers."""
    doubled = 2 * value.denominator
    units: int = (2 * abs(value.numerator) * 10**decimals + value.denominator) // doubled
    return -units if value < 0 else units


def half_up(value: Fraction, decimals: int = 0) -> str:
    """A fraction as a decimal number, rounded half away from zero once."""
    units = _units(value, decimals)
    whole, rest = divmod(abs(units), 10**decimals)
    digits = f"{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")
    return f"{MINUS}{digits}" if units < 0 else digits


def rounded(value: Fraction, decimals: int) -> Fraction:
    """The number that `half_up` writes, as a fraction."""
    return Fraction(_units(value, decimals), 10**decimals)


def decimals_of(share: Fraction, most: int = _MOST_DECIMALS) -> int:
    """The decimals, up to `most`, that write a share exactly as a percentage."""
    return next((d for d in range(most) if rounded(share * 100, d) == share * 100), most)


def decimals_beside(share: Fraction, mark: Fraction | None, *, lower: bool = False) -> int:
    """The decimals a percentage needs so that rounding does not hide its side of `mark`.

    0, and one more as long as the written number would miss a mark that is reached, or reach one
    that is missed: 79.6 % beside a target of 80 % is written 79.6, not 80. `lower`: a share above
    the mark misses it.
    """
    if mark is None:
        return 0
    missed = share > mark if lower else share < mark
    for decimals in range(_MOST_DECIMALS):
        # Cross-multiplied: a card asks this a thousand times, and fractions are slow.
        written = _units(share * 100, decimals) * mark.denominator
        goal = mark.numerator * 100 * 10**decimals
        if (written > goal if lower else written < goal) == missed:
            return decimals
    return _MOST_DECIMALS


def whole_percent(share: Fraction) -> int:
    """A share as a whole percentage, as it is printed beside no target."""
    return _units(share * 100, 0)


def percent(share: Fraction | None, mark: Fraction | None = None, *, lower: bool = False) -> str:
    """A share as a percentage beside `mark`; a dash when undefined."""
    if share is None:
        return UNDEFINED
    return f"{half_up(share * 100, decimals_beside(share, mark, lower=lower))}%"


def target_percent(share: Fraction) -> str:
    """A target as a percentage, with the decimals it was set with."""
    return f"{half_up(share * 100, decimals_of(share))}%"


def points(change: Fraction | None, *, near: bool = False) -> str:
    """A change in percentage points with its sign; a dash when undefined.

    `near`: with one decimal where whole points would say that there is none.
    """
    if change is None:
        return UNDEFINED
    text = half_up(change * 100)
    if near and text == "0" and change != 0:
        text = half_up(change * 100, 1)
        if text in {"0.0", f"{MINUS}0.0"}:
            return "0"
    return text if text.startswith(MINUS) or text == "0" else f"+{text}"


def count(number: int) -> str:
    """A count with thousands separated."""
    return f"{number:,}"


def six(share: Fraction | None) -> float | None:
    """A share on the wire: six decimals, rounded half up."""
    return None if share is None else _units(share, 6) / 1_000_000
