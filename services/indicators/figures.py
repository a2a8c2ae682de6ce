"""From integer sums to figures: values, states, intervals and reliability (02 §5, 04 §6).

Owns the arithmetic of every answer, over whole arrays at once: a row is one (unit, window), a
column one line of the catalogue. Where the sums come from is left to the readers. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indicators import intervals
from services.indicators.catalogue import BY_CODE, COUNTED, LINES, Line
from services.indicators.intervals import Floats, Integers, Sampling
from services.indicators.measures import ANSWERED, FLOW, GENDERS, STOCK, S

Booleans = NDArray[np.bool_]

MILLION = 1_000_000
RELIABLE_SCHOOLS = 5
RELIABLE_VISITS = 10
STATES = ("not_measured", "not_applicable", "value")
_VALUE = 2


@dataclass(frozen=True, slots=True)
class Sums:
    """What a figure is made of, one row for each (unit, window); all integers.

    `flow`: (rows, FLOW) over the window; `stock`: (rows, STOCK) on the window's last day D;
    `schools`: (rows, ANSWERED) distinct schools of each flow answer in the window; `covered` and
    `covered_visits`: schools active on D with a counted visit in the window, and those visits;
    `genders`: (rows, GENDERS) active schools on D; `newest`: last day of a counted visit in the
    window, or NEVER.
    """

    flow: Integers
    stock: Integers
    schools: Integers
    covered: Integers
    covered_visits: Integers
    genders: Integers
    newest: Integers

    def and_also(self, other: "Sums") -> "Sums":
        """The rows of both, one after the other."""
        return Sums(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _SUMS)
        )

    def rows(self, chosen: Integers) -> "Sums":
        """The chosen rows in their order."""
        return Sums(*(getattr(self, name)[chosen] for name in _SUMS))


_SUMS = tuple(field.name for field in fields(Sums))

NEVER = -(2**31)
"""The newest visit of a window without visits."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of some (unit, window) rows; every array is (rows, LINES).

    `micro` is the value in millionths, rounded half up, 0 where undefined; `state` is a place in
    STATES; `low` and `high` are NaN without an interval; `n_eff` is infinite where nothing is left
    unknown; `shown` says which lines belong in an answer.
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


_WIDTH = len(FLOW) + len(STOCK) + 1
_PLACE = {name: place for place, name in enumerate((*FLOW, *STOCK, COUNTED))}
_BIT_PLACE = {name: place for place, name in enumerate(ANSWERED)}


def _matrix(parts: Sequence[tuple[str, ...]]) -> Integers:
    matrix = np.zeros((_WIDTH, len(parts)), np.int64)
    for column, names in enumerate(parts):
        for name in names:
            matrix[_PLACE[name], column] = 1
    return matrix


def _indicator(line: Line) -> Any:
    return BY_CODE[line.indicator]


def _population(line: Line) -> int:
    """Which column of (registered, *genders) bounds the schools that could answer the line."""
    kind, _, word = (line.split or "").partition(":")
    return GENDERS.index(word) + 1 if kind == "school_gender" else 0


_NUMERATORS = _matrix([line.numerators for line in LINES])
_DENOMINATORS = _matrix([line.denominators for line in LINES])
_ANSWERED = np.array([_PLACE[line.answered] for line in LINES])
_FLOW = np.array([_indicator(line).basis == "flow" for line in LINES])
_STOCK = np.array([_indicator(line).basis == "stock" for line in LINES])
_COVERAGE = np.array([line.indicator == "coverage" for line in LINES])
_FLOW_LINES = np.flatnonzero(_FLOW)
_FLOW_BITS = np.array([_BIT_PLACE[LINES[place].answered] for place in _FLOW_LINES.tolist()])
_POPULATION = np.array([_population(line) for line in LINES])
_ALWAYS = np.array([line.always for line in LINES])
_ICC = np.array([_indicator(line).resemblance.icc for line in LINES])
_CV2 = np.array([_indicator(line).resemblance.cv2 for line in LINES])
_KIND = [_indicator(line).sampling for line in LINES]
_IS_COUNT = np.array([kind is Sampling.COUNT for kind in _KIND])
_IS_CENSUS = np.array([kind is Sampling.CENSUS for kind in _KIND])
_IS_SCHOOL = np.array([kind is Sampling.SCHOOL for kind in _KIND])
PLACE = {(line.indicator, line.split): place for place, line in enumerate(LINES)}
"""The column of a line."""


def millionths(numerator: Integers, denominator: Integers) -> Integers:
    """numerator / denominator in millionths, rounded half up in integers; 0 where undefined."""
    doubled = 2 * denominator
    whole: Integers = (numerator * (2 * MILLION) + denominator) // np.where(doubled > 0, doubled, 1)
    return np.where(denominator > 0, whole, 0)


def compute(sums: Sums, confidence: float) -> Figures:
    """All figures of all rows; the intervals are two-sided with the given confidence."""
    measures = np.concatenate([sums.flow, sums.stock, sums.covered[:, None]], axis=1)
    numerator, denominator = measures @ _NUMERATORS, measures @ _DENOMINATORS
    visits = measures[:, _ANSWERED]
    visits[:, _COVERAGE] = sums.covered_visits[:, None]
    schools = measures[:, _ANSWERED]
    schools[:, _FLOW_LINES] = sums.schools[:, _FLOW_BITS]
    answered = np.where(visits > 0, 1, 0)
    state = np.where((denominator > 0) | _IS_COUNT, _VALUE, answered).astype(np.int8)
    micro = millionths(numerator, denominator)
    n_eff = _effective(sums, denominator, schools)
    n_eff[(denominator == 0) & ~_IS_COUNT] = 0.0
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
        reliable=_reliable(sums, visits, schools) & (state == _VALUE),
        shown=_ALWAYS | (visits > 0),
    )


def _effective(sums: Sums, denominator: Integers, schools: Integers) -> Floats:
    """Effective answers behind each figure (04 §6)."""
    n_eff = np.where(
        _IS_SCHOOL,
        denominator.astype(np.float64),
        intervals.clustered(denominator, schools, _ICC, _CV2),
    )
    registered = sums.stock[:, S["registered"]]
    bounds = np.concatenate([registered[:, None], sums.genders], axis=1)[:, _POPULATION]
    n_eff = np.where(_STOCK, intervals.of_finite(n_eff, schools, bounds), n_eff)
    return np.where(_IS_CENSUS | _IS_COUNT, np.inf, n_eff)


def _ends(
    numerator: Integers, denominator: Integers, n_eff: Floats, micro: Integers, confidence: float
) -> tuple[Floats, Floats]:
    """Both ends of the intervals, to six decimals; without width they are the value itself."""
    share = np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
    low, high = intervals.wilson(share, n_eff, confidence)
    exact, value = np.isinf(n_eff), micro / MILLION
    return (
        np.where(exact, value, np.minimum(np.round(low, 6), value)),
        np.where(exact, value, np.maximum(np.round(high, 6), value)),
    )


def _reliable(sums: Sums, visits: Integers, schools: Integers) -> Booleans:
    """Flows from 5 schools and 10 visits; stocks from 5 schools or with 80 % of schools known."""
    registered, known = sums.stock[:, S["registered"]], sums.stock[:, S["known"]]
    census = ((registered > 0) & (known * 5 >= registered * 4))[:, None]
    enough = schools >= RELIABLE_SCHOOLS
    flow = enough & (visits >= RELIABLE_VISITS)
    result: Booleans = np.where(_FLOW, flow, np.where(_STOCK, enough | census, True))
    return result


def parts_of(line: int, rows: Integers) -> tuple[Integers, Integers, Booleans]:
    """Numerator, denominator and whether the line is answered, of single flow or stock rows.

    `rows` are flow rows for a line over flows, stock rows otherwise.
    """
    begin = 0 if _FLOW[line] else len(FLOW)
    own = slice(begin, begin + rows.shape[1])
    answered = rows[:, _ANSWERED[line] - begin] > 0
    return rows @ _NUMERATORS[own, line], rows @ _DENOMINATORS[own, line], answered
