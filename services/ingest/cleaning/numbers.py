"""Numbers out of cells: digits of any script, marks for "not known", numbers that carry a unit.

Owns what of a cell is a number; a lost measurement is told with its reason and never becomes 0.
"""

import math
import re
import unicodedata
from collections.abc import Mapping

from services.ingest.cleaning.faults import Faulty
from services.ingest.cleaning.words import plain

# Marks that statistics packages and data entry screens write for "not known".
MARKS = frozenset({"-9", "-99", "-999", "-9999", "-99999", "-888", "-777"})
_NOT_FINITE = frozenset({"inf", "+inf", "-inf", "infinity", "-infinity", "+infinity", "nan"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]+)?")
_WITH_UNIT = re.compile(r"([+-]?[0-9][0-9.,]*)?\s*\|?\s*([A-Za-z%°'\"]+[A-Za-z0-9 ]*\.?)")
_DEGREES = re.compile(
    r"(?P<d>[0-9]{1,3})[°\s]\s*(?P<m>[0-9]{1,2}(?:\.[0-9]+)?)['′\s]\s*"
    r"(?:(?P<s>[0-9]{1,2}(?:\.[0-9]+)?)[\"″]?)?\s*(?P<h>[NSEWnsew])?"
)
_LARGEST = 1e15


def western(raw: str) -> str:
    """The text with the digits of every script, and the minus signs, as ASCII."""
    if raw.isascii():
        return plain(raw)
    mended = "".join(
        str(unicodedata.digit(letter)) if letter.isdigit() else letter for letter in plain(raw)
    )
    return mended.replace("\u2212", "-").replace("\u2013", "-").replace("\u066b", ".")


def number(
    raw: str,
    minimum: float | None = None,
    maximum: float | None = None,
    units: Mapping[str, float] | None = None,
) -> float:
    """A finite number; `units` tells by what to multiply a number written with one (`250|m`).

    Raises Faulty for infinite values, marks for "not known", units that are not declared, other
    texts, and numbers outside `minimum`..`maximum`.
    """
    word = western(raw)
    _refuse_marks(word, minimum)
    if _NUMBER.fullmatch(word):
        value = float(word)
    elif _GROUPED.fullmatch(word):
        value = float(word.replace(",", ""))
    else:
        value = _with_unit(word, units or {})
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise _no_number()
    _refuse_range(value, minimum, maximum)
    return value


def integer(
    raw: str,
    minimum: float | None = None,
    maximum: float | None = None,
    units: Mapping[str, float] | None = None,
) -> int:
    """A whole number, also one that a spreadsheet wrote as `12.0`; raises Faulty as `number`."""
    value = number(raw, minimum, maximum, units)
    if value != int(value):
        raise Faulty("not_whole", "The number is not a whole one.", "Enter a whole number.")
    return int(value)


def latitude(raw: str, minimum: float = -90, maximum: float = 90) -> float:
    """Degrees north, decimal or as degrees, minutes and seconds; raises Faulty."""
    return _angle(raw, minimum, maximum)


def longitude(raw: str, minimum: float = -180, maximum: float = 180) -> float:
    """Degrees east, decimal or as degrees, minutes and seconds; raises Faulty."""
    return _angle(raw, minimum, maximum)


def _angle(raw: str, minimum: float, maximum: float) -> float:
    word = western(raw)
    parts = _DEGREES.fullmatch(word)
    if parts is None:
        return number(word.rstrip("°"), minimum, maximum)
    value = int(parts["d"]) + float(parts["m"]) / 60 + float(parts["s"] or 0) / 3600
    value = -value if (parts["h"] or "").upper() in {"S", "W"} else value
    _refuse_range(value, minimum, maximum)
    return value


def _refuse_marks(word: str, minimum: float | None) -> None:
    if word.casefold() in _NOT_FINITE:
        raise Faulty(
            "not_finite",
            "The cell holds infinity or no number, the result of a division by zero.",
            "Leave the cell empty, or enter what was measured.",
        )
    mark = word.removesuffix(".0")
    # Without a lower end -9 may well be a measurement; -99 and the rest hardly are.
    if mark in MARKS and (mark != "-9" if minimum is None else float(mark) < minimum):
        raise Faulty(
            "missing_mark",
            "The number is a mark for a value that is not known, not a measurement.",
            "Leave the cell empty, or declare the mark as missing in the mapping.",
        )


def _with_unit(word: str, units: Mapping[str, float]) -> float:
    found = _WITH_UNIT.fullmatch(word)
    if found is None or (found[1] is None and "|" not in word):
        raise _no_number()
    if found[1] is None:
        raise Faulty(
            "unit_without_number",
            "The cell names a unit without a number.",
            "Leave the cell empty, or enter the number.",
        )
    factor = {name.casefold(): by for name, by in units.items()}.get(found[2].casefold())
    if factor is None:
        raise Faulty(
            "number_with_unit",
            "The cell holds a number together with a unit.",
            "Enter the number alone, or declare the unit in the mapping.",
        )
    figures = found[1].replace(",", "") if _GROUPED.fullmatch(found[1]) else found[1]
    if not _NUMBER.fullmatch(figures):
        raise _no_number()
    return float(figures) * factor


def _refuse_range(value: float, minimum: float | None, maximum: float | None) -> None:
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        lowest = "any" if minimum is None else f"{minimum:g}"
        highest = "any" if maximum is None else f"{maximum:g}"
        raise Faulty(
            "out_of_range",
            f"The number is outside {lowest} to {highest}.",
            "Correct the number, or leave the cell empty when it was not measured.",
        )


def _no_number() -> Faulty:
    return Faulty("not_a_number", "The cell is not a number.", "Enter a number or nothing.")
