"""Time as an argument: the only module that asks the machine what time it is.

Owns the clocks and the two wire forms of an instant (microseconds since the epoch, RFC 3339).
Days, months and periods are left to `shared.domain`.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's present instant."""
        return datetime.now(UTC)


class SetClock:
    """A clock that stands still until it is set: for tests and for loading history."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self.at.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        """Move the clock forward by `step`."""
        self.at += step


class OffsetClock:
    """A clock that started at `start` and runs on at the pace of `real`."""

    def __init__(self, start: datetime, real: Clock) -> None:
        self._real = real
        self._shift = start.astimezone(UTC) - real.now()

    def now(self) -> datetime:
        """Return the shifted present instant."""
        return self._real.now() + self._shift


class SwitchClock:
    """A clock that can be exchanged while the services run: first history, then the present."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        """Return the instant of the clock in force."""
        return self.clock.now()


def micros(instant: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC instant of `value` microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=value)


def rfc3339(value: int) -> str:
    """RFC 3339 in UTC with microseconds and `Z`, of microseconds since the epoch."""
    return from_micros(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
