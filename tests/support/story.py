"""A small deployment to which things happen, told step by step and held against the oracle.

Owns the words for register, visits and decisions, and the house they are told to: province P,
districts D1 and D2, clusters C1 and C2 in D1 and C3 in D2, a girls' school in each. The numbers
that a story must give belong to its test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tests.histories.generator import TODAY, unit_ids
from tests.histories.player import Player
from tests.histories.register import school, unit
from tests.oracle.compare import check_everything
from tests.support.embedded import Embedded, embedded

ROOMS = {"rooms": {"available": 5, "usable": 3}}
MONTHS = ["2018-03", "2018-06", "2019-06"]
Row = dict[str, Any]


@dataclass
class Story:
    """A deployment to which things happen."""

    house: Embedded
    player: Player
    ids: dict[str, str] = field(default_factory=dict)

    async def units(self, *items: Row) -> None:
        """Put units."""
        await self.player.play([{"op": "units", "items": list(items)}])

    async def schools(self, *items: Row) -> None:
        """Put schools."""
        await self.player.play([{"op": "schools", "items": list(items)}])

    async def visit(self, name: str, code: str, day: str, **form: Any) -> None:
        """A visit known as `name`, at nine on a local day unless the day says a time."""
        self.ids[name] = str(UUID(int=len(self.ids) + 1, version=4))
        at = day if "T" in day else f"{day}T09:00:00+05:00"
        body = {"visit_id": self.ids[name], "school_code": code, "visited_at": at, "status": "open"}
        await self.player.play([self._call("visit", name, form=body | form)])

    async def correct(self, name: str, **changes: Any) -> None:
        """Send a visit again with some fields changed."""
        form = self.player.forms[None, self.ids[name]] | changes
        await self.player.play([self._call("correct", name, form=form)])

    async def review(self, name: str, decision: str) -> None:
        """Exclude, include or release a visit."""
        await self.player.play([self._call("review", name, decision=decision)])

    async def withdraw(self, name: str) -> None:
        """Withdraw a visit."""
        await self.player.play([self._call("withdraw", name)])

    async def restore(self, name: str) -> None:
        """Send a withdrawn visit again as it was."""
        form = self.player.forms[None, self.ids[name]]
        await self.player.play([self._call("restore", name, form=form)])

    def _call(self, op: str, name: str, **more: Any) -> Row:
        return {"op": op, "source": None, "visit_id": self.ids[name], **more}

    async def figures(self, unit_id: str, period: str, view: str = "as_was") -> Row:
        """The figures answer, with everything that was said in it."""
        await self.house.drain()
        path = f"/v1/units/{quote(unit_id, safe='')}/figures"
        answer = await self.house.client.get(path, params={"period": period, "view": view})
        assert answer.status_code == 200, answer.text
        found: Row = answer.json()
        return found

    async def made(self, unit_id: str, period: str, view: str = "as_was") -> tuple[int, int, int]:
        """(visits made, rooms that stand usable, active schools)."""
        found = await self.figures(unit_id, period, view)
        rooms = figure(found, "usable_rooms")
        return found["visits"], rooms["numerator"], found["schools_registered"]

    async def ends(self) -> None:
        """Everything, of every unit, is what the oracle says; and the cells are the visits'."""
        await self.house.drain()
        log, today = self.player.log, self.house.today
        found = await check_everything(
            self.house.client, log, unit_ids(log), MONTHS, today=today, odd=False
        )
        assert found == []
        assert await self.house.verified() == []


def figure(answer: Row, indicator: str, split: str | None = None) -> Row:
    """One figure of an answer."""
    rows = answer["figures"]
    return next(row for row in rows if (row["indicator"], row["split"]) == (indicator, split))


@asynccontextmanager
async def told(folder: Path) -> AsyncIterator[Story]:
    """A deployment with the small register; at the end everything equals the oracle."""
    async with embedded(folder) as house:
        story = Story(house, Player(house.client, TODAY, set_day=house.set_day))
        districts = [unit(d, "district", "P") for d in ("D1", "D2")]
        places = (("C1", "D1"), ("C2", "D1"), ("C3", "D2"))
        clusters = [unit(c, "cluster", d) for c, d in places]
        await story.units(unit("P", "province", None), *districts, *clusters)
        codes = enumerate(("C1", "C2", "C3"), 1)
        await story.schools(*(school(f"00{n}", cluster, "girls") for n, cluster in codes))
        yield story
        await story.ends()
