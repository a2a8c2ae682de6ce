"""Another calendar changes the flags of visits long made: they are judged again, a few at a time.

Owns the way through the ledger, and how far it came: a process that is killed goes on where it was.
What follows for a visit is left to `fold`.
"""

import asyncio

import structlog

from services.ingest.drafts import Drafter
from services.ingest.trust.fold import Fold
from services.ingest.trust.rest import Rest
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.transaction import Tx
from shared.journal import positions

_LOG = structlog.get_logger("rtsm.trust")
_NAME = "trust.calendar"
_DONE = "done"
_AT_ONCE = 200
_PAUSE_SECONDS = 5.0
_EVER = -1_000_000


class Sweep:
    """Looks again at the visits of the days for which the calendar changed."""

    def __init__(self, database: Database, drafter: Drafter, fold: Fold, rest: Rest) -> None:
        self._database = database
        self._drafter = drafter
        self._fold = fold
        self._rest = rest

    async def run(self) -> None:
        """Follow the calendar until cancelled."""
        while True:
            try:
                while await self.step():
                    await self._rest.after()
            except (Transient, OSError) as error:
                _LOG.warning("the sweep waits", error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def drain(self) -> int:
        """Do all there is to do; how many visits were looked at."""
        looked = 0
        while (count := await self.step()) is not None:
            looked += count
        return looked

    async def step(self) -> int | None:
        """Look at some visits; how many, or None when the calendar is the one already followed."""
        async with self._database.reading() as tx:
            if await self._due(tx) is None:
                return None
        async with self._database.transaction() as tx:
            await self._fold.begin(tx)
            due = await self._due(tx)
            if due is None:
                return None
            version, first = due
            part = f"version {version}"
            at = await positions.load(tx, _NAME, part) or 0
            rows = await tx.fetch(
                "SELECT position,visit_id,source FROM visits WHERE position > $1 AND day >= $2 "
                f"ORDER BY position LIMIT {_AT_ONCE}",
                at,
                first,
            )
            await self._fold.look(tx, [(row[1], row[2]) for row in rows])
            if len(rows) < _AT_ONCE:
                await tx.execute(
                    "DELETE FROM positions WHERE consumer = $1 AND partition <> $2", _NAME, _DONE
                )
                await positions.put(tx, _NAME, _DONE, version)
            else:
                await positions.put(tx, _NAME, part, rows[-1][0])
        return len(rows)

    async def _due(self, tx: Tx) -> tuple[int, int] | None:
        """The version of the calendar to follow and the first day that it may have changed."""
        done = await positions.load(tx, _NAME, _DONE) or 0
        row = await tx.fetch_one(
            "SELECT max(version),min(valid_from) FROM calendars WHERE version > $1", done
        )
        if row[0] is None:
            return None
        # What holds from the first day on, or before it, also serves the days before.
        early = row[1] <= self._drafter.first_day
        return row[0], _EVER if early else row[1]
