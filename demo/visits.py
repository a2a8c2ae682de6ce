"""The stream of what partners send: visits in order of arrival, corrections and withdrawals.

Owns the fate of every visit: counted, overtaken by a second submission of the day, withdrawn,
a verification, of an unknown school, dated by a reset clock; and when each is sent. Exactly
`COUNTED` visits count in the end. Sending is left to `demo.load`.

Partners upload once a week, on Monday at 07:00: an upload holds what reached them by then, first
the register's news, then visits, then corrections and withdrawals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo import answers as found
from demo import settlement, tours
from demo.forms import Forms
from demo.groups import Form
from demo.mistakes import dated, mistaken, reset_day
from demo.register import SEED, Ints, Register, day_of, stream

COUNTED = 57_158
ZONE = timezone(timedelta(hours=5))
START = datetime(2018, 1, 1, 6, 0, tzinfo=ZONE)
_FIRST_UPLOAD = datetime(2018, 1, 8, 7, 0, tzinfo=ZONE)
_UPLOADS = 74  # the last one on 2019-06-03
_WEEK = 7 * 1440
_FIRST_MINUTE = 7 * 1440 + 420  # of the first upload, counted from 2018-01-01 00:00

# Visits that do not count, beside those that do.
_WITHDRAWN, _VERIFIED, _UNKNOWN, _RESET = 380, 310, 45, 25
# What befalls visits that count.
_CORRECTED, _OTHER_SCHOOL, _OTHER_DAY, _WAS_RESET, _TWICE, _RESTORED = 880, 80, 45, 20, 30, 25
_OVERTAKEN, _OVERTAKING, _REPLAYED = 420, 60, 650

COUNTS, WITHDRAWN, VERIFIED, UNKNOWN, RESET = range(5)
PLAIN, CORRECTED, OTHER_SCHOOL, OTHER_DAY, WAS_RESET, TWICE, RESTORED, OVERTAKEN, OVERTAKING = (
    range(9)
)
_SCHOOL, _VISIT, _SIBLING, _AGAIN, _PUT, _DELETE, _DELETE_SIBLING = range(7)
_TURN = np.array([0, 1, 1, 1, 2, 2, 2])  # of the seven, within an upload

Kind = Literal["school", "visit", "correction", "withdrawal"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing sent to the API at `at`; `revision` is the one that `If-Match` names."""

    at: datetime
    kind: Kind
    source: str = ""
    visit_id: str = ""
    revision: int = 0
    reason: str = ""
    body: Form | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A Monday's upload, as ranges of arrivals: the register's news, visits, what amends them."""

    at: datetime
    news: range
    visits: range
    amendments: range


class History:
    """Everything that is sent after the register's first state, in the order of sending."""

    def __init__(self, register: Register, seed: int = SEED) -> None:
        rng = stream(seed, 4)
        total = COUNTED + _WITHDRAWN + _VERIFIED + _UNKNOWN + _RESET
        self.register = register
        self._tours = tours.plan(register, total, seed)
        self._role = _roles(total, rng)
        answers = found.draw(register, self._tours, self._role == COUNTS, seed)
        self._forms = Forms(register, self._tours, answers)
        reached = _reached(self._tours, answers.source, rng)
        self._fate = self._fates(reached, rng)
        self._plan = self._order(reached, rng)
        self.uploads = self._split()

    def __len__(self) -> int:
        """Return the number of arrivals."""
        return len(self._plan[0])

    def arrivals(self, first: int = 0, last: int | None = None) -> Iterator[Arrival]:
        """Yield the arrivals from `first` on, making each body only then."""
        end = len(self) if last is None else last
        for index in range(first, end):
            yield self.arrival(index)

    def arrival(self, index: int) -> Arrival:
        """Return one arrival; equal histories return equal arrivals."""
        upload, kind, row, step = (int(value) for value in self._plan[:, index])
        at = _FIRST_UPLOAD + timedelta(minutes=upload * _WEEK)
        if kind == _SCHOOL:
            return Arrival(at, "school", body=self._school(row))
        source = self._forms.source(row)
        visit_id = self._forms.visit_id(row, step if kind in (_SIBLING, _DELETE_SIBLING) else 0)
        if kind in (_DELETE, _DELETE_SIBLING):
            reason = "taken for a double" if self._fate[row] == RESTORED else "entered twice"
            return Arrival(at, "withdrawal", source, visit_id, 1, reason)
        if kind == _SIBLING:
            body = mistaken(self._forms.form(row), row) | {"visit_id": visit_id}
            return Arrival(at, "visit", source, visit_id, body=body)
        body = self._form(row)
        if kind == _PUT:
            last = self._fate[row] != TWICE or step == 2
            body = body if last else mistaken(body, row + 1)
            return Arrival(at, "correction", source, visit_id, step, body=body)
        return Arrival(at, "visit", source, visit_id, body=self._first_form(row, body))

    def _school(self, index: int) -> Form:
        """Return a school's record: of a dated change, or (negative) of a late registration."""
        if index < 0:
            return self.register.school_body(-index - 1)
        return self.register.change_body(self.register.changes[index])

    def _form(self, row: int) -> Form:
        """Return the form as it stands in the end."""
        form = self._forms.form(row)
        role = self._role[row]
        if role == VERIFIED:
            form["visit_type"] = "verification"
        elif role == UNKNOWN:
            form["school_code"] = str(90_000 + int(self._tours.school[row]) % 9_000)
        elif role == RESET:
            form = dated(form, reset_day(int(self._tours.day[row])))
        return form

    def _first_form(self, row: int, form: Form) -> Form:
        """Return the form as it is sent first: wrong when it will be corrected."""
        fate, day = int(self._fate[row]), int(self._tours.day[row])
        if fate in (CORRECTED, TWICE):
            return mistaken(form, row)
        if fate == OTHER_SCHOOL:
            other = self._neighbour(int(self._tours.school[row]))
            return form | {"school_code": self.register.school_code(other)}
        if fate == OTHER_DAY:
            return dated(form, day_of(max(0, day - 2 - row % 25)))
        if fate == WAS_RESET:
            return dated(form, reset_day(day))
        return form

    def _neighbour(self, school: int) -> int:
        """Return another school registered from the start, of the same cluster if possible."""
        for other in range(school - 1, -1, -1):
            if self.register.registered_on[other] < 0:
                return other
        return school + 1

    def _fates(self, reached: Ints, rng: Generator) -> Ints:
        """Choose what befalls visits that count; some only when there is time left for it."""
        fate = np.zeros(len(reached), dtype=np.int32)
        early = (self._role == COUNTS) & (reached < (_UPLOADS - 12) * _WEEK)
        able = rng.permutation(np.flatnonzero(early))
        named = [row for row in able.tolist() if self._forms.has_monitor(row)]
        rows = iter(named)
        for kind, count in (
            (CORRECTED, _CORRECTED),
            (OTHER_SCHOOL, _OTHER_SCHOOL),
            (OTHER_DAY, _OTHER_DAY),
            (WAS_RESET, _WAS_RESET),
            (TWICE, _TWICE),
            (RESTORED, _RESTORED),
            (OVERTAKEN, _OVERTAKEN),
            (OVERTAKING, _OVERTAKING),
        ):
            for _ in range(count):
                fate[next(rows)] = kind
        return fate

    def _order(self, reached: Ints, rng: Generator) -> Ints:
        """Return upload, kind, row and step of every arrival, in the order of sending."""
        parts = [
            _rows(_VISIT, np.arange(len(reached)), reached, 0),
            *self._news(),
            *self._later(reached, rng),
        ]
        upload, kind, row, step, minute = np.concatenate(parts, axis=1)
        # A second submission of the day (the sibling) goes before or after its visit.
        order = np.lexsort((kind, row, minute, _TURN[kind], upload))
        return np.ascontiguousarray(np.array([upload, kind, row, step])[:, order], dtype=np.int32)

    def _news(self) -> list[Ints]:
        """Return the register's later records, each a day after it becomes known."""
        known = np.array([change.known for change in self.register.changes])
        late = np.flatnonzero(self.register.registered_on >= 0)
        return [
            _rows(_SCHOOL, np.arange(len(known)), (known + 1) * 1440, 0),
            _rows(_SCHOOL, -late - 1, (self.register.registered_on[late] + 1) * 1440, 0),
        ]

    def _later(self, reached: Ints, rng: Generator) -> list[Ints]:
        """Return what follows the visits: siblings, replays, corrections, withdrawals."""

        def of(*fates: int) -> NDArray[np.intp]:
            return np.flatnonzero(np.isin(self._fate, fates))

        def after(rows: NDArray[np.intp], weeks: int) -> Ints:
            wait = rng.integers(0, 3, len(rows)) + weeks
            return np.asarray(reached[rows] + wait * _WEEK, dtype=np.int32)

        once = of(CORRECTED, OTHER_SCHOOL, OTHER_DAY, WAS_RESET)
        twice, restored = of(TWICE), of(RESTORED)
        overtaken, overtaking = of(OVERTAKEN), of(OVERTAKING)
        withdrawn = np.flatnonzero(self._role == WITHDRAWN)
        replayed = rng.choice(np.flatnonzero(self._fate == PLAIN), _REPLAYED, replace=False)
        replayed = replayed[self._role[replayed] != WITHDRAWN]
        return [
            _rows(_SIBLING, overtaken, reached[overtaken] - 1, 1),
            _rows(_SIBLING, overtaking, reached[overtaking] + 1, 2),
            _rows(_DELETE_SIBLING, overtaking, after(overtaking, 1), 2),
            _rows(_AGAIN, replayed, after(replayed, 0), 0),
            _rows(_PUT, once, after(once, 0), 1),
            _rows(_PUT, twice, after(twice, 0), 1),
            _rows(_PUT, twice, after(twice, 4), 2),
            _rows(_DELETE, restored, after(restored, 0), 1),
            _rows(_PUT, restored, after(restored, 4), 2),
            _rows(_DELETE, withdrawn, after(withdrawn, 1), 1),
        ]

    def _split(self) -> list[Upload]:
        """Return the uploads with their arrivals."""
        places = self._plan[0] * 3 + _TURN[self._plan[1]]
        edges = np.searchsorted(places, np.arange(3 * _UPLOADS + 1)).tolist()
        return [
            Upload(
                _FIRST_UPLOAD + timedelta(minutes=number * _WEEK),
                *(range(*edges[3 * number + turn : 3 * number + turn + 2]) for turn in range(3)),
            )
            for number in range(_UPLOADS)
        ]


def _rows(kind: int, row: NDArray[np.signedinteger], minute: Ints, step: int) -> Ints:
    """Return upload, kind, row, step and minute of arrivals that are ready at `minute`."""
    upload = np.clip(-((_FIRST_MINUTE - minute) // _WEEK), 0, _UPLOADS - 1)
    same = np.ones(len(row), dtype=np.int32)
    return np.array([upload, same * kind, row, same * step, minute], dtype=np.int32)


def _roles(total: int, rng: Generator) -> Ints:
    """Choose which visits count, and why the others do not."""
    role = np.zeros(total, dtype=np.int32)
    rows = rng.permutation(total)
    start = 0
    for kind, count in (
        (WITHDRAWN, _WITHDRAWN),
        (VERIFIED, _VERIFIED),
        (UNKNOWN, _UNKNOWN),
        (RESET, _RESET),
    ):
        role[rows[start : start + count]] = kind
        start += count
    return role


def _reached(plan: tours.Tours, source: Ints, rng: Generator) -> Ints:
    """Return the minute at which each visit reached its partner's server, all before the last.

    Tablets send at once when they find a network, some after weeks; paper is typed in later.
    """
    count = len(plan)
    draw, wait = rng.random(count), rng.random(count)
    days = np.where(
        draw < 0.7,
        wait * 0.4,
        np.where(draw < 0.9, 1 + wait * 6, np.where(draw < 0.98, 7 + wait * 23, 30 + wait * 90)),
    )
    days = np.where(source == found.DESK, 12 + wait * 40, days)
    days = np.where(source == found.KOBO, wait * 3, days)
    ended = plan.day * 1440 + plan.minute + plan.minutes + 10
    end = _FIRST_MINUTE + (_UPLOADS - 1) * _WEEK - 60
    minute = ended + days * 1440
    return np.where(minute > end, end - wait * 2000, minute).astype(np.int32)


def history(seed: int = SEED) -> History:
    """Return the demonstration's register and everything that is sent about it."""
    return History(settlement.build(seed), seed)
