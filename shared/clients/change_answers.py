"""What the indicators service answers about changes between two windows, as typed dictionaries.

Owns the shapes only; figures, windows and everything else are `figure_answers`'.
"""

from typing import Literal

from typing_extensions import TypedDict

from shared.clients.figure_answers import Figure, LineName, Window


class Pair(TypedDict):
    """The two integers of a share."""

    numerator: int
    denominator: int


class Against(Window):
    """The window that is compared with; `period` and the others are those of the newer one."""

    against: str
    against_first: str
    against_last: str


class ChangeParts(TypedDict):
    """A change between two windows, in parts that add up exactly; fractions.

    `same_schools` is what the schools that answered in both windows did together (`same_after`
    less `same_before`), null when there are none; `composition` is the rest. With
    `by_school` false there were too many visits to look at each school, and the parts are null.
    """

    after: Figure
    before: Figure
    change: float | None
    same_schools: float | None
    composition: float | None
    schools_in_both: int | None
    schools_after: int
    schools_before: int
    same_after: Pair | None
    same_before: Pair | None
    by_school: bool


class Change(Against, LineName, ChangeParts):
    """The change of one indicator."""


class LineChange(LineName, ChangeParts):
    """The change of one indicator among others."""


class NotBySchool(TypedDict):
    """Why changes are not split: both windows together have `visits`, more than `most_visits`."""

    code: Literal["too_many_visits"]
    visits: int
    most_visits: int
    detail: str


class AllChanges(Against):
    """The changes of all totals; `not_by_school` says why their parts are null, or is null."""

    not_by_school: NotBySchool | None
    changes: list[LineChange]
