"""Times of receipt and record that never repeat and never go back within a process.

"The later submission" must be a total order, whatever the machine's clock does; and what is
committed later must be recorded later, whoever commits it, since `known_at` asks for everything
that had been recorded by an instant.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.clock import Clock, micros
from shared.db.transaction import Tx
from shared.journal import journal

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: only ever written out, as UTC


def written(instant: int) -> str:
    """RFC 3339 in UTC with microseconds and `Z`: as `shared.clock.rfc3339`, at a tenth of its cost.

    Every visit has two or three of these; the general way would be the dearest part of a receipt.
    """
    second, rest = divmod(instant, 1_000_000)
    return f"{_second(second)}.{rest:06d}Z"


@lru_cache(maxsize=16)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).isoformat(timespec="seconds")


class Stamps:
    """Strictly increasing microseconds, as close to the clock as that allows.

    `now` is what the clock said when the last one was given.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self.now = clock.now()

    def after(self, instant: int) -> None:
        """Give only times later than `instant` from now on."""
        self._last = max(self._last, instant)

    def next(self) -> int:
        """The present instant, or one microsecond after the last one given."""
        self.now = self._clock.now()
        now = micros(self.now)
        self._last = now if now > self._last else self._last + 1
        return self._last

    async def recorded(self, tx: Tx) -> int:
        """The instant of record of what a transaction stores: see `journal.instant`."""
        return await journal.instant(tx, self.next)

    def today(self, zone: ZoneInfo) -> date:
        """The local date of the clock in a zone."""
        return self._clock.now().astimezone(zone).date()
