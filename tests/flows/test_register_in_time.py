"""What a register that changes, mostly too late, means for figures: told by hand, with the numbers.

Random ones are in `test_figures_equal_the_oracle`, Balochistan's own in `test_reorganisations`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from tests.histories.register import school, unit
from tests.support.story import ROOMS, Story, figure, told


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    async with told(tmp_path) as story:
        yield story


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
    # The one whose end was told has left the tree; the emptied one, whose was not, stays on lists.
    for asked, listed in (("", {"D2", "D9"}), ("?on=2018-03-01", {"D1", "D2", "D9"})):
        below = (await story.house.client.get(f"/v1/units/P/children{asked}")).json()["children"]
        assert {child["unit_id"] for child in below} == listed


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
