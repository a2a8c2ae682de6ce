"""Query parameters: what is read and what is refused, with a pointer."""

from datetime import date

import pytest

from services.indicators import asking
from services.indicators.asking import pieces, question
from services.indicators.definition_file import shipped
from shared.domain.periods import parse_period
from shared.domain.school_years import SchoolYears
from shared.errors import Problem

TODAY = date(2019, 6, 3)


def refused(**asked: str | None) -> tuple[int, str]:
    with pytest.raises(Problem) as refusal:
        question(TODAY, **({"period": "2018", "ending": None, "view": None} | asked))
    return refusal.value.status, refusal.value.errors[0].pointer


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"period": None}, "/query/period"),
        ({"period": "2018-13"}, "/query/period"),
        ({"period": "2018-05..2018-01"}, "/query/period"),
        ({"period": "9999-01-01..9999-12-31"}, "/query/period"),
        ({"period": "0001"}, "/query/period"),
        ({"ending": "yesterday"}, "/query/ending"),
        ({"view": "restate"}, "/query/view"),
        ({"confidence": "nan"}, "/query/confidence"),
        ({"confidence": "1"}, "/query/confidence"),
        ({"since": "2018-03-05"}, "/query/since"),
        ({"since": "2018-03-05T10:00:00"}, "/query/since"),
        ({"received_until": "now"}, "/query/received_until"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_pointer(
    asked: dict[str, str | None], pointer: str
) -> None:
    assert refused(**asked) == (422, pointer)


def test_a_time_whose_plus_arrived_as_a_space_is_understood() -> None:
    plus = question(TODAY, "2018", None, None, since="2018-03-05T10:00:00+05:00")
    space = question(TODAY, "2018", None, None, since="2018-03-05T10:00:00 05:00")
    assert plus.since == space.since


def test_a_rolling_period_ends_today_unless_moved() -> None:
    assert question(TODAY, "last-30-days", None, None).period.last == TODAY
    moved = question(TODAY, "last-30-days", "2018-03-30", None).period
    assert (moved.first, moved.last) == (date(2018, 3, 1), date(2018, 3, 30))


def test_pieces_are_calendar_pieces_cut_at_the_ends() -> None:
    window = question(TODAY, "2018-02-10..2018-07-31", None, None).period
    assert [piece.text for piece in pieces(window, "month")][:2] == [
        "2018-02-10..2018-02-28",
        "2018-03",
    ]
    assert [piece.text for piece in pieces(window, "quarter")] == [
        "2018-02-10..2018-03-31",
        "2018-Q2",
        "2018-07-01..2018-07-31",
    ]
    assert [piece.text for piece in pieces(window, "year")] == ["2018-02-10..2018-07-31"]


def test_a_series_has_a_bounded_number_of_pieces() -> None:
    window = question(TODAY, "1950-01..2019-12", None, None).period
    with pytest.raises(Problem) as refusal:
        pieces(window, "month")
    assert refusal.value.errors[0].code == "too_many_pieces"


def test_an_unknown_indicator_or_split_is_refused() -> None:
    for indicator, split, pointer in (
        ("attendance", None, "/path/indicator"),
        ("student_attendance", "male", "/query/split"),
    ):
        with pytest.raises(Problem) as refusal:
            asking.read_line(shipped(), indicator, split)
        assert (refusal.value.status, refusal.value.errors[0].pointer) == (422, pointer)


def test_a_version_that_an_indicator_never_had_is_refused() -> None:
    definitions = shipped()
    assert asking.read_line(definitions, "usable_rooms", None, "1") == definitions.place(
        "usable_rooms"
    )
    for text in ("2", "0", "-1", "one", "٢"):
        with pytest.raises(Problem) as refusal:
            asking.read_line(definitions, "usable_rooms", None, text)
        assert refusal.value.errors[0].pointer == "/query/definition"


def test_school_years_cover_a_period_and_are_cut_to_it() -> None:
    years = SchoolYears.since({date(2018, 1, 1): (3, 1)})
    window = parse_period("2018-01..2020-02", date(2020, 6, 1))
    assert [step.text for step in pieces(window, "school-year", years)] == [
        "2018-01-01..2018-02-28",
        "school-year-2018",
        "school-year-2019",
    ]
    with pytest.raises(Problem) as refusal:
        pieces(window, "school-year", None)
    assert (refusal.value.code, refusal.value.errors[0].pointer) == ("no_school_year", "/query/by")
