"""Looking all the time whether the figures are right: a few schools a minute, all of them at night.

Owns when what is verified and what a difference does: it is looked for once more, then told loudly
(log, readiness) and kept in `halts`, so that no instance folds on. Looking itself is
`verify_sample`'s and `verify`'s.
"""

import asyncio
from datetime import date, datetime
from random import Random

import structlog

from services.indicators import halts
from services.indicators.catalogue import Definitions
from services.indicators.verify import Asked, verify
from services.indicators.verify_definitions import misreckoned
from services.indicators.verify_sample import sample
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.domain.days import day_number

_LOG = structlog.get_logger("rtsm.verify")
_NIGHT_BEGINS, _NIGHT_ENDS = 1, 5
"""Local hours between which all is verified, once."""


class Watch:
    """One process's watch over the figures; several share the nights between them."""

    def __init__(
        self,
        database: Database,
        ledger: Database,
        asked: Asked,
        definitions: Definitions,
        clock: Clock,
        random: Random,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._asked = asked
        self._definitions = definitions
        self._clock = clock
        self._random = random

    async def run(self, pause: float) -> None:
        """Look at a few schools after each pause (seconds), and at all once a night."""
        while True:
            await asyncio.sleep(pause)
            try:
                await self.look()
                await self.at_night()
            except (Transient, OSError) as error:
                _LOG.warning("verification waits", error=str(error))

    async def look(self) -> list[str]:
        """Verify one sample; what is wrong twice stops the fold. Returns what was found."""
        # The second look takes the same places: what the first saw must not have been a moment.
        seed = self._random.getrandbits(64)
        if not await self._sampled(seed):
            return []
        found = await self._sampled(seed)
        await self._shout(found)
        return found

    async def _sampled(self, seed: int) -> list[str]:
        chosen = Random(seed)  # noqa: S311 - chooses schools, no secrets
        found = misreckoned(self._definitions, self._asked.look_back_days)
        return found + await sample(self._database, self._ledger, self._asked, chosen)

    async def at_night(self) -> list[str] | None:
        """Verify everything when it is night and nobody has begun; None when it is not our turn."""
        return await self.look_at_all() if await self._night_is_ours() else None

    async def look_at_all(self) -> list[str]:
        """Verify everything; a difference stops the fold. Returns what was found."""
        found = await verify(self._database, self._ledger, self._asked, _silent, self._definitions)
        await self._shout(found)
        return found

    async def trouble(self) -> str | None:
        """Why figures stand still, for readiness; None when they do not."""
        async with self._database.reading() as tx:
            return await halts.standing(tx)

    async def _shout(self, found: list[str]) -> None:
        if found:
            await halts.halt(self._database, found, micros(self._clock.now()))
            _LOG.critical("figures are wrong", count=len(found), differences=found[:20])

    async def _night_is_ours(self) -> bool:
        """Whether it is night and nobody has begun tonight's verification."""
        local: datetime = self._clock.now().astimezone(self._asked.zone)
        if not _NIGHT_BEGINS <= local.hour < _NIGHT_ENDS:
            return False
        tonight: date = local.date()
        async with self._database.transaction() as tx:
            await tx.lock("verify-night")
            row = await tx.fetch_one("SELECT night FROM verified_nights WHERE id = 0")
            if row is not None and row[0] >= day_number(tonight):
                return False
            await tx.upsert_rows(
                "verified_nights", ("id",), ("id", "night"), [(0, day_number(tonight))]
            )
        return True


def _silent(done: int, total: int) -> None:
    """Nobody looks on."""
