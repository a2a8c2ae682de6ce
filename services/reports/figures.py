"""What a card is made from: figures, units, targets and definitions as plain values (pure).

Owns the shape in which the parts of this service hand figures to each other. Reading them from the
answers of other services is left to `sources`, arithmetic on them to `compare` and `card`.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Indicator:
    """A definition from the catalogue: what a figure means and which way is better.

    `labels` are its names by language, `splits` those of its splits.
    """

    code: str
    labels: dict[str, str] = field(default_factory=dict)
    splits: dict[str, dict[str, str]] = field(default_factory=dict)
    basis: str | None = "flow"
    direction: str = "higher"
    definition: int = 1

    def called(self, lang: str) -> str:
        """The name in a language, else in English, else the code."""
        return self.labels.get(lang) or self.labels.get("en") or self.code

    def split_called(self, split: str, lang: str) -> str:
        """The name of a split in a language, else in English, else its own word."""
        names = self.splits.get(split, {})
        return names.get(lang) or names.get("en") or split

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value is the better one."""
        return self.direction == "lower"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the integers it comes from and how far it can be relied on."""

    indicator: str
    split: str | None
    numerator: int
    denominator: int | None
    visits: int
    schools: int
    interval: tuple[float, float] | None = None
    state: str = "value"
    reliable: bool = True
    definition: int = 1
    n_eff: float | None = None

    @property
    def share(self) -> Fraction | None:
        """Numerator over denominator, exactly; None when undefined or a count without one."""
        if self.state != "value" or not self.denominator:
            return None
        return Fraction(self.numerator, self.denominator)

    @property
    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """The interval's ends, of six decimals; the exact share twice where it has no width."""
        share = self.share
        if share is None:
            return None
        if self.interval is None or self.interval[1] - self.interval[0] < 1e-9:
            return share, share
        low, high = self.interval
        return Fraction(round(low * _MILLION), _MILLION), Fraction(round(high * _MILLION), _MILLION)


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of the tree (a school is one of the last level) with its names by language."""

    unit_id: str
    name: str
    level: str
    names: dict[str, str] = field(default_factory=dict)
    parent_id: str | None = None

    def called(self, lang: str) -> str:
        """The name in `lang`, else the registered one."""
        return self.names.get(lang) or self.name


@dataclass(frozen=True, slots=True)
class FigureSet:
    """All figures of one unit over one period, as the indicators service answered.

    `known_at` is the instant whose knowledge they show, where one was asked for; `seal` vouches for
    them and can be checked later.
    """

    place: Place
    period: str
    first: date
    last: date
    state_on: date
    as_of: str
    lag_seconds: float
    version: str
    view: str
    visits: int
    schools_visited: int
    schools_registered: int
    coverage: float | None
    newest_visit: date | None
    figures: dict[tuple[str, str | None], Figure]
    known_at: str | None = None
    resemblance: str | None = None
    seal: str | None = None

    def total(self, indicator: str) -> Figure | None:
        """The figure of an indicator without a split."""
        return self.figures.get((indicator, None))

    def splits(self, indicator: str) -> list[Figure]:
        """The split figures of an indicator, in the order of the answer."""
        return [f for (code, split), f in self.figures.items() if code == indicator and split]


@dataclass(frozen=True, slots=True)
class Moved:
    """The parts of a change: what `schools` schools seen in both periods did, and the rest.

    `same` is None when there are none of them.
    """

    same: Fraction | None
    composition: Fraction
    schools: int


@dataclass(frozen=True, slots=True)
class TooMany:
    """Why changes are not in parts: the `visits` of both periods are more than `most`."""

    visits: int
    most: int


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a trend: a month (or longer), its share and the visits behind it."""

    period: str
    value: float | None
    visits: int
    first: date


@dataclass(frozen=True, slots=True)
class Target:
    """What a unit should reach, from a baseline on one day to a target on another."""

    indicator: str
    split: str | None
    unit_id: str
    first: date | None
    last: date | None
    baseline: Fraction | None
    target: Fraction
