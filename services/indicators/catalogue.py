"""The indicators in force: what is divided by what, by which splits, and how it is to be read.

Owns the value that every answer is computed with: all versions of all indicators, and the columns
(lines) that they make. What a file may say is `definition_file`'s, measures are `measures`',
computing is `figures`'. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.indicators.expressions import bit_of, vector
from services.indicators.intervals import Resemblance, Sampling
from services.indicators.measures import GENDERS, UNSPECIFIED

Basis = Literal["flow", "stock"]
Direction = Literal["higher", "lower"]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of an indicator: its total (split None) or one of its splits.

    `numerators` and `denominators` are terms that are summed (a minus takes away); `answered` is
    the measure that is 1 for a visit (flow) or school (stock) which answers the line. `always`:
    shown even when nobody answered.
    """

    indicator: str
    split: str | None
    numerators: tuple[str, ...]
    denominators: tuple[str, ...]
    answered: str
    always: bool
    version: int = 1


@dataclass(frozen=True, slots=True)
class Reliable:
    """From how much evidence on a figure is relied on; stocks also with so many schools known."""

    schools: int = 0
    visits: int = 0
    known_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One version of an indicator: its words, how it is counted and its lines (the total first).

    `basis` is None for coverage, which is neither flow nor stock; `unit` is what `value` is;
    `by` are the kinds of schools or visits it can be split by when asked; `shown` is "always", or
    "asked" for a reading that is answered only by name; `digest` stands for what is computed.
    """

    code: str
    version: int
    basis: Basis | None
    direction: Direction
    unit: Literal["share", "count"]
    numerator: str
    denominator: str | None
    sampling: Sampling
    resemblance: Resemblance
    reliable: Reliable
    by: tuple[str, ...]
    shown: Literal["always", "asked"]
    names: Labels
    short: Labels
    words: Mapping[str, Labels]
    lines: tuple[Line, ...]
    digest: str = ""
    file: str = ""


@dataclass(frozen=True)
class Definitions:
    """All versions of all indicators; of each code the greatest version is in force.

    A line's place in `lines` is its column in everything that `figures` computes.
    """

    entries: tuple[Indicator, ...]
    current: Mapping[str, Indicator] = field(init=False)
    lines: tuple[Line, ...] = field(init=False)

    def __post_init__(self) -> None:
        newest: dict[str, Indicator] = {}
        for entry in self.entries:
            held = newest.get(entry.code)
            if held is None or entry.version > held.version:
                newest[entry.code] = entry
        object.__setattr__(self, "current", newest)
        object.__setattr__(self, "lines", tuple(_lines(newest.values(), self.entries)))

    @cached_property
    def version(self) -> str:
        """Changes whenever any definition does; part of every answer's version."""
        said = [(entry.code, entry.version, entry.digest) for entry in self.entries]
        return format(crc32(repr(said).encode()), "x")

    @cached_property
    def wording(self) -> str:
        """Changes whenever an answer reads otherwise and means the same: other words, lines shown.

        Part of every answer's version beside `version`, which seals are held to.
        """
        # Where the file lies is a matter of each process.
        said = [replace(entry, file="") for entry in self.entries]
        return format(crc32(repr(said).encode()), "x")

    @cached_property
    def by_version(self) -> Mapping[tuple[str, int], Indicator]:
        """Every entry by code and version."""
        return {(entry.code, entry.version): entry for entry in self.entries}

    @cached_property
    def places(self) -> Mapping[tuple[str, str | None, int], int]:
        """The column of every line, by code, split and version."""
        return {
            (line.indicator, line.split, line.version): at for at, line in enumerate(self.lines)
        }

    def place(self, code: str, split: str | None = None, version: int | None = None) -> int | None:
        """The column of a line, of the version in force unless another is named; None without."""
        held = self.current.get(code)
        if held is None:
            return None
        return self.places.get((code, split, version or held.version))

    def of(self, line: int) -> Indicator:
        """The definition that a column belongs to."""
        found = self.lines[line]
        return self.by_version[found.indicator, found.version]

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Which columns are part of every answer: those in force that are always shown."""
        shown = [
            self.current[line.indicator].version == line.version
            and self.current[line.indicator].shown == "always"
            for line in self.lines
        ]
        return np.array(shown, np.bool_)

    @cached_property
    def totals(self) -> tuple[int, ...]:
        """The columns of the totals that are part of every answer."""
        return tuple(
            at
            for at, line in enumerate(self.lines)
            if line.split is None and bool(self.answered[at])
        )

    def lines_of(self, code: str, version: int | None = None) -> tuple[int, ...]:
        """The columns of one version of an indicator, the total first; empty without."""
        held = self.current.get(code)
        wanted = version or (0 if held is None else held.version)
        return tuple(
            at
            for at, line in enumerate(self.lines)
            if line.indicator == code and line.version == wanted
        )

    @cached_property
    def matrices(self) -> "Matrices":
        """The lines as arrays."""
        return Matrices.of(self)


def _lines(newest: Iterable[Indicator], entries: Sequence[Indicator]) -> Iterable[Line]:
    """The lines in force in the order of their codes, then those of older versions."""
    chosen = list(newest)
    for entry in chosen:
        yield from entry.lines
    for entry in entries:
        if entry not in chosen:
            yield from entry.lines


@dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """What `figures` multiplies with: one column, or one place, for each line.

    `population`: which column of (registered, *genders, no gender) bounds the schools that could
    answer; `bits`: places among SEEN of the lines over flows.
    """

    numerators: NDArray[np.int64]
    denominators: NDArray[np.int64]
    answered: NDArray[np.int64]
    flow: NDArray[np.bool_]
    stock: NDArray[np.bool_]
    period: NDArray[np.bool_]
    flow_lines: NDArray[np.intp]
    bits: NDArray[np.int64]
    population: NDArray[np.int64]
    always: NDArray[np.bool_]
    icc: NDArray[np.float64]
    cv2: NDArray[np.float64]
    count: NDArray[np.bool_]
    census: NDArray[np.bool_]
    school: NDArray[np.bool_]
    least_schools: NDArray[np.int64]
    least_visits: NDArray[np.int64]
    known_percent: NDArray[np.int64]

    @classmethod
    def of(cls, definitions: Definitions) -> "Matrices":
        """Lay the lines of definitions out."""
        lines = definitions.lines
        owners = [definitions.of(place) for place in range(len(lines))]
        basis = [owner.basis for owner in owners]
        flow = np.array([each == "flow" for each in basis])
        kinds = [owner.sampling for owner in owners]
        rely = [owner.reliable for owner in owners]
        flow_lines = np.flatnonzero(flow)
        return cls(
            numerators=np.array([vector(line.numerators) for line in lines]).T,
            denominators=np.array([vector(line.denominators) for line in lines]).T,
            answered=np.array([vector((line.answered,)) for line in lines]).T,
            flow=flow,
            stock=np.array([each == "stock" for each in basis]),
            period=np.array([each is None for each in basis]),
            flow_lines=flow_lines,
            bits=np.array([bit_of(lines[at].answered) for at in flow_lines.tolist()], np.int64),
            population=np.array([_population(line) for line in lines]),
            always=np.array([line.always for line in lines]),
            icc=np.array([owner.resemblance.icc for owner in owners]),
            cv2=np.array([owner.resemblance.cv2 for owner in owners]),
            count=np.array([kind is Sampling.COUNT for kind in kinds]),
            census=np.array([kind is Sampling.CENSUS for kind in kinds]),
            school=np.array([kind is Sampling.SCHOOL for kind in kinds]),
            least_schools=np.array([least.schools for least in rely]),
            least_visits=np.array([least.visits for least in rely]),
            # 101: no share of schools is enough by itself.
            known_percent=np.array(
                [101 if r.known_percent is None else r.known_percent for r in rely]
            ),
        )


def _population(line: Line) -> int:
    """Which column of (registered, *genders, no gender) bounds the schools that could answer."""
    kind, _, word = (line.split or "").partition(":")
    if kind != "school_gender":
        return 0
    return len(GENDERS) + 1 if word == UNSPECIFIED else GENDERS.index(word) + 1
