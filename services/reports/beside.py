"""An indicator of a unit in depth, as a value that `comparison` gathers (pure)."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.reports.compare import Spread
from services.reports.figures import Figure, Indicator, Moved, Place, Target, TooMany
from shared.clients import figure_answers as wire
from shared.domain.ranks import Rank


@dataclass(frozen=True, slots=True)
class Past:
    """The figure of another period, and the change since: whole, clear or not, and in parts.

    `too_many` says why it is not in parts.
    """

    period: str
    first: date
    last: date
    figure: Figure
    change: Fraction | None
    clear: bool
    moved: Moved | None
    too_many: TooMany | None


@dataclass(frozen=True, slots=True)
class Below:
    """A unit directly under the one asked about."""

    place: Place
    figure: Figure
    rank: Rank | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the page shows; `chain` runs from the unit itself up to the root.

    `made_from` is the version of the oldest answer in it.
    """

    window: wire.Window
    made_from: str
    chain: tuple[Place, ...]
    indicator: Indicator
    figure: Figure
    pasts: tuple[Past, ...]
    parent: Figure | None
    rank: Rank | None
    siblings: Spread | None
    target: Target | None
    path: Fraction | None
    to_target: Fraction | None
    to_path: Fraction | None
    status: str | None
    below: tuple[Below, ...]
