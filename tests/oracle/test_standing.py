"""Which visits count (02 §3) and what stands on a day (02 §4), by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.oracle.small import answer, body, call, figure, month, on, school, visit
from tests.oracle.visits import Operation

A = school("1")
NOTHING = (0, 0, 0, 0, "not_measured")


def made(history: list[Operation], **asked: Any) -> int:
    return int(answer(history, **asked)["visits"])


def rooms(name: str, day: str, usable: int, **more: Any) -> Operation:
    return visit(name, "1", day, rooms={"available": 9, "usable": usable}, **more)


def usable(history: list[Operation], day: str, **asked: Any) -> int | None:
    """The usable rooms that stand on the day; None when nothing stands."""
    found = figure(history, "usable_rooms", **on(day), **asked)
    return int(found[0]) if found[2] else None


def test_withdrawn_and_restored() -> None:
    history = [A, visit("a", "1", "2018-03-05"), call("withdraw", "a")]
    assert made(history) == 0
    history.append(call("restore", "a", form=body("1", "2018-03-06")))
    assert made(history) == 1


def test_excluded_stays_excluded_through_a_correction() -> None:
    history = [A, visit("a", "1", "2018-03-05"), call("review", "a", decision="exclude")]
    assert made(history) == 0
    history.append(call("correct", "a", form=body("1", "2018-03-06")))
    assert made(history) == 0
    history.append(call("review", "a", decision="include"))
    assert made(history) == 1


def test_verification_enters_nothing_and_supersedes_nothing() -> None:
    history = [
        A,
        visit("a", "1", "2018-03-05", monitor_id="M"),
        visit("b", "1", "2018-03-05", monitor_id="M", visit_type="verification"),
    ]
    assert made(history) == 1
    assert figure(history, "visits_made", "visit_type:verification")[4] == "absent"


def test_an_unknown_school_waits_and_counts_in_its_own_period() -> None:
    history = [A, visit("a", "0077", "2018-03-05")]
    assert made(history) == 0
    history.append(school("77", on=date(2019, 5, 1)))
    assert made(history) == 1


def test_an_unknown_school_is_corrected() -> None:
    history = [A, visit("a", "77", "2018-03-05")]
    history.append(call("correct", "a", form=body("1", "2018-03-05")))
    assert made(history) == 1


def test_a_correction_moves_the_visit_to_another_school_and_back_to_quarantine() -> None:
    history = [A, school("2", "C3"), visit("a", "1", "2018-03-05")]
    history.append(call("correct", "a", form=body("2", "2018-03-05")))
    assert (made(history, unit="D1"), made(history, unit="D2")) == (0, 1)
    history.append(call("correct", "a", form=body("77", "2018-03-05")))
    assert made(history) == 0


def test_before_the_first_day() -> None:
    wide = {"first": "2010-01-01", "last": "2018-12-31"}
    history = [A, visit("a", "1", "2012-03-05"), visit("b", "1", "2017-12-31T19:00:00Z")]
    assert made(history, **wide) == 1  # b is 00:00 of 2018-01-01 in Karachi
    history.append(call("review", "a", decision="release"))
    assert made(history, **wide) == 2
    assert made(history, **month("2012-03")) == 1


def test_before_the_first_day_corrected() -> None:
    history = [A, visit("a", "1", "2012-03-05")]
    history.append(call("correct", "a", form=body("1", "2018-03-05")))
    assert made(history) == 1
    assert made(history, **month("2012-03")) == 0


def test_a_day_is_local() -> None:
    history = [A, visit("a", "1", "2018-03-31T19:00:00Z"), visit("b", "1", "2018-03-31T18:59:59Z")]
    assert made(history) == 1
    assert made(history, **month("2018-04")) == 1


def test_the_later_submission_of_a_monitor_and_day_counts() -> None:
    history = [
        A,
        rooms("b", "2018-03-05T11:00:00+05:00", 5, monitor_id="M"),
        rooms("a", "2018-03-05T08:00:00+05:00", 3, monitor_id="M"),
    ]
    assert made(history) == 1
    assert usable(history, "2018-03-05") == 3
    history.append(call("withdraw", "a"))
    assert usable(history, "2018-03-05") == 5
    history.append(call("restore", "a", form=history[2]["form"]))
    assert usable(history, "2018-03-05") == 3  # restoring makes nothing later or earlier


def test_a_correction_does_not_make_a_visit_later() -> None:
    history = [
        A,
        rooms("a", "2018-03-05", 3, monitor_id="M"),
        rooms("b", "2018-03-05", 5, monitor_id="M"),
    ]
    form = {**history[1]["form"], "rooms": {"available": 9, "usable": 9}}
    history.append(call("correct", "a", form=form))
    assert usable(history, "2018-03-05") == 5


def test_equal_receipts_are_decided_by_visit_id() -> None:
    history = [
        A,
        {**rooms("b", "2018-03-05", 5, monitor_id="M"), "received": 7},
        {**rooms("a", "2018-03-05", 3, monitor_id="M"), "received": 7},
    ]
    assert usable(history, "2018-03-05") == 5


@pytest.mark.parametrize(
    "other",
    [
        {"monitor_id": "N"},
        {"monitor_id": "M", "visited_at": "2018-03-06T09:00:00+05:00"},
        {"monitor_id": "M", "school_code": "2"},
        {"monitor_id": None},
    ],
)
def test_nothing_else_supersedes(other: dict[str, Any]) -> None:
    first, second = visit("a", "1", "2018-03-05", monitor_id="M"), visit("b", "1", "2018-03-05")
    second["form"].update(other)
    assert made([A, school("2"), first, second]) == 2


def test_without_monitor_nothing_is_superseded() -> None:
    assert made([A, visit("a", "1", "2018-03-05"), visit("b", "1", "2018-03-05")]) == 2


def test_supersession_is_decided_among_standing_visits_of_any_source() -> None:
    history = [
        A,
        visit("a", "01", "2018-03-05", monitor_id="M"),
        {**visit("a", "1", "2018-03-05", monitor_id="M"), "source": "partner"},
    ]
    assert made(history) == 1
    history.append({**call("review", "a", decision="exclude"), "source": "partner"})
    assert made(history) == 1
    history.append(call("review", "a", decision="exclude"))
    assert made(history) == 0


def test_a_pair_superseded_until_its_date_is_corrected() -> None:
    history = [
        A,
        visit("a", "1", "2018-03-05", monitor_id="M"),
        visit("b", "1", "2018-03-05", monitor_id="M"),
        call("correct", "b", form=body("1", "2018-03-09", monitor_id="M")),
    ]
    assert made(history) == 2


def test_a_stock_stands_from_its_day_for_365_days() -> None:
    history = [A, rooms("a", "2018-03-05", 4)]
    assert usable(history, "2018-03-04") is None
    assert usable(history, "2018-03-05") == 4
    assert usable(history, "2019-03-04") == 4
    assert usable(history, "2019-03-05") is None


def test_a_stock_stands_until_the_next_answer_of_its_group() -> None:
    history = [
        A,
        rooms("b", "2018-05-01", 2),
        rooms("a", "2018-03-05", 4),
        visit("c", "1", "2018-06-01", toilets={"soap": True}),
    ]
    assert usable(history, "2018-04-30") == 4
    assert usable(history, "2018-05-01") == 2
    assert usable(history, "2018-06-01") == 2


def test_a_replaced_answer_never_returns() -> None:
    history = [A, rooms("a", "2018-03-05", 4), rooms("b", "2018-03-01", 2)]
    assert usable(history, "2019-02-28") == 4
    assert usable(history, "2019-03-04") == 4
    assert usable(history, "2019-03-05") is None


def test_any_field_of_a_group_replaces_all_of_it() -> None:
    history = [
        A,
        rooms("a", "2018-03-05", 4),
        visit("b", "1", "2018-03-10", rooms={"open_air_classes": 1}),
    ]
    assert usable(history, "2018-03-09") == 4
    assert usable(history, "2018-03-10") is None


def test_an_empty_group_says_nothing() -> None:
    later = visit("b", "1", "2018-03-10", rooms={"available": None}, toilets={"boys": {}})
    assert usable([A, rooms("a", "2018-03-05", 4), later], "2018-03-10") == 4


def test_a_meeting_replaces_the_feeders_word() -> None:
    word = {"feeder_attended_procurement": "attended"}
    history = [A, visit("a", "1", "2018-03-05", participation=word)]
    assert figure(history, "procurement_participation")[0] == 1
    other = {"child_club_formed": True, "ptsmc_formed": True}
    history.append(visit("b", "1", "2018-03-06", participation=other))
    assert figure(history, "procurement_participation")[0] == 1
    held = {"procurement_meeting_held": False}
    history.append(visit("c", "1", "2018-03-07", participation=held))
    assert figure(history, "procurement_participation") == NOTHING
    assert figure(history, "child_clubs") == (1, 1, 1, 1, "value")


def test_two_answers_of_one_day_are_ordered_by_instant_then_id() -> None:
    history = [
        A,
        rooms("x", "2018-03-05T09:00:00+05:00", 4),
        rooms("a", "2018-03-05T05:00:00Z", 6),  # 10:00 in Karachi
    ]
    assert usable(history, "2018-03-05") == 6
    history.append(rooms("b", "2018-03-05T10:00:00+05:00", 8))
    assert usable(history, "2018-03-05") == 8


def test_a_withdrawn_answer_lets_the_earlier_stand_again() -> None:
    history = [A, rooms("a", "2018-03-05", 4), rooms("b", "2018-03-10", 2), call("withdraw", "b")]
    assert usable(history, "2018-03-10") == 4


def test_stocks_are_of_the_window_end_or_of_today() -> None:
    history = [A, rooms("a", "2018-03-05", 4), rooms("b", "2018-03-20", 2)]
    assert figure(history, "usable_rooms")[0] == 2
    early = {"today": date(2018, 3, 10)}
    assert figure(history, "usable_rooms", **early)[0] == 4
    assert figure(history, "coverage", **early)[:2] == (1, 1)


def test_known_is_any_counted_visit_of_the_last_365_days() -> None:
    history = [A, school("2"), visit("a", "1", "2018-03-05", status="refused")]
    assert figure(history, "schools_known", **on("2018-03-04")) == (0, 2, 0, 0, "value")
    assert figure(history, "schools_known", **on("2019-03-04")) == (1, 2, 1, 1, "value")
    assert figure(history, "schools_known", **on("2019-03-05")) == (0, 2, 0, 0, "value")
