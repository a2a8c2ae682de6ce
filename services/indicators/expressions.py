"""Sums of measures as vectors: what the numerators and denominators of definitions stand for.

Owns the columns that every figure is computed from (FLOW, STOCK, coverage) and the reading of terms
such as "teachers_male_posted" or "-teachers_on_leave". Two expressions are the same figure, always,
exactly when their vectors are equal: that is how parts are known to add to their whole. Pure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.indicators.measures import DERIVED, FLOW, GROUP_COLUMNS, SEEN, STOCK, S

COUNTED = "coverage"
"""Stands for what only presence knows: schools of the register visited in the window."""
COLUMNS = (*FLOW, *STOCK, COUNTED)
PLACES = {name: place for place, name in enumerate(COLUMNS)}
KNOWN = frozenset((*COLUMNS, *DERIVED))
"""Every name that a definition may use."""
Vector = NDArray[np.int64]


class UnknownMeasureError(ValueError):
    """A term names no measure; the text is the name."""


def vector(terms: Sequence[str]) -> Vector:
    """How often each column is added; raises UnknownMeasureError."""
    out = np.zeros(len(COLUMNS), np.int64)
    for term in terms:
        name = term.removeprefix("-")
        sign = -1 if name != term else 1
        if name in PLACES:
            out[PLACES[name]] += sign
        elif name in DERIVED:
            out += sign * vector(DERIVED[name])
        else:
            raise UnknownMeasureError(name)
    return out


def basis_of(name: str) -> str:
    """Whether a measure is of a "flow", a "stock", or neither ("period")."""
    whole = DERIVED[name][0] if name in DERIVED else name
    if whole == COUNTED:
        return "period"
    return "flow" if whole in FLOW else "stock"


def is_answer(name: str) -> bool:
    """Whether a measure is 1 for a visit (flow) or a school (stock) that answers, 0 otherwise."""
    if basis_of(name) == "flow":
        return name in SEEN
    return name in {COUNTED, "known", "registered"} or name.endswith("_answered")


def group_of(name: str) -> str | None:
    """The stock group whose answer gives a measure; None for the register's and for no stock."""
    stored = DERIVED[name][0] if name in DERIVED else name
    if stored not in S:
        return None
    place = S[stored]
    return next((group for group, places in GROUP_COLUMNS.items() if place in places), None)


def bit_of(name: str) -> int:
    """The place of a flow answer among SEEN."""
    return SEEN.index(name)
