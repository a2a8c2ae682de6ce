"""The wire's names of everything that the indicators service answers.

Answers are plain dictionaries; the service documents its routes with the same types that its
callers read them by, so the two cannot drift apart.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

View = Literal["as_was", "restated"]
State = Literal["value", "not_measured", "not_applicable"]
Names = dict[str, str]


class Figure(TypedDict):
    """One figure; `value` and `interval` are fractions, null when undefined.

    `n_eff` is the number of independent answers that the interval stands on; null beside a value
    means that nothing is left unknown (every school answered). `new_visits` only with `since`,
    `label` and `split_label` only with `lang`.
    """

    indicator: str
    split: str | None
    value: float | None
    numerator: int
    denominator: int | None
    visits: int
    schools: int
    interval: tuple[float, float] | None
    n_eff: float | None
    state: State
    reliable: bool
    definition: int
    new_visits: NotRequired[int]
    label: NotRequired[str]
    split_label: NotRequired[str | None]


class Split(TypedDict):
    """A split of an indicator; `always` tells whether it is in every answer."""

    split: str
    labels: Names
    always: bool


class Indicator(TypedDict):
    """One row of the catalogue: an indicator as it is in force.

    `short` are names for texts, `by` the kinds of schools and visits that it can be split by when
    asked (`split_by`), `versions` all its definitions that can be asked for; `shown` is "asked" for
    a reading that is answered only by name.
    """

    code: str
    labels: Names
    short: Names
    shown: Literal["always", "asked"]
    by: list[str]
    versions: list[int]
    numerator: str
    denominator: str | None
    unit: Literal["share", "count"]
    basis: Literal["flow", "stock"] | None
    direction: Literal["higher", "lower"]
    splits: list[Split]
    definition: int


class Catalogue(TypedDict):
    """All indicators."""

    indicators: list[Indicator]


class UnitName(TypedDict):
    """A unit by name: enough for a link."""

    unit_id: str
    name: str
    names: Names
    level: str


class Unit(UnitName):
    """A unit as it is today; dates are those of the version in force."""

    parent_id: str | None
    valid_from: str
    valid_to: str | None
    head_school_code: str | None


class UnitVersion(TypedDict):
    """One dated version of a unit."""

    name: str
    level: str
    parent_id: str | None
    valid_from: str
    valid_to: str | None


class UnitDetail(Unit):
    """A unit with its parents (nearest first) and its history."""

    chain: list[UnitName]
    predecessors: list[str]
    aliases: list[str]
    versions: list[UnitVersion]


class Units(TypedDict):
    """Units found; the next page is in the Link header."""

    units: list[Unit]


class Children(TypedDict):
    """The units directly under a unit; a cluster's are its schools."""

    unit: str
    children: list[Unit]


class School(TypedDict):
    """A school as it is today."""

    school_code: str
    unit_id: str | None
    name: str
    level: str | None
    gender: str | None
    shift: str | None
    zone: str | None
    status: str
    lat: float | None
    lon: float | None
    valid_from: str


class Schools(TypedDict):
    """Schools under a unit; the next page is in the Link header."""

    unit: str
    schools: list[School]


class AsOf(TypedDict):
    """How fresh an answer is: every visit recorded by `as_of` is in."""

    as_of: str
    lag_seconds: float
    version: str


class Window(AsOf):
    """What was asked: the unit, the days, the day on which stocks are taken.

    `known_at` is the instant asked for: what was recorded later is not in; null where nothing was.
    `resemblance` is the night whose estimates the intervals work with; null: the constants.
    """

    unit: str
    name: str
    names: Names
    level: str
    period: str
    first: str
    last: str
    state_on: str
    view: View
    known_at: str | None
    resemblance: str | None


class UnitFigures(TypedDict):
    """The figures of one unit; `coverage` is a fraction, `newest_visit` lies in the window."""

    visits: int
    schools_visited: int
    schools_registered: int
    coverage: float | None
    newest_visit: str | None
    figures: list[Figure]


class FiguresAnswer(Window, UnitFigures):
    """All figures of a unit over a period.

    `seal`, where it was asked for, is a signed text by which these figures can be checked later;
    null while it cannot be said by which instant everything in them was recorded.
    """

    seal: str | None


class ChildFigures(UnitName, UnitFigures):
    """The figures of a unit below; `parent_id` as the tree stands on `state_on`."""

    parent_id: str | None


class ChildrenFigures(Window, UnitFigures):
    """All figures of a unit and of the units below it; `seal` (see FiguresAnswer) is the unit's."""

    children: list[ChildFigures]
    seal: str | None


class SealCheck(FiguresAnswer):
    """What a seal is worth beside these figures, computed now from what was known then.

    confirmed: these are the sealed figures. differs: they are others, which must not be.
    definitions_changed: given by this deployment, whose definitions are others by now. not_ours:
    never given for this question.
    """

    verdict: Literal["confirmed", "differs", "definitions_changed", "not_ours"]


class LineName(TypedDict):
    """Which figure an answer is about, by which version of its definition; `split` null: total."""

    indicator: str
    split: str | None
    definition: int


class Piece(TypedDict):
    """One piece of a period."""

    period: str
    first: str
    last: str
    state_on: str


class Point(Piece, Figure):
    """One figure in time."""


class Series(Window, LineName):
    """One indicator over the pieces of a period."""

    by: str
    series: list[Point]


class Step(Piece, UnitFigures):
    """All figures of one piece of a period."""


class AllSeries(Window):
    """All indicators over the pieces of a period."""

    by: str
    series: list[Step]


class Rank(TypedDict):
    """A place among siblings (1 is best) and the places that the intervals leave possible."""

    position: int
    of: int
    low: int
    high: int


class Child(UnitName, Figure):
    """One indicator of a unit below; `rank` is null unless asked for and there is a value."""

    rank: Rank | None


class ChildrenAnswer(Window, LineName):
    """One indicator of the units directly below."""

    children: list[Child]


class VisitName(TypedDict):
    """A visit by its two names."""

    source: str
    visit_id: str


class Evidence(TypedDict):
    """One visit revision behind a figure, or left out with the reason.

    `stands_since` and `stands_until` (not included) only for stocks that stand on some day; for
    one that is too_old the day on which it ceased. `replaced_by` is the visit that is counted
    instead of a superseded one, or that answered again.
    """

    source: str
    visit_id: str
    revision: int
    school_code: str
    unit: str
    day: str
    visited_at: str
    monitor_id: str | None
    visit_type: str
    status: str
    numerator: int | None
    denominator: int | None
    counted: bool
    reason: str | None
    stands_since: str | None
    stands_until: str | None
    replaced_by: VisitName | None


class EvidenceAnswer(Window, LineName):
    """A page of evidence; the next page is in the Link header and in `next`."""

    evidence: list[Evidence]
    next: str | None


class Alikeness(TypedDict):
    """How alike one school's answers are: the definition's constants until it is `estimated`."""

    indicator: str
    definition: int
    icc: float
    cv2: float
    estimated: bool
    night: str | None
    schools: int | None
    answers: int | None
    recorded_at: str | None


class AlikenessAnswer(TypedDict):
    """What all intervals work with; `version` is the newest night that estimated anything."""

    version: str | None
    looked_on: str | None
    indicators: list[Alikeness]


class Applied(TypedDict):
    """Whether a revision or a register version is in the figures."""

    applied: bool
