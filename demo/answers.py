"""Everything the visits found, as arrays: the base from which forms are written.

Owns which groups a visit answers, who sent it, and the wanted rates of the province; draws the
answers with `people`, `premises` and `conduct`. Only visits that will count move a rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo import conduct, people, premises
from demo.chance import Counts
from demo.people import CLOSED, OPEN, STAFF_ABSENT, Pair, Status
from demo.register import GIRLS, HIGH, MIXED, Flags, Floats, Ints, Register, stream
from demo.tours import Tours

# The circular's figures are whole percentages; these lie well inside the same whole percentages.
TARGETS = {
    "usable_rooms": 0.8213,
    "official_visits": 0.6982,
    "non_teaching_attendance": 0.8621,
    "student_attendance": 0.7388,
    "teacher_attendance": 0.7117,
    "usable_toilets": 0.4821,
    "learning_environment": 0.3579,
}
CLUB_SHARE, PROCUREMENT_SHARE = 0.41, 0.33

SOURCES = ("pmc-tablets", "district-desk", "partner-kobo")
TABLET, DESK, KOBO = range(3)


@dataclass(frozen=True, slots=True)
class Given:
    """Which groups each visit answers; a group that is not given is absent from its form."""

    students: Flags
    half_students: Flags  # girls enrolled are given, girls present are not
    teachers: Flags
    posted_only: Flags  # a closed school whose posts are known
    other_staff: Flags
    rooms: Flags
    toilets: Flags
    facilities: Flags
    oversight: Flags
    participation: Flags
    environment: Flags
    totals_only: Flags  # people without their sex


@dataclass(frozen=True, slots=True)
class Answers:
    """What was found at every visit; arrays run along the tours."""

    source: Ints
    status: Status
    given: Given
    students: Pair
    teachers: Pair
    other_staff: Pair
    rooms: premises.Stock
    toilets: premises.Stock
    clubs: Flags
    procurement: Ints
    officials: conduct.Officials
    environment: Counts
    noise: NDArray[np.uint64]  # shape (visits, 4): what is of no account for figures


def draw(register: Register, tours: Tours, counted: Flags, seed: int) -> Answers:
    """Draw all answers; `counted` says which visits will count in the end."""
    rng = stream(seed, 3)
    source = _sources(tours, rng)
    status = people.statuses(register, tours, rng)
    given = _given(register, tours, source, status, rng)
    cells = np.array([given.students, given.students & ~given.half_students]) & counted
    staff = np.array([given.teachers, given.teachers]) & counted
    others = np.array([given.other_staff, given.other_staff]) & counted
    return Answers(
        source=source,
        status=status,
        given=given,
        students=people.students(register, tours, cells, TARGETS["student_attendance"], rng),
        teachers=people.teachers(register, tours, staff, TARGETS["teacher_attendance"], rng),
        other_staff=people.other_staff(
            register, tours, others, TARGETS["non_teaching_attendance"], rng
        ),
        rooms=premises.rooms(register, tours, given.rooms, counted, TARGETS["usable_rooms"], rng),
        toilets=premises.toilets(
            register, tours, given.toilets, counted, TARGETS["usable_toilets"], rng
        ),
        clubs=premises.clubs(register, tours, CLUB_SHARE, rng),
        procurement=premises.procurement(register, tours, PROCUREMENT_SHARE, rng),
        officials=conduct.officials(
            register, tours, given.oversight & counted, TARGETS["official_visits"], rng
        ),
        environment=conduct.environment(
            register, tours, given.environment & counted, TARGETS["learning_environment"], rng
        ),
        noise=rng.integers(0, 2**64, (len(tours), 4), dtype=np.uint64),
    )


def _sources(tours: Tours, rng: Generator) -> Ints:
    """Return who sends a monitor's visits: most have tablets, some write on paper."""
    monitors = int(tours.monitor.max()) + 1
    kinds = rng.choice(3, size=monitors, p=[0.84, 0.1, 0.06])
    return np.asarray(kinds[tours.monitor], dtype=np.int32)


def _given(register: Register, tours: Tours, source: Ints, status: Status, rng: Generator) -> Given:
    """Draw which groups are answered, as the status and the sender allow."""
    count = len(tours)

    def often(share: float | Floats) -> Flags:
        return np.asarray(rng.random(count) < share)

    is_open, closed = status.status == OPEN, status.status == CLOSED
    by_caretaker = closed & often(0.35)
    gender = register.gender[tours.school]
    students = is_open & often(0.985)
    return Given(
        students=students,
        half_students=students & ((gender == MIXED) | (gender == GIRLS)) & often(0.012),
        teachers=is_open & often(0.99),
        posted_only=closed & (status.reason == STAFF_ABSENT) & often(0.6),
        other_staff=is_open & often(0.955),
        rooms=(is_open & often(0.975)) | (by_caretaker & often(0.9)),
        toilets=(is_open & often(0.965)) | (by_caretaker & often(0.7)),
        facilities=is_open & often(0.93),
        oversight=(is_open & often(0.96)) | (closed & often(0.4)),
        participation=is_open & often(np.where(register.level[tours.school] == HIGH, 0.97, 0.94)),
        environment=is_open & often(0.94),
        totals_only=(source == DESK) & often(0.5),
    )
