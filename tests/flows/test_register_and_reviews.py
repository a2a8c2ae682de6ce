"""What reorganisations and reviews mean for figures, told by hand with the numbers they must give.

Each scenario is played through the API, looked at in both views, held against the oracle for every
unit, and against the cells. Random ones are in `test_figures_equal_the_oracle`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.histories.generator import TODAY, unit_ids
from tests.histories.player import Player
from tests.histories.register import school, unit
from tests.oracle.compare import check_everything
from tests.support.embedded import Embedded, embedded

ROOMS = {"rooms": {"available": 5, "usable": 3}}
MONTHS = ["2018-02", "2018-03", "2018-06", "2019-06"]
Row = dict[str, Any]


@dataclass
class Story:
    """A deployment to which things happen."""

    house: Embedded
    player: Player
    ids: dict[str, str] = field(default_factory=dict)

    async def units(self, *items: Row) -> None:
        await self.player.play([{"op": "units", "items": list(items)}])

    async def schools(self, *items: Row) -> None:
        await self.player.play([{"op": "schools", "items": list(items)}])

    async def visit(self, name: str, code: str, day: str, **form: Any) -> None:
        """A visit known as `name`, at nine on a local day unless the day says a time."""
        self.ids[name] = str(UUID(int=len(self.ids) + 1, version=4))
        at = day if "T" in day else f"{day}T09:00:00+05:00"
        body = {"visit_id": self.ids[name], "school_code": code, "visited_at": at, "status": "open"}
        await self.player.play([self._call("visit", name, form=body | form)])

    async def correct(self, name: str, **changes: Any) -> None:
        form = self.player.forms[None, self.ids[name]] | changes
        await self.player.play([self._call("correct", name, form=form)])

    async def review(self, name: str, decision: str) -> None:
        await self.player.play([self._call("review", name, decision=decision)])

    async def withdraw(self, name: str) -> None:
        await self.player.play([self._call("withdraw", name)])

    async def restore(self, name: str) -> None:
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


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    """Province P; districts D1 and D2; clusters C1, C2 in D1 and C3 in D2; a school in each."""
    async with embedded(tmp_path) as house:
        story = Story(house, Player(house.client, TODAY, set_day=house.set_day))
        districts = [unit(d, "district", "P") for d in ("D1", "D2")]
        places = (("C1", "D1"), ("C2", "D1"), ("C3", "D2"))
        clusters = [unit(c, "cluster", d) for c, d in places]
        await story.units(unit("P", "province", None), *districts, *clusters)
        codes = enumerate(("C1", "C2", "C3"), 1)
        await story.schools(*(school(f"00{n}", cluster, "girls") for n, cluster in codes))
        yield story
        await story.ends()


async def test_a_district_is_split_and_the_register_hears_of_it_a_year_later(story: Story) -> None:
    await story.visit("before", "2", "2018-03-05", **ROOMS)
    await story.visit("after", "2", "2018-06-05")
    assert await story.made("D1", "2018-06") == (1, 3, 2)
    new = unit("D3", "district", "P", valid_from="2018-06-01", predecessors=["D1"])
    await story.units(new)
    await story.units(unit("C2", "cluster", "D3", valid_from="2018-06-01"))
    # As it was: March stays D1's, June is D3's; the rooms moved with the school on the first.
    assert await story.made("D1", "2018-03") == (1, 3, 2)
    assert await story.made("D3", "2018-03") == (0, 0, 0)
    assert await story.made("D1", "2018-06") == (0, 0, 1)
    assert await story.made("D3", "2018-06") == (1, 3, 1)
    assert await story.made("D3", "2018-03-01..2018-05-31") == (0, 0, 0)
    # Restated: today's D3 had them all along.
    assert await story.made("D1", "2018-03", "restated") == (0, 0, 1)
    assert await story.made("D3", "2018-03", "restated") == (1, 3, 1)
    for view in ("as_was", "restated"):
        assert await story.made("P", "2018-03", view) == (1, 3, 3)
    told = (await story.house.client.get("/v1/units/D3")).json()
    assert told["predecessors"] == ["D1"]
    assert [above["unit_id"] for above in told["chain"]] == ["P"]


async def test_two_districts_merge_and_the_old_ones_keep_their_past(story: Story) -> None:
    await story.visit("one", "1", "2018-03-05", **ROOMS)
    await story.visit("two", "3", "2018-03-06", **ROOMS)
    await story.units(
        unit("C1", "cluster", "D9", valid_from="2018-06-01"),
        unit("C2", "cluster", "D9", valid_from="2018-06-01"),
        unit("C3", "cluster", "D9", valid_from="2018-06-01"),
        unit("D9", "district", "P", valid_from="2018-06-01", predecessors=["D1", "D2"]),
        unit("D1", "district", "P", valid_from="2018-01-01", valid_to="2018-05-31"),
    )
    assert await story.made("D1", "2018-03") == (1, 3, 2)
    assert await story.made("D1", "2018-06") == (0, 0, 0)
    assert await story.made("D9", "2018-06") == (0, 6, 3)
    assert await story.made("D9", "2018-03", "restated") == (2, 6, 3)
    assert await story.made("D1", "2018-03", "restated") == (0, 0, 0)
    left = await story.figures("D1", "2018-06")
    assert (left["coverage"], figure(left, "coverage")["value"]) == (None, None)
    below = (await story.house.client.get("/v1/units/P/children")).json()["children"]
    assert {child["unit_id"] for child in below} == {"D1", "D2", "D9"}


async def test_a_reorganisation_told_ahead_holds_from_its_morning(story: Story) -> None:
    await story.visit("one", "2", "2019-06-01", **ROOMS)
    await story.units(unit("C2", "cluster", "D2", valid_from="2019-06-10"))
    assert await story.made("D1", "2019-06") == (1, 3, 2)
    assert await story.made("D1", "2019-06", "restated") == (1, 3, 2)
    story.house.set_day(date(2019, 6, 9))
    assert await story.made("D1", "2019-06") == (1, 3, 2)
    story.house.set_day(date(2019, 6, 10))
    assert await story.made("D1", "2019-06") == (1, 0, 1)  # its visit stays, its school has gone
    assert await story.made("D2", "2019-06") == (0, 3, 2)
    assert await story.made("D2", "2019-06", "restated") == (1, 3, 2)


async def test_what_was_told_wrong_is_taken_back(story: Story) -> None:
    await story.visit("one", "2", "2018-06-05", **ROOMS)
    before = await story.figures("D1", "2018-06", "restated")
    await story.units(unit("C2", "cluster", "D2", valid_from="2018-06-01"))
    assert await story.made("D1", "2018-06", "restated") == (0, 0, 1)
    await story.units(unit("C2", "cluster", "D1", valid_from="2018-06-01"))
    after = await story.figures("D1", "2018-06", "restated")
    assert after["figures"] == before["figures"]


async def test_what_is_said_again_later_stands_against_what_is_told_between(story: Story) -> None:
    await story.visit("july", "2", "2018-07-05")
    await story.schools(school("002", "C2", "girls", valid_from="2018-07-01"))  # as it was before
    await story.schools(school("002", "C3", "girls", valid_from="2018-06-01"))
    assert (await story.figures("D2", "2018-06"))["schools_registered"] == 2
    assert await story.made("D1", "2018-07") == (1, 0, 2)


async def test_schools_and_clusters_that_come_after_their_visits(story: Story) -> None:
    await story.visit("waits", "0077", "2018-03-05", monitor_id="M", **ROOMS)
    await story.visit("waits too", "77", "2018-03-05T15:00:00+05:00", monitor_id="M")
    assert await story.made("P", "2018-03") == (0, 0, 3)
    await story.review("waits too", "exclude")  # while it waits
    await story.units(unit("C7", "cluster", "D2", valid_from="2018-09-01"))
    await story.schools(school("77", "C7", "boys", valid_from="2018-10-01"))
    # The first records of school and cluster also serve the days before them.
    assert await story.made("C7", "2018-03") == (1, 3, 1)
    await story.review("waits too", "include")  # the later submission of that monitor and day
    assert await story.made("C7", "2018-03") == (1, 0, 1)
    answer = await story.house.client.get(f"/v1/visits/{story.ids['waits']}")
    assert (answer.json()["revision"], answer.json()["status"]) == (1, "accepted")


async def test_an_excluded_visit_lets_what_it_had_replaced_stand_again(story: Story) -> None:
    await story.visit("first", "1", "2018-03-05T08:00:00+05:00", monitor_id="M", **ROOMS)
    rooms = {"rooms": {"available": 5, "usable": 1}}
    await story.visit("second", "1", "2018-03-05T10:00:00+05:00", monitor_id="M", **rooms)
    await story.visit("later", "1", "2018-03-20", rooms={"open_air_classes": 2})
    assert await story.made("D1", "2018-03-05..2018-03-19") == (1, 1, 2)
    await story.review("second", "exclude")
    assert await story.made("D1", "2018-03-05..2018-03-19") == (1, 3, 2)
    assert await story.made("D1", "2018-03") == (2, 0, 2)  # answered again: no number of rooms
    await story.review("later", "exclude")
    assert await story.made("D1", "2018-03") == (1, 3, 2)
    await story.correct("second", rooms={"available": 5, "usable": 5})  # stays excluded
    assert await story.made("D1", "2018-03") == (1, 3, 2)
    await story.review("second", "include")
    assert await story.made("D1", "2018-03") == (1, 5, 2)
    await story.withdraw("second")
    assert await story.made("D1", "2018-03") == (1, 3, 2)


async def test_excluded_withdrawn_and_restored_is_still_excluded(story: Story) -> None:
    await story.visit("one", "1", "2018-03-05")
    await story.review("one", "exclude")
    await story.withdraw("one")
    await story.restore("one")
    assert (await story.figures("P", "2018-03"))["visits"] == 0
    await story.review("one", "include")
    assert (await story.figures("P", "2018-03"))["visits"] == 1


async def test_a_visit_of_a_reset_clock_counts_once_released_or_corrected(story: Story) -> None:
    await story.visit("reset", "1", "2012-03-05", **ROOMS)
    assert await story.made("D1", "2012-03") == (0, 0, 2)
    await story.review("reset", "release")
    assert await story.made("D1", "2012-03") == (1, 3, 2)  # in its own period
    await story.correct("reset", visited_at="2012-04-05T09:00:00+05:00")
    assert await story.made("D1", "2012") == (0, 0, 2)  # another impossible date, unseen by anyone
    await story.correct("reset", visited_at="2018-03-05T09:00:00+05:00")
    assert await story.made("D1", "2018-03") == (1, 3, 2)


async def test_a_school_is_girls_on_the_visits_day_and_mixed_today(story: Story) -> None:
    lesson = {"environment": {"clean": "yes", "seating": "no"}}
    await story.visit("one", "1", "2018-03-05", **ROOMS, **lesson)
    await story.schools(school("001", "C1", "mixed", valid_from="2018-03-20"))
    for view in ("as_was", "restated"):
        found = await story.figures("P", "2018-03", view)
        girls, mixed = "school_gender:girls", "school_gender:mixed"
        # Flows by what the school was on the visit's day, stocks by what it is on D.
        assert figure(found, "learning_environment", girls)["denominator"] == 2
        assert figure(found, "usable_rooms", mixed)["numerator"] == 3
        shown = {(row["indicator"], row["split"]) for row in found["figures"] if row["visits"]}
        assert not shown & {("learning_environment", mixed), ("usable_rooms", girls)}


async def test_a_closed_school_keeps_its_last_district_in_restated_figures(story: Story) -> None:
    await story.visit("one", "2", "2018-03-05", **ROOMS)
    await story.schools(school("002", "C3", "girls", valid_from="2018-05-01"))
    await story.schools(school("002", "C3", "girls", valid_from="2018-06-01", status="closed"))
    await story.visit("shut", "2", "2018-06-20", **ROOMS)
    assert await story.made("D2", "2018-03", "restated") == (1, 3, 2)
    assert await story.made("D2", "2018-05") == (0, 3, 2)
    # It closes on the day of its record; a visit after that is a visit and stands nowhere.
    assert await story.made("D2", "2018-05-01..2018-05-31") == (0, 3, 2)
    assert await story.made("D2", "2018-06-01..2018-06-01") == (0, 0, 1)
    assert await story.made("D2", "2018-06") == (1, 0, 1)


async def test_an_alias_is_the_code_of_no_school(story: Story) -> None:
    """What a school is also called helps people to find its code; it never makes a visit count."""
    renamed = school("001", "C1", "girls", valid_from="2018-06-01", aliases=["9001"])
    await story.visit("one", "9001", "2018-03-05", **ROOMS)
    await story.schools(renamed, school("1-2", "C1", "girls", predecessors=["001"]))
    assert await story.made("D1", "2018-03") == (0, 0, 3)
    await story.correct("one", school_code="001")
    assert await story.made("D1", "2018-03") == (1, 3, 3)
    assert await story.made("school:1-2", "2018-03", "restated") == (0, 0, 1)


async def test_every_visit_is_told_as_it_stands(story: Story) -> None:
    for number, name in enumerate(("good", "excluded", "gone", "unknown", "early"), 1):
        day = "2012-03-05" if name == "early" else f"2018-03-0{number}"
        await story.visit(name, "88" if name == "unknown" else "1", day)
    await story.review("excluded", "exclude")
    await story.withdraw("gone")
    told = {}
    for name, visit_id in story.ids.items():
        answer = await story.house.client.get(f"/v1/visits/{visit_id}")
        told[name] = answer.json()["status"] if answer.status_code == 200 else answer.status_code
    assert told == {
        "good": "accepted",
        "excluded": "excluded",
        "gone": 410,
        "unknown": "quarantined",
        "early": "quarantined",
    }
    evidence = "/v1/units/school:1/figures/visits_made/evidence?period=2012-01..2018-12"
    await story.house.drain()
    rows = (await story.house.client.get(evidence)).json()["evidence"]
    reasons = {row["visit_id"]: row["reason"] for row in rows}
    names = ("good", "excluded", "gone", "early")
    assert [reasons[story.ids[name]] for name in names] == [
        None,
        "excluded",
        "withdrawn",
        "quarantined",
    ]
