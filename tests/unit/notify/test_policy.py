"""When and whether a message goes out."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.policy import (
    AWAIT_REPORT,
    HOUR,
    LEASE,
    SECOND,
    Action,
    Outcome,
    Situation,
    after_unknown,
    hold_until,
    parse_quiet_hours,
    recheck,
    release,
    retry_delay,
)
from services.notify.receipts import LADDER, higher, meaning
from shared.clock import from_micros, micros

ZONE = ZoneInfo("Asia/Karachi")
QUIET = parse_quiet_hours("19:00-07:30")
CASE = Situation(
    step="fire",
    alert="firing",
    acknowledged=False,
    posted=True,
    told=None,
    blocker=None,
    expired=False,
)


def local(text: str) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2018-03-05T09:00:00", "2018-03-05T09:00:00"),
        ("2018-03-05T18:59:59", "2018-03-05T18:59:59"),
        ("2018-03-05T19:00:00", "2018-03-06T07:30:00"),
        ("2018-03-06T00:00:00", "2018-03-06T07:30:00"),
        ("2018-03-06T07:30:00", "2018-03-06T07:30:00"),
        ("2018-03-03T20:00:00", "2018-03-05T07:30:00"),
        ("2018-03-04T12:00:00", "2018-03-05T07:30:00"),
    ],
)
def test_quiet_hours_and_sundays(now: str, then: str) -> None:
    assert release(local(now), QUIET, ZONE) == local(then)


def test_quiet_hours_within_a_day() -> None:
    noon = parse_quiet_hours("12:00-14:00")
    assert release(local("2018-03-05T13:00:00"), noon, ZONE) == local("2018-03-05T14:00:00")
    assert release(local("2018-03-05T23:00:00"), noon, ZONE) == local("2018-03-05T23:00:00")


def test_none_switches_sundays_off_too() -> None:
    sunday = local("2018-03-04T03:00:00")
    assert parse_quiet_hours("none") is None
    assert release(sunday, None, ZONE) == sunday


@pytest.mark.parametrize("text", ["", "19:00", "25:00-07:00", "07:00-07:00", "19:00-", "a-b"])
def test_senseless_quiet_hours(text: str) -> None:
    with pytest.raises(ValueError, match="quiet hours"):
        parse_quiet_hours(text)


@given(
    st.integers(0, 60 * 24 * 800),
    st.sampled_from(["Asia/Karachi", "Asia/Dhaka", "Europe/Berlin", "America/New_York"]),
)
def test_release_is_never_quiet_and_never_early(minutes: int, zone: str) -> None:
    now = local("2018-01-01T00:00:00") + minutes * 60 * SECOND
    then = release(now, QUIET, ZoneInfo(zone))
    assert then >= now
    assert release(then, QUIET, ZoneInfo(zone)) == then
    day = from_micros(then).astimezone(ZoneInfo(zone))
    assert day.weekday() != 6
    assert timedelta(hours=7, minutes=30) <= timedelta(hours=day.hour, minutes=day.minute)


def test_retries_grow_and_stay_near_their_schedule() -> None:
    refused = [retry_delay(Outcome.REFUSED, n, 0.5) // SECOND for n in range(1, 9)]
    assert refused == [30, 120, 600, 3600, 14400, 43200, 43200, 43200]
    unreachable = [retry_delay(Outcome.UNREACHABLE, n, 0.5) // SECOND for n in range(1, 9)]
    assert max(unreachable) == 60
    assert retry_delay(Outcome.REFUSED, 1, 0.0) == 24 * SECOND
    assert retry_delay(Outcome.REFUSED, 1, 1.0) == 36 * SECOND


def test_hourly_cap_is_for_sms() -> None:
    now = 100 * HOUR
    sent = [now - minutes * 60 * SECOND for minutes in range(1, 11)]
    assert hold_until(sent, now, "email") is None
    assert hold_until(sent[:9], now, "sms") is None
    assert hold_until(sent, now, "sms") == sent[-1] + HOUR
    assert hold_until([now - HOUR] * 20, now, "sms") is None


def test_unknown_fate() -> None:
    def fate(channel: str, severity: str, resent: int, waited: int) -> Action:
        return after_unknown(channel, severity, resent=resent, since=0, now=waited)[0]

    assert fate("email", "watch", 0, 0) is Action.RESEND
    assert fate("email", "watch", 1, 0) is Action.WAIT
    assert fate("email", "watch", 1, LEASE) is Action.RESEND
    assert fate("email", "watch", 3, LEASE) is Action.LEAVE
    assert fate("sms", "critical", 0, AWAIT_REPORT - 1) is Action.WAIT
    assert fate("sms", "critical", 0, AWAIT_REPORT) is Action.RESEND
    assert fate("sms", "critical", 1, AWAIT_REPORT) is Action.LEAVE
    assert fate("sms", "warning", 0, AWAIT_REPORT) is Action.RESEND
    assert fate("sms", "watch", 0, AWAIT_REPORT) is Action.LEAVE


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({}, Action.SEND),
        ({"alert": "acknowledged"}, Action.SEND),
        ({"alert": "resolved"}, Action.CANCEL),
        ({"alert": "rescinded"}, Action.CANCEL),
        ({"alert": "recovering"}, Action.WAIT),
        ({"blocker": "x"}, Action.INHIBIT),
        ({"posted": False}, Action.CANCEL),
        ({"expired": True}, Action.CANCEL),
        ({"step": "remind"}, Action.SEND),
        ({"step": "remind", "acknowledged": True}, Action.CANCEL),
        ({"step": "resolve", "alert": "resolved", "told": "accepted"}, Action.SEND),
        ({"step": "resolve", "alert": "resolved", "told": "unknown"}, Action.SEND),
        ({"step": "resolve", "alert": "resolved", "told": "sending"}, Action.WAIT),
        ({"step": "rescind", "alert": "rescinded", "told": "failed"}, Action.CANCEL),
        ({"step": "rescind", "alert": "rescinded", "told": None}, Action.CANCEL),
    ],
)
def test_recheck(change: dict[str, object], action: Action) -> None:
    values = {name: getattr(CASE, name) for name in Situation.__dataclass_fields__} | change
    found, reason = recheck(Situation(**values))
    assert found is action
    assert bool(reason) == (action is not Action.SEND)


@given(st.permutations(["1", "8", "8", "4", "1", "2"]), st.sampled_from(LADDER))
def test_reports_in_any_order_end_the_same(kinds: list[str], start: str) -> None:
    state = start
    for kind in kinds:
        reported = meaning(kind)
        assert reported is not None
        assert LADDER.index(higher(state, reported)) >= LADDER.index(state)
        state = higher(state, reported)
    assert state == "failed"


def test_late_delivery_and_strange_reports() -> None:
    assert higher("expired", "delivered") == "delivered"
    assert higher("delivered", "sent") == "delivered"
    assert higher("cancelled", "delivered") == "cancelled"
    assert meaning("33") is None
    assert meaning("DELIVERED") == "delivered"
