"""What people decide about visits means for figures: told by hand, with the numbers.

Decisions in any order and state are in `test_figures_equal_the_oracle`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.story import ROOMS, Story, told


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    async with told(tmp_path) as story:
        yield story


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
