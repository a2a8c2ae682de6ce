"""Distinct schools from presence records, against counting by hand and by brute force."""

import numpy as np

from services.indicators import presence
from services.indicators.cells import PRESENCE
from services.indicators.figures import NEVER
from services.indicators.measures import ANSWERED, BIT

VISIT = BIT["visits"]
TEACHERS = BIT["teachers_answered"]


def blob(*records: tuple[int, int, int, int]) -> bytes:
    return np.array(list(records), PRESENCE).tobytes()


def joined(*rows: tuple[int, bytes]) -> presence.Present:
    data = [row[1] for row in rows]
    return presence.join([row[0] for row in rows], [len(each) for each in data], b"".join(data))


def count(found: presence.Seen, grouping: list[int], size: int, name: str) -> list[int]:
    layer = np.array(grouping, np.int64)
    return presence.distinct(found, layer, size)[:, ANSWERED.index(name)].tolist()


def test_a_school_visited_twice_is_one_school_and_two_visits() -> None:
    present = joined((0, blob((3, 10, VISIT, 1), (3, 11, VISIT | TEACHERS, 1))))
    found = presence.seen(present, 1, 5)
    assert count(found, [0], 1, "visits") == [1]
    assert count(found, [0], 1, "teachers_answered") == [1]
    schools, visits = presence.covered(found, np.array([-1, -1, -1, 0, -1]), 1)
    assert (schools.tolist(), visits.tolist()) == ([1], [2])


def test_a_school_that_moved_counts_once_above_and_once_in_each_place() -> None:
    present = joined((0, blob((3, 10, VISIT, 1))), (1, blob((3, 11, VISIT, 1))))
    found = presence.seen(present, 2, 5)
    assert count(found, [0, 1], 2, "visits") == [1, 1]
    assert count(found, [0, 0], 1, "visits") == [1]
    assert count(found, [0, -1], 1, "visits") == [1]


def test_a_place_of_more_schools_than_sixteen_bits_count_has_them_all() -> None:
    many = 70_000
    records = np.zeros(many + 3, PRESENCE)
    records["school"], records["count"], records["day"] = np.arange(many + 3), 1, 10
    records["mask"] = VISIT
    records["mask"][:5] |= TEACHERS
    blobs = [records[:many].tobytes(), records[many:].tobytes()]
    found = presence.seen(joined((0, blobs[0]), (1, blobs[1])), 2, many + 3)
    assert count(found, [0, 1], 2, "visits") == [many, 3]
    assert count(found, [0, 0], 1, "visits") == [many + 3]
    assert count(found, [0, 1], 2, "teachers_answered") == [5, 0]


def test_what_another_slot_took_back_was_never_there() -> None:
    present = joined((0, blob((3, 10, VISIT, 1), (4, 10, VISIT, 1))), (0, blob((3, 10, VISIT, -1))))
    found = presence.seen(present, 1, 5)
    assert count(found, [0], 1, "visits") == [1]
    assert present.school.tolist() == [4]


def test_two_equal_visits_in_two_slots_survive_the_withdrawal_of_one() -> None:
    present = joined((0, blob((3, 10, VISIT, 2))), (0, blob((3, 10, VISIT, -1))))
    assert present.count.tolist() == [1]


def test_the_newest_day_is_that_of_the_group() -> None:
    present = joined((0, blob((3, 10, VISIT, 1), (4, 12, VISIT, 1))), (1, blob((5, 11, VISIT, 1))))
    found = presence.seen(present, 3, 6)
    assert presence.newest(found, np.array([0, 1, 2]), 3).tolist() == [12, 11, NEVER]
    assert presence.newest(found, np.array([0, 0, -1]), 1).tolist() == [12]


def test_nobody_visited_anywhere() -> None:
    found = presence.seen(joined(), 2, 3)
    assert count(found, [0, 0], 1, "visits") == [0]
    assert presence.newest(found, np.array([0, -1]), 1).tolist() == [NEVER]


def test_counts_equal_sets_on_random_visits() -> None:
    rng = np.random.default_rng(1)
    rows = [
        (int(p), (int(s), int(d), int(m) * 2 + 1, 1))
        for p, s, d, m in zip(
            rng.integers(0, 6, 400),
            rng.integers(0, 40, 400),
            rng.integers(0, 90, 400),
            rng.integers(0, 1 << 20, 400),
            strict=True,
        )
    ]
    present = joined(*((path, blob(record)) for path, record in rows)).between(20, 60)
    found = presence.seen(present, 6, 40)
    grouping = [0, 1, 0, -1, 1, 2]
    for name in ("visits", "teachers_answered", "students_boys_answered"):
        sets: list[set[int]] = [set(), set(), set()]
        for path, (school, day, mask, _) in rows:
            if 20 <= day <= 60 and mask & BIT[name] and grouping[path] >= 0:
                sets[grouping[path]].add(school)
        assert count(found, grouping, 3, name) == [len(each) for each in sets]


def test_repeats_are_squared_visits_of_each_school_wherever_it_was_seen() -> None:
    # School 0: three visits under path 0. School 1: one under path 0, two under path 1.
    found = presence.seen(
        presence.Present(
            np.array([0, 0, 0, 1]),
            np.array([0, 1, 0, 1]),
            np.array([1, 1, 2, 3]),
            np.zeros(4, np.uint64),
            np.array([1, 1, 2, 2]),
        ),
        2,
        2,
    )
    apart = presence.repeats(found, np.array([0, 1]), 2)
    assert apart.tolist() == [3**2 + 1, 2**2]
    together = presence.repeats(found, np.array([0, 0]), 1)
    assert together.tolist() == [3**2 + 3**2]
    assert presence.repeats(found, np.array([-1, 0]), 1).tolist() == [2**2]
