"""From integer sums to figures: values, states, intervals and reliability (02 §5, 04 §6).

Owns the arithmetic of every answer, over whole arrays at once: a row is one (unit, window), a
column one line of the definitions. Where the sums come from is left to the readers. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from services.indicators import intervals
from services.indicators.catalogue import Definitions, Matrices
from services.indicators.intervals import Floats, Integers
from services.indicators.measures import FLOW, SEEN, STOCK, UNKNOWN_GENDER, F, S
from services.indicators.resemblance import Alike

Booleans = NDArray[np.bool_]

MILLION = 1_000_000
STATES = ("not_measured", "not_applicable", "value")
_VALUE = 2


@dataclass(frozen=True, slots=True)
class Sums:
    """What a figure is made of, one row for each (unit, window); all integers.

    `flow`: (rows, FLOW) over the window; `stock`: (rows, STOCK) on the window's last day D;
    `schools`: (rows, SEEN) distinct schools of each flow answer in the window; `covered` and
    `covered_visits`: schools active on D with a counted visit in the window, and those visits;
    `genders`: (rows, GENDERS and one for none) active schools on D; `newest`: last day of a counted
    visit in the window, or NEVER; `repeats`: the squared numbers of counted visits of the schools
    seen in the window, added up.
    """

    flow: Integers
    stock: Integers
    schools: Integers
    covered: Integers
    covered_visits: Integers
    genders: Integers
    newest: Integers
    repeats: Integers

    def and_also(self, other: "Sums") -> "Sums":
        """The rows of both, one after the other."""
        return Sums(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _SUMS)
        )

    def plus(self, other: "Sums") -> "Sums":
        """The sums of two sets of schools that have none in common, row by row."""
        added = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        return Sums(**added | {"newest": np.maximum(self.newest, other.newest)})

    def rows(self, chosen: Integers) -> "Sums":
        """The chosen rows in their order."""
        return Sums(*(getattr(self, name)[chosen] for name in _SUMS))


_SUMS = tuple(field.name for field in fields(Sums))

NEVER = -(2**31)
"""The newest visit of a window without visits."""


def nothing(rows: int) -> Sums:
    """The sums of so many rows without schools and visits."""
    none = np.zeros(rows, np.int64)
    return Sums(
        flow=np.zeros((rows, len(FLOW)), np.int64),
        stock=np.zeros((rows, len(STOCK)), np.int64),
        schools=np.zeros((rows, len(SEEN)), np.int64),
        covered=none,
        covered_visits=none,
        genders=np.zeros((rows, UNKNOWN_GENDER + 1), np.int64),
        newest=np.full(rows, NEVER, np.int64),
        repeats=none,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of some (unit, window) rows; every array is (rows, lines).

    `micro` is the value in millionths, rounded half up, 0 where undefined; `state` is a place in
    STATES; `low` and `high` are NaN without an interval; `n_eff` is infinite where nothing is left
    unknown; `shown` says which lines belong in an answer, `always` (lines) those that do
    even when nobody answered.
    """

    numerator: Integers
    denominator: Integers
    visits: Integers
    schools: Integers
    micro: Integers
    state: NDArray[np.int8]
    low: Floats
    high: Floats
    n_eff: Floats
    reliable: Booleans
    shown: Booleans
    always: Booleans

    def only(self, lines: Sequence[int]) -> "Figures":
        """The same with these lines to show, and no other."""
        wanted = np.zeros(self.shown.shape[1], np.bool_)
        wanted[list(lines)] = True
        return replace(self, shown=wanted & (self.always | (self.visits > 0)))


_BIT_PLACE = {name: place for place, name in enumerate(SEEN)}


def millionths(numerator: Integers, denominator: Integers) -> Integers:
    """numerator / denominator in millionths, rounded half up in integers; 0 where undefined."""
    doubled = 2 * denominator
    whole: Integers = (numerator * (2 * MILLION) + denominator) // np.where(doubled > 0, doubled, 1)
    return np.where(denominator > 0, whole, 0)


def compute(definitions: Definitions, sums: Sums, confidence: float, alike: Alike) -> Figures:
    """All figures of all rows; the intervals are two-sided with the given confidence.

    `alike` holds the estimates in force; a definition without one keeps its constants.
    """
    matrices = definitions.matrices
    measures = np.concatenate([sums.flow, sums.stock, sums.covered[:, None]], axis=1)
    numerator, denominator = measures @ matrices.numerators, measures @ matrices.denominators
    visits = measures @ matrices.answered
    schools = visits.copy()
    visits[:, matrices.period] = sums.covered_visits[:, None]
    schools[:, matrices.flow_lines] = sums.schools[:, matrices.bits]
    answered = np.where(visits > 0, 1, 0)
    state = np.where((denominator > 0) | matrices.count, _VALUE, answered).astype(np.int8)
    micro = millionths(numerator, denominator)
    n_eff = _effective(definitions, sums, denominator, schools, alike)
    n_eff[(denominator <= 0) & ~matrices.count] = 0.0
    low, high = _ends(numerator, denominator, n_eff, micro, confidence)
    return Figures(
        numerator=numerator,
        denominator=denominator,
        visits=visits,
        schools=schools,
        micro=micro,
        state=state,
        low=low,
        high=high,
        n_eff=n_eff,
        reliable=_reliable(matrices, sums, visits, schools) & (state == _VALUE),
        always=matrices.always,
        shown=definitions.answered & (matrices.always | (visits > 0)),
    )


def _effective(
    definitions: Definitions, sums: Sums, denominator: Integers, schools: Integers, alike: Alike
) -> Floats:
    """Effective answers behind each figure (04 §6)."""
    matrices = definitions.matrices
    icc, cv2 = _resemblance(definitions, alike)
    uneven = intervals.unevenness(
        sums.flow[:, F["visits"]], sums.schools[:, _BIT_PLACE["visits"]], sums.repeats
    )
    n_eff = np.where(
        matrices.school,
        denominator.astype(np.float64),
        intervals.clustered(
            denominator, schools, icc, cv2, np.where(matrices.flow, uneven[:, None], 0.0)
        ),
    )
    registered = sums.stock[:, S["registered"]]
    bounds = np.concatenate([registered[:, None], sums.genders], axis=1)[:, matrices.population]
    n_eff = np.where(matrices.stock, intervals.of_finite(n_eff, schools, bounds), n_eff)
    return np.where(matrices.census | matrices.count, np.inf, n_eff)


def _resemblance(definitions: Definitions, alike: Alike) -> tuple[Floats, Floats]:
    """ICC and cv² of every line: estimated where there is an estimate, else the constants."""
    matrices = definitions.matrices
    if not alike.of:
        return matrices.icc, matrices.cv2
    icc, cv2 = matrices.icc.copy(), matrices.cv2.copy()
    for place, line in enumerate(definitions.lines):
        if (found := alike.of.get((line.indicator, line.version))) is not None:
            icc[place], cv2[place] = found.icc, found.cv2
    return icc, cv2


def _ends(
    numerator: Integers, denominator: Integers, n_eff: Floats, micro: Integers, confidence: float
) -> tuple[Floats, Floats]:
    """Both ends of the intervals, to six decimals; without width they are the value itself."""
    share = np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
    # Leave and duty may be set aside twice over by contradicting forms: a share beyond 1.
    low, high = intervals.wilson(share.clip(0.0, 1.0), n_eff, confidence)
    exact, value = np.isinf(n_eff), micro / MILLION
    return (
        np.where(exact, value, np.minimum(np.round(low, 6), value)),
        np.where(exact, value, np.maximum(np.round(high, 6), value)),
    )


def _reliable(matrices: Matrices, sums: Sums, visits: Integers, schools: Integers) -> Booleans:
    """Enough schools and visits by the definition; a stock also when enough schools are known."""
    registered, known = sums.stock[:, S["registered"]], sums.stock[:, S["known"]]
    enough = (schools >= matrices.least_schools) & (
        (visits >= matrices.least_visits) | ~matrices.flow
    )
    census = (registered[:, None] > 0) & (
        known[:, None] * 100 >= registered[:, None] * matrices.known_percent
    )
    result: Booleans = enough | census
    return result


def parts_of(
    definitions: Definitions, line: int, rows: Integers
) -> tuple[Integers, Integers, Booleans]:
    """Numerator, denominator and whether the line is answered, of single flow or stock rows.

    `rows` are flow rows for a line over flows, stock rows otherwise. What adds to either half is
    an answer, also where another measure says who answered: a school closed by its staff's absence
    has none that counted teachers, and its posted teachers stand in the denominator.
    """
    matrices = definitions.matrices
    begin = 0 if matrices.flow[line] else len(FLOW)
    own = slice(begin, begin + rows.shape[1])
    numerator = rows @ matrices.numerators[own, line]
    denominator = rows @ matrices.denominators[own, line]
    answered = rows @ matrices.answered[own, line] > 0
    return numerator, denominator, answered | (numerator != 0) | (denominator != 0)
