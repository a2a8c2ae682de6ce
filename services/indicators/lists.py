"""The named lists: which schools stand behind a figure, and the visits that put them there.

Owns what every list means (docs/lists.md says it in words). A list is about one day,
D: the schools that are active on D and belong to the unit then, by what counted visits up to D say.
Stock lists are exactly the schools that their figure counts. Fetching is `lists_reads`', the wire
is `lists_answers`', words are `list_words`'. No I/O.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from services.indicators.cells import FLOWS
from services.indicators.contributions import whole_pieces
from services.indicators.lists_reads import Wanted
from services.indicators.measures import BIT, PEOPLE, ROOMS, STATUS, TOILET, F, S
from services.indicators.read_store import Seen
from services.indicators.register import Register
from shared.clients.list_answers import ListName
from shared.domain.days import day_date, day_number

NAMES: tuple[ListName, ...] = get_args(ListName)
MONTHS = 3
"""For how many months without a visit, unless the caller says."""
MOST_MONTHS = 60
_GROUPS = {"schools_closed": STATUS, "no_toilet": TOILET, "no_usable_room": ROOMS}
_ANSWERED = {
    "schools_closed": S["status_answered"],
    "no_toilet": S["no_toilet_answered"],
    "no_usable_room": S["rooms_answered"],
}
_TEACHERS = BIT["teachers_answered"]
_CELLS = next(splits for people, splits, _ in PEOPLE if people == "teachers")
_POSTED = [F[f"teachers_{cell}_posted"] for cell in _CELLS]
_PRESENT = [F[f"teachers_{cell}_present"] for cell in _CELLS]
_EXCUSED = [F["teachers_on_leave"], F["teachers_on_duty"]]
_SHOWN = {"rooms_available": S["rooms_available"], "rooms_usable": S["rooms_usable"]}
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sight:
    """A visit that puts a school on a list; `day` is a day number, `counts` what it found."""

    source: str
    visit_id: str
    revision: int
    day: int
    status: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A school (the register's integer) on a list, with its visits in order."""

    school: int
    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What some visits say: the schools that could be on the list, and those that are."""

    able: int
    hits: list[Hit]
    unsettled: list[int]
    """Schools of which more visits are needed: those that were read are superseded."""


@dataclass(frozen=True, slots=True)
class Lister:
    """One list on one day `on`; `look_back` in days, `months` only for what was not visited."""

    name: ListName
    on: int
    look_back: int
    months: int = MONTHS

    @property
    def wanted(self) -> Wanted:
        """The visits that decide."""
        if self.name == "not_visited":
            return Wanted(self.on)
        first = self.on - self.look_back + 1
        if self.name == "teachers_absent":
            return Wanted(self.on, first, mask=_TEACHERS, count=2)
        return Wanted(self.on, first, groups=_GROUPS[self.name])

    @property
    def cutoff(self) -> int:
        """The day after which a visit is recent enough: D less the months."""
        return day_number(months_before(day_date(self.on), self.months))

    def judge(self, seen: Seen, register: Register, schools: list[int]) -> Judged:
        """What these visits say about these schools under a register."""
        visits = seen.visits
        counted = visits.counted()
        order = visits.order()
        rows = order[counted[order] & self._answers(seen)[order]]
        found: dict[int, list[int]] = {}
        for row, school in zip(rows.tolist(), visits.school[rows].tolist(), strict=True):
            found.setdefault(school, []).append(row)
        need = self.wanted.count
        met = set(np.unique(visits.school).tolist())
        unsettled = [school for school in met if len(found.get(school, ())) < need]
        if self.name == "not_visited":
            return self._not_visited(seen, found, schools, unsettled)
        if self.name == "teachers_absent":
            return self._absent(seen, found, unsettled)
        return self._standing(seen, register, unsettled)

    def _answers(self, seen: Seen) -> NDArray[np.bool_]:
        visits, wanted = seen.visits, self.wanted
        if wanted.groups:
            answers: NDArray[np.bool_] = visits.groups & wanted.groups != 0
            return answers
        if wanted.mask:
            answers = visits.mask & wanted.mask != 0
            return answers
        return np.ones(len(visits), np.bool_)

    def _not_visited(
        self, seen: Seen, found: dict[int, list[int]], schools: list[int], unsettled: list[int]
    ) -> Judged:
        hits = []
        for school in schools:
            rows = found.get(school)
            if rows is None:
                hits.append(Hit(school, ()))
            elif int(seen.visits.day[rows[-1]]) <= self.cutoff:
                hits.append(Hit(school, (_sight(seen, rows[-1], {}),)))
        return Judged(len(schools), hits, unsettled)

    def _absent(self, seen: Seen, found: dict[int, list[int]], unsettled: list[int]) -> Judged:
        pairs = [(school, rows[-2:]) for school, rows in found.items() if len(rows) > 1]
        flow = seen.visits.flow_rows(
            np.array([row for _, rows in pairs for row in rows], np.intp)
        ).reshape(len(pairs), 2, FLOWS)
        posted, present = flow[..., _POSTED].sum(axis=2), flow[..., _PRESENT].sum(axis=2)
        excused = flow[..., _EXCUSED].sum(axis=2)
        missing = posted - present - excused
        hits = [
            Hit(
                school,
                tuple(
                    _sight(
                        seen,
                        row,
                        {
                            "teachers_posted": int(posted[place, which]),
                            "teachers_present": int(present[place, which]),
                            "teachers_excused": int(excused[place, which]),
                        },
                    )
                    for which, row in enumerate(rows)
                ),
            )
            for place, (school, rows) in enumerate(pairs)
            if bool((missing[place] > 0).all())
        ]
        return Judged(len(pairs), hits, unsettled)

    def _standing(self, seen: Seen, register: Register, unsettled: list[int]) -> Judged:
        pieces = whole_pieces(seen.visits, register, self.look_back).stock.on(self.on)
        values = seen.visits.stock_rows(pieces.row)
        mine = (pieces.groups & _GROUPS[self.name] != 0) & (values[:, _ANSWERED[self.name]] > 0)
        wait = set(unsettled)
        settled = np.array(
            [school not in wait for school in seen.visits.school[pieces.row].tolist()], np.bool_
        )
        able = np.flatnonzero(mine & settled)
        hits = [
            Hit(
                int(seen.visits.school[pieces.row[at]]),
                (_sight(seen, int(pieces.row[at]), self._counts(values[at])),),
            )
            for at in able.tolist()
            if self._listed(values[at])
        ]
        return Judged(able.size, hits, unsettled)

    def _listed(self, row: NDArray[np.int64]) -> bool:
        if self.name == "schools_closed":
            return int(row[S["status_open"]]) == 0
        if self.name == "no_toilet":
            return int(row[S["no_toilet"]]) == 1
        return int(row[S["rooms_usable"]]) == 0

    def _counts(self, row: NDArray[np.int64]) -> Mapping[str, int]:
        if self.name != "no_usable_room":
            return {}
        return {name: int(row[place]) for name, place in _SHOWN.items()}


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _sight(seen: Seen, row: int, counts: Mapping[str, int]) -> Sight:
    visits = seen.visits
    return Sight(
        visits.source[row],
        visits.visit_id[row],
        seen.revision[row],
        int(visits.day[row]),
        seen.status[row],
        counts,
    )
