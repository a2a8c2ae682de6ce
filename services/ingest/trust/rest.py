"""Courtesy towards visits that are being posted: signals can wait, whoever posts does not.

Owns the pauses. The signals are written where the ledger is, so on a SQLite file a batch of theirs
keeps a visit waiting; while visits are in hand they take a fifth of the time at most.
"""

import asyncio
from collections.abc import Callable

from services.ingest.load import Load
from shared.db.transaction import Tx
from shared.journal.consumer import Handle
from shared.journal.records import Record

_TIMES = 4
_LEAST_SECONDS = 0.25
_MOST_SECONDS = 2.0


class Rest:
    """Pauses after a batch while visits are in hand, four times as long as the batch took."""

    def __init__(self, load: Load, now: Callable[[], float]) -> None:
        self._load = load
        self._now = now
        self._took = 0.0

    def timed(self, handle: Handle) -> Handle:
        """The same handler, its time measured."""

        async def measured(tx: Tx, records: list[Record]) -> None:
            began = self._now()
            await handle(tx, records)
            self._took = self._now() - began

        return measured

    async def after(self) -> None:
        """Pause, if anybody waits; what waited has been given the writer by now."""
        if self._load.visits:
            await asyncio.sleep(min(max(_TIMES * self._took, _LEAST_SECONDS), _MOST_SECONDS))
