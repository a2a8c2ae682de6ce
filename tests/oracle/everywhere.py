"""The oracle asked about thousands of units: each from the schools that were ever under it.

Owns who was ever where, and remembering what a visit and a school say between two questions about
units that share them. What they say is `figures`'; nothing is added up here.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from urllib.parse import quote

import httpx

from tests.oracle.compare import Window, differences
from tests.oracle.figures import Oracle
from tests.oracle.visits import Operation, Visit

_REMEMBERED = 30_000
Said = list[tuple[str, str | None, int, int]]


class Remembering(Oracle):
    """An oracle that does not work out again what it just said of a visit or a school."""

    def __init__(self, history: list[Operation]) -> None:
        super().__init__(history)
        self.stood: dict[tuple[str, date], Said] = {}
        self.flowed: dict[tuple[int, str | None], Said] = {}

    def flowing(self, visit: Visit, gender: str | None) -> Said:
        key = id(visit), gender
        if key not in self.flowed:
            self._forget()
            self.flowed[key] = super().flowing(visit, gender)
        return self.flowed[key]

    def standing(self, code: str, day: date) -> Said:
        if (code, day) not in self.stood:
            self._forget()
            self.stood[code, day] = super().standing(code, day)
        return self.stood[code, day]

    def _forget(self) -> None:
        for held in (self.stood, self.flowed):
            if len(held) > _REMEMBERED:
                held.clear()


class Everywhere:
    """Gives for each unit an oracle that knows only of the schools that were ever under it."""

    def __init__(self, history: list[Operation]) -> None:
        self.whole = Remembering(history)
        register = self.whole.register
        # Between two days on which anything begins, nobody moves.
        days = {
            day for dated in (register.units, register.schools) for v in dated.values() for day in v
        }
        self._under: dict[str, dict[str, None]] = defaultdict(dict)
        for code in register.schools:
            for day in days:
                for unit in register.chain(code, day):
                    self._under[unit][code] = None
        self._visits: dict[str, list[tuple[date, str, Visit]]] = defaultdict(list)
        for visit in self.whole.visits:
            self._visits[visit[1]].append(visit)

    def units(self) -> list[str]:
        """All units under which a school ever was, the smallest first, neighbours together."""
        own = [unit for unit in self._under if not unit.startswith("school:")]
        return sorted(own, key=lambda unit: (len(self._under[unit]) > _REMEMBERED // 10, unit))

    def of(self, unit: str) -> Oracle:
        """An oracle to be asked about this unit only."""
        codes = self._under.get(unit, {})
        part = copy.copy(self.whole)
        part.register = copy.copy(self.whole.register)
        part.register.schools = {code: self.whole.register.schools[code] for code in codes}
        part.by_school = {code: self.whole.by_school[code] for code in codes}
        part.visits = [visit for code in codes for visit in self._visits[code]]
        # What was said of a unit is said once: nobody asks for the same again.
        vars(part).update(_figures={}, _tallies={})
        return part


async def compared(
    client: httpx.AsyncClient,
    oracle: Oracle,
    unit: str,
    windows: Iterable[Window],
    views: Iterable[str],
    today: date,
) -> list[str]:
    """All that the server's figures of one unit say otherwise than the oracle's, with the place."""
    found = []
    for window in windows:
        for view in views:
            place, asked = f"{unit} {view} {window}", {"period": window.period, "view": view}
            path = f"/v1/units/{quote(unit, safe='')}/figures"
            answer = await client.get(path, params=asked)
            if answer.status_code != httpx.codes.OK:
                found.append(f"{place}: {answer.status_code} {answer.text[:200]}")
                continue
            expected = oracle.figures(unit, window.first, window.last, today, view)
            found += [f"{place}: {what}" for what in differences(expected, answer.json())]
    return found
