"""A report card put together from what was gathered (pure).

Owns which figure is set beside which: parent, previous period, target, siblings, trend, children.
Fetching is left to `gather`, the arithmetic of each comparison to `compare`, words and pictures to
the formats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from services.reports.compare import (
    Spread,
    change,
    clear_change,
    distance,
    expected,
    grade,
    rank,
    spread,
    status,
    target_for,
)
from services.reports.figures import (
    Figure,
    FigureSet,
    Indicator,
    Moved,
    Place,
    Point,
    Target,
    TooMany,
)
from shared.domain.codes import canonical_unit
from shared.domain.ranks import Rank

HEADLINE = (
    "student_attendance",
    "teacher_attendance",
    "non_teaching_attendance",
    "official_visits",
    "usable_rooms",
    "usable_toilets",
    "learning_environment",
    "child_clubs",
    "procurement_participation",
)
"""The circular's nine indicators, in the order of a card."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a card is made from; `chain` runs from the unit itself up to the root.

    `moved` splits the changes of totals by indicator, as far as they could be split, and `too_many`
    says why none was; `year_ago` is the same period of the year before.
    """

    own: FigureSet
    chain: tuple[Place, ...]
    parent: FigureSet | None
    previous: FigureSet | None
    siblings: tuple[FigureSet, ...]
    children: tuple[FigureSet, ...]
    trends: Mapping[str, tuple[Point, ...]]
    targets: Mapping[tuple[str, str, str | None], Sequence[Target]]
    catalogue: Mapping[str, Indicator]
    year_ago: FigureSet | None = None
    moved: Mapping[str, Moved] = field(default_factory=dict)
    too_many: TooMany | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the unit with everything that is set beside it."""

    figure: Figure
    indicator: Indicator
    parent: Figure | None
    previous: Figure | None
    change: Fraction | None
    change_clear: bool
    moved: Moved | None
    year_ago: Figure | None
    year_change: Fraction | None
    year_clear: bool
    target: Target | None
    expected: Fraction | None
    to_target: Fraction | None
    to_path: Fraction | None
    status: str | None
    grade: str | None
    rank: Rank | None
    siblings: Spread | None
    trend: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A unit under the card's unit, with its figures and their standing against its targets."""

    figures: FigureSet
    statuses: dict[str, str | None]
    goals: dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class Card:
    """A whole report card."""

    own: FigureSet
    chain: tuple[Place, ...]
    parent: FigureSet | None
    previous: FigureSet | None
    year_ago: FigureSet | None
    lines: tuple[Line, ...]
    children: tuple[Child, ...]
    too_many: TooMany | None = None

    def line(self, indicator: str) -> Line | None:
        """The line of an indicator's total."""
        return next(
            (
                line
                for line in self.lines
                if line.figure.indicator == indicator and line.figure.split is None
            ),
            None,
        )

    def splits(self, indicator: str) -> list[Line]:
        """The lines of an indicator's splits, in the order of the figures."""
        return [
            line for line in self.lines if line.figure.indicator == indicator and line.figure.split
        ]


def assemble(gathered: Gathered) -> Card:
    """Set every figure of the unit beside its parent, past, target, siblings and trend."""
    chain = [canonical_unit(place.unit_id) for place in gathered.chain]
    return Card(
        own=gathered.own,
        chain=gathered.chain,
        parent=gathered.parent,
        previous=gathered.previous,
        year_ago=gathered.year_ago,
        lines=tuple(_line(gathered, figure, chain) for figure in gathered.own.figures.values()),
        children=tuple(_child(gathered, child, chain) for child in gathered.children),
        too_many=gathered.too_many,
    )


def _definition(gathered: Gathered, figure: Figure) -> Indicator:
    return gathered.catalogue.get(figure.indicator) or Indicator(figure.indicator)


def _line(gathered: Gathered, figure: Figure, chain: Sequence[str]) -> Line:
    key, day = (figure.indicator, figure.split), gathered.own.state_on
    indicator = _definition(gathered, figure)
    before = gathered.previous.figures.get(key) if gathered.previous else None
    year_ago = gathered.year_ago.figures.get(key) if gathered.year_ago else None
    target = target_for(gathered.targets, chain, figure, day)
    path = expected(target, day) if target else None
    others = [sibling.figures[key] for sibling in gathered.siblings if key in sibling.figures]
    return Line(
        figure=figure,
        indicator=indicator,
        parent=gathered.parent.figures.get(key) if gathered.parent else None,
        previous=before,
        change=change(figure, before),
        change_clear=clear_change(figure, before),
        moved=gathered.moved.get(figure.indicator) if figure.split is None else None,
        year_ago=year_ago,
        year_change=change(figure, year_ago),
        year_clear=clear_change(figure, year_ago),
        target=target,
        expected=path,
        to_target=distance(figure, target.target if target else None),
        to_path=distance(figure, path),
        status=status(figure, target, day, indicator),
        grade=grade(figure, indicator),
        rank=rank(figure, others, indicator),
        siblings=spread(others),
        trend=gathered.trends.get(figure.indicator, ()) if figure.split is None else (),
    )


def _child(gathered: Gathered, child: FigureSet, chain: Sequence[str]) -> Child:
    above = [canonical_unit(child.place.unit_id), *chain]
    statuses: dict[str, str | None] = {}
    goals: dict[str, Fraction] = {}
    for (code, split), figure in child.figures.items():
        if split is None:
            target = target_for(gathered.targets, above, figure, child.state_on)
            statuses[code] = status(figure, target, child.state_on, _definition(gathered, figure))
            if target is not None:
                goals[code] = target.target
    return Child(child, statuses, goals)
