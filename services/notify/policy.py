"""Why, when and whether a message goes out: pure answers, with the time as an argument.

Owns quiet hours, flush and expiry times, retry delays, what happens to a message whose fate is
unknown, the hourly cap, and the re-check before each attempt. Who does these things is `planner`
and `sender`; which words are used is in `messages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.notify.life import OPEN_PHASES, Phase
from shared.clock import from_micros, micros

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

REMIND_AFTER = 3 * DAY
"""How long an alert stays unacknowledged before the one reminder."""
LEASE = 2 * MINUTE
"""How long a claimed message belongs to its sender; longer than any attempt may take."""
AWAIT_REPORT = 15 * MINUTE
"""How long a delivery report is awaited for an SMS whose fate is unknown."""
HOURLY_SMS = 10
"""Messages one officer gets by SMS within an hour; the rest waits and is grouped."""

_EXPIRES = {"fire": 48 * HOUR, "remind": 24 * HOUR, "resolve": 72 * HOUR, "rescind": 72 * HOUR}
_REFUSED = (30, 120, 600, 3600, 4 * 3600, 12 * 3600)
_UNREACHABLE = (2, 5, 10, 20, 30, 60)
_MAIL_AGAIN = (0, LEASE, LEASE)
_SUNDAY = 6


class Outcome(StrEnum):
    """How one attempt to hand a message over ended."""

    ACCEPTED = "accepted"
    UNREACHABLE = "unreachable"
    """Nobody answered and nothing was handed over: cheap and safe to try again soon."""
    REFUSED = "refused"
    """A temporary no: try again later and later."""
    PERMANENT = "permanent"
    """A final no: never try again by itself."""
    UNKNOWN = "unknown"
    """It may or may not have been taken."""


class Step(StrEnum):
    """Why somebody is told."""

    FIRE = "fire"
    REMIND = "remind"
    RESOLVE = "resolve"
    RESCIND = "rescind"


class Action(StrEnum):
    """What to do with a message now."""

    SEND = "send"
    WAIT = "wait"
    CANCEL = "cancel"
    INHIBIT = "inhibit"
    RESEND = "resend"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local times between which nobody is disturbed; Sundays are quiet all day."""

    start: time
    end: time


def parse_quiet_hours(text: str) -> QuietHours | None:
    """Return the quiet hours of `19:00-07:30`, None for `none`; raises ValueError otherwise."""
    if text.strip().lower() == "none":
        return None
    start, dash, end = text.strip().partition("-")
    try:
        hours = QuietHours(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))
    except ValueError:
        dash = ""
    if not dash or hours.start == hours.end or hours.start.tzinfo or hours.end.tzinfo:
        raise ValueError("quiet hours are written 19:00-07:30, or none")
    return hours


def release(now: int, quiet: QuietHours | None, zone: ZoneInfo) -> int:
    """Return the first moment (µs) from `now` on at which people may be disturbed."""
    if quiet is None:
        return now
    local = from_micros(now).astimezone(zone)
    while (until := _quiet_until(local, quiet)) is not None:
        local = until
    return max(now, micros(local.astimezone(UTC)))


def _quiet_until(local: datetime, quiet: QuietHours) -> datetime | None:
    """Return when the present quiet stretch ends, or None when it is not quiet."""
    midnight = datetime.combine(local.date() + timedelta(days=1), time(0), local.tzinfo)
    if local.weekday() == _SUNDAY:
        return midnight
    clock = local.time().replace(fold=0)
    if quiet.start < quiet.end:
        inside, ends = quiet.start <= clock < quiet.end, local.date()
    else:
        inside = clock >= quiet.start or clock < quiet.end
        ends = local.date() + timedelta(days=1 if clock >= quiet.start else 0)
    return datetime.combine(ends, quiet.end, local.tzinfo) if inside else None


def expires(step: str, created: int) -> int:
    """Return when a message of this step is no longer worth sending (µs)."""
    return created + _EXPIRES[step]


def retry_delay(outcome: Outcome, attempt: int, jitter: float) -> int:
    """Return the pause (µs) before the next attempt; `jitter` in 0..1 spreads it by ±20 %."""
    steps = _UNREACHABLE if outcome is Outcome.UNREACHABLE else _REFUSED
    seconds = steps[min(attempt, len(steps)) - 1]
    return int(seconds * SECOND * (0.8 + 0.4 * jitter))


def hold_until(sent: Sequence[int], now: int, channel: str) -> int | None:
    """Return until when an officer's SMS must wait for the hourly cap, or None."""
    recent = sorted(at for at in sent if at > now - HOUR)
    if channel != "sms" or len(recent) < HOURLY_SMS:
        return None
    return recent[-HOURLY_SMS] + HOUR


def after_unknown(
    channel: str, severity: str, *, resent: int, since: int, now: int
) -> tuple[Action, int]:
    """Return what to do with a message that may or may not have been taken, and until when.

    An e-mail is sent again, at once and then twice more, under the same Message-ID, which mail
    programs show once. An SMS waits for its delivery report; when none comes it is sent again,
    once, with the same code and text, because a doubled SMS is better than a lost one. What is
    only worth watching is left as unknown for people to see. `resent` counts such repeats.
    """
    if channel == "email":
        if resent >= len(_MAIL_AGAIN):
            return Action.LEAVE, now
        until = since + _MAIL_AGAIN[resent]
        return (Action.RESEND if now >= until else Action.WAIT), until
    if now < since + AWAIT_REPORT:
        return Action.WAIT, since + AWAIT_REPORT
    if severity != "watch" and not resent:
        return Action.RESEND, now
    return Action.LEAVE, now


@dataclass(frozen=True, slots=True)
class Situation:
    """What is true about a message just before an attempt.

    `told` is the state of the same officer's "fire" on the same channel; `blocker` is the id of an
    open alert above on the same indicator.
    """

    step: str
    alert: str
    acknowledged: bool
    posted: bool
    told: str | None
    blocker: str | None
    expired: bool


_TOLD = frozenset({"unknown", "accepted", "sent", "delivered"})
_ON_THE_WAY = frozenset({"queued", "sending"})


def recheck(case: Situation) -> tuple[Action, str]:
    """Return whether a queued message is still right, and why not when it is not."""
    if case.expired:
        return Action.CANCEL, "expired before it could be sent"
    if not case.posted:
        return Action.CANCEL, "no longer posted there"
    if case.step in (Step.FIRE, Step.REMIND):
        return _recheck_alarm(case)
    if case.told in _ON_THE_WAY:
        return Action.WAIT, "the first message is still on its way"
    if case.told not in _TOLD:
        return Action.CANCEL, "the first message never went out"
    return Action.SEND, ""


def _recheck_alarm(case: Situation) -> tuple[Action, str]:
    if case.alert not in {phase.value for phase in OPEN_PHASES}:
        return Action.CANCEL, f"{case.alert} meanwhile"
    if case.step == Step.REMIND and case.acknowledged:
        return Action.CANCEL, "acknowledged meanwhile"
    if case.step == Step.FIRE and case.alert == Phase.RECOVERING:
        return Action.WAIT, "recovering"
    if case.blocker is not None and case.step == Step.FIRE:
        return Action.INHIBIT, "an alert above says the same"
    return Action.SEND, ""
