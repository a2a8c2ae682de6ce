"""Units by id: name, level and everything above, as indicators knows them, remembered briefly.

Owns the memory (ten minutes by the clock); the tree itself belongs to the register.
"""

from dataclasses import dataclass

from shared.clients.indicators import IndicatorsClient
from shared.clock import Clock, micros
from shared.errors import Problem

_REMEMBER = 600_000_000
_GONE = 404


@dataclass(frozen=True, slots=True)
class Place:
    """A unit with its names and its path, from itself up to the root."""

    unit_id: str
    name: str
    urdu_name: str | None
    level: str
    path: tuple[str, ...]


class Places:
    """Looks units up, each at most once in ten minutes."""

    def __init__(self, indicators: IndicatorsClient, clock: Clock) -> None:
        self._indicators = indicators
        self._clock = clock
        self._known: dict[str, tuple[int, Place]] = {}

    async def place(self, unit_id: str) -> Place | None:
        """Return a unit, or None when there is none; raises Problem when nobody answers."""
        now = micros(self._clock.now())
        known = self._known.get(unit_id)
        if known is not None and known[0] <= now < known[0] + _REMEMBER:
            return known[1]
        found = await self._ask(unit_id)
        if found is not None:
            self._known[unit_id] = (now, found)
        return found

    async def _ask(self, unit_id: str) -> Place | None:
        if "/" in unit_id:  # no address leads to such a unit
            return None
        try:
            unit = await self._indicators.unit(unit_id)
        except Problem as problem:
            if problem.status == _GONE:
                return None
            raise
        above = [parent["unit_id"] for parent in unit["chain"] if parent["unit_id"] != unit_id]
        return Place(
            unit_id, unit["name"], unit["names"].get("ur"), unit["level"], (unit_id, *above)
        )
