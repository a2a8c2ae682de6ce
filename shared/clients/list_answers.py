"""The wire's names of the named lists: the schools behind a figure, one by one.

Answers are plain dictionaries; the service documents its routes with the same types that its
callers read them by.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.clients.figure_answers import Names, UnitName, Window

ListName = Literal[
    "schools_closed", "not_visited", "teachers_absent", "no_toilet", "no_usable_room"
]


class SeenThen(TypedDict):
    """A visit that puts a school on a list, with the counts it found; absent where none matter."""

    source: str
    visit_id: str
    revision: int
    day: str
    status: str
    teachers_posted: NotRequired[int]
    teachers_present: NotRequired[int]
    teachers_excused: NotRequired[int]
    rooms_available: NotRequired[int]
    rooms_usable: NotRequired[int]


class Listed(TypedDict):
    """A school on a list, as it was registered on `state_on`.

    `since` is the day of the earliest of `visits`, null where the school was never visited;
    `visits` come in order.
    """

    school_code: str
    unit_id: str
    name: str
    names: Names
    belongs_to: UnitName | None
    level: str | None
    gender: str | None
    since: str | None
    visits: list[SeenThen]


class ListSize(TypedDict):
    """A list with its size: `count` of the `of` schools that could be on it.

    `months` only where the list depends on it; `indicator` is the figure it stands behind, if any.
    """

    list: ListName
    labels: Names
    indicator: str | None
    months: int | None
    count: int
    of: int


class ListSizes(Window):
    """All lists of a unit, with their sizes."""

    lists: list[ListSize]


class ListAnswer(Window, ListSize):
    """One list of a unit on `state_on`, unit by unit; the next page is in the Link header."""

    schools: list[Listed]
    next: str | None
