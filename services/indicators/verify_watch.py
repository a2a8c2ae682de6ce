"""Looking all the time whether the figures are right: a few schools a minute, all of them at night.

Owns when what is verified and what a difference does: it is looked for once more, then told loudly
(log, readiness) and kept in `halts`, so that no instance folds on; and who of several processes
verifies a night, which is done when it was looked at to its end. Looking itself is
`verify_sample`'s and `verify`'s.
"""

import asyncio
from datetime import datetime
from random import Random

import structlog

from services.indicators import halts
from services.indicators.catalogue import Definitions
from services.indicators.halts import Verdict
from services.indicators.lasting import Lasting
from services.indicators.verify import Asked, examine
from services.indicators.verify_definitions import misreckoned
from services.indicators.verify_sample import sample
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.days import day_number

_LOG = structlog.get_logger("rtsm.verify")
_NIGHT_BEGINS, _NIGHT_ENDS = 1, 5
"""Local hours between which all is verified, once."""
_LEASE = 3_600_000_000
"""Microseconds after which a process that began a night and did not end it is taken for gone."""


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
        self._sampling = Lasting("verification of samples")
        self._nights = Lasting("verification at night")

    async def run(self, pause: float) -> None:
        """Look at a few schools after each pause (seconds), and at all once a night."""
        while True:
            await asyncio.sleep(pause)
            await self._sampling.attempt(self.look)
            await self._nights.attempt(self.at_night)

    async def look(self) -> list[str]:
        """Verify one sample; what is wrong twice stops the fold. Returns what was found."""
        # The second look takes the same places: what the first saw must not have been a moment.
        seed = self._random.getrandbits(64)
        if not (await self._sampled(seed)).differences:
            return []
        return await self._shout(await self._sampled(seed))

    async def _sampled(self, seed: int) -> Verdict:
        chosen = Random(seed)  # noqa: S311 - chooses schools, no secrets
        found = await asyncio.to_thread(misreckoned, self._definitions, self._asked.look_back_days)
        seen = await sample(self._database, self._ledger, self._asked, chosen)
        return Verdict(seen.line, [*found, *seen.differences])

    async def at_night(self) -> list[str] | None:
        """Verify everything when it is night and nobody is at it; None when it is not our turn."""
        night = await self._begin_night()
        if night is None:
            return None
        found = await self.look_at_all()
        await self._end_night(night)
        return found

    async def look_at_all(self) -> list[str]:
        """Verify everything; what is wrong twice stops the fold. Returns what was found."""
        if not (await self._examined()).differences:
            return []
        return await self._shout(await self._examined())

    async def _examined(self) -> Verdict:
        return await examine(self._database, self._ledger, self._asked, _silent, self._definitions)

    async def trouble(self) -> str | None:
        """Why figures stand still or are not verified, for readiness; None when all is well."""
        async with self._database.reading() as tx:
            standing = await halts.standing(tx)
        return standing or await self._sampling.trouble() or await self._nights.trouble()

    async def _shout(self, seen: Verdict) -> list[str]:
        """Stop the fold for what was found; returns it, or nothing when that is no more."""
        found = seen.differences
        if not found:
            return []
        if not await halts.halt(self._database, seen, micros(self._clock.now())):
            _LOG.warning("figures were computed anew while they were verified", count=len(found))
            return []
        _LOG.critical("figures are wrong", count=len(found), differences=found[:20])
        return found

    async def _begin_night(self) -> int | None:
        """Tonight's day, when it is night and nobody has verified it or is at it: then we are."""
        local: datetime = self._clock.now().astimezone(self._asked.zone)
        if not _NIGHT_BEGINS <= local.hour < _NIGHT_ENDS:
            return None
        tonight, now = day_number(local.date()), micros(self._clock.now())
        async with self._database.transaction() as tx:
            await tx.lock("verify-night")
            row = await tx.fetch_one("SELECT night, leased_until FROM verified_nights WHERE id = 0")
            verified, leased_until = (0, 0) if row is None else (int(row[0]), int(row[1]))
            if verified >= tonight or leased_until > now:
                return None
            await _keep_night(tx, verified, now + _LEASE)
        return tonight

    async def _end_night(self, night: int) -> None:
        async with self._database.transaction() as tx:
            await _keep_night(tx, night, 0)


async def _keep_night(tx: Tx, verified: int, leased_until: int) -> None:
    columns = ("id", "night", "leased_until")
    await tx.upsert_rows("verified_nights", ("id",), columns, [(0, verified, leased_until)])


def _silent(done: int, total: int) -> None:
    """Nobody looks on."""
