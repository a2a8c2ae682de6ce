"""Work beside the requests that goes on after what nobody foresaw.

Owns the fates of an attempt: what passes by itself is told and tried again; anything else is told
loudly, in the log and by readiness, and tried again too. A damaged row must not end the process
that answers everything else. When the work is due is its owner's to say.
"""

from collections.abc import Awaitable, Callable

import structlog

from shared.db.errors import Transient

_LOG = structlog.get_logger("rtsm.indicators.work")


class Lasting:
    """One kind of work, and the trouble it is in."""

    def __init__(self, name: str) -> None:
        """`name` says in the log and in readiness whose trouble it is."""
        self._name = name
        self._trouble: str | None = None

    async def attempt(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Try once; whether it went through. A result of None (nothing was due) ends no trouble."""
        try:
            done = await work()
        except (Transient, OSError) as error:
            _LOG.warning("work waits", work=self._name, error=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - the unforeseen stops this work, not the process
            self._trouble = f"{self._name} failed: {type(error).__name__} (see the log)"
            _LOG.critical("work failed", work=self._name, exc_info=error)
            return False
        if done is not None:
            self._trouble = None
        return True

    async def trouble(self) -> str | None:
        """Say what failed at the last attempt, for readiness; None: nothing."""
        return self._trouble
