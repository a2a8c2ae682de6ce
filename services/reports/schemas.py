"""The card on the wire, for the API's description.

Owns the documented shape; the bytes are written by `formats.json`, and a test holds the two equal.
"""

from typing_extensions import TypedDict

from shared.clients import figure_answers as wire
from shared.clients.change_answers import NotBySchool


class TrendPoint(TypedDict):
    """One step of a trend: a month (a quarter or a year of a long period) and its value."""

    period: str
    value: float | None
    visits: int


class Siblings(TypedDict):
    """Where the values of the units of the same parent lie, nobody named; fractions."""

    lowest: float | None
    middle: float | None
    highest: float | None


class CardPlace(wire.UnitName):
    """A unit on the way from the card's unit to the root."""

    parent_id: str | None


class CardFigure(wire.Figure):
    """A figure with what stands beside it; shares and changes are fractions.

    `expected` is where the straight path from baseline to target stands on `state_on`;
    `target_unit_id` names the unit the target was set for; `change_clear` says that the change is
    larger than the uncertainty of both figures. `same_schools` and `composition` add to `change`
    exactly; they are null for splits and for units with too many visits to look at each school.
    `year_ago_…` compares with the same period of the year before. Distances are the value less the
    target, and less the path. `label` and `split_label` are always there, in the
    answer's `lang`.
    """

    parent_value: float | None
    previous_value: float | None
    change: float | None
    change_clear: bool
    same_schools: float | None
    composition: float | None
    schools_in_both: int | None
    year_ago_value: float | None
    year_ago_change: float | None
    year_ago_clear: bool
    target: float | None
    baseline: float | None
    expected: float | None
    distance_to_target: float | None
    distance_to_path: float | None
    target_unit_id: str | None
    status: str | None
    grade: str | None
    rank: wire.Rank | None
    siblings: Siblings | None
    trend: list[TrendPoint]


class CardChildFigure(wire.Figure):
    """A total of a unit below, with its standing against its target."""

    status: str | None


class CardChild(CardPlace):
    """A unit below the card's unit."""

    visits: int
    schools_visited: int
    schools_registered: int
    coverage: float | None
    figures: list[CardChildFigure]


class CardDocument(wire.Window):
    """A report card as JSON; `seal` is that of the unit's own figures, see the figures answer.

    `not_by_school` says why changes are not in parts (`same_schools` null), or is null.
    """

    visits: int
    schools_visited: int
    schools_registered: int
    coverage: float | None
    newest_visit: str | None
    seal: str | None
    chain: list[CardPlace]
    previous_period: str | None
    year_ago_period: str | None
    lang: str
    not_by_school: NotBySchool | None
    figures: list[CardFigure]
    children: list[CardChild]
