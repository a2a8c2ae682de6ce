"""What was known at a past instant, and seals, as a person meets them: by hand, in small numbers.

Each step of the story happens at an hour of its own. Everything against the oracle is
`tests/flows/test_known_at.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services import sealing
from services.folder import Refused
from services.sealing import Line
from tests.support.embedded import Embedded, embedded
from tests.support.exchanging import always_exchange
from tests.support.processes import Processes

MARCH = {"period": "2018-03"}
TARGET = {"indicator": "student_attendance", "unit_id": "P", "from": "2018-01-01"}


class Story:
    """A small register in which something happens every hour; `hours` are the instants between."""

    def __init__(self, house: Embedded) -> None:
        self.house, self.client = house, house.client
        self.hours: dict[str, str] = {}

    async def over(self, name: str) -> None:
        """Let the hour end: everything is counted, and the next thing happens later."""
        await self.house.drain()
        self.house.clock.advance(timedelta(minutes=30))
        self.hours[name] = self.house.clock.now().isoformat()
        self.house.clock.advance(timedelta(minutes=30))

    async def put(self, what: str, *items: dict[str, Any]) -> None:
        (await self.client.put(f"/v1/{what}", json=list(items))).raise_for_status()

    async def visit(self, code: str, present: int, **form: Any) -> str:
        body = self.form(code, present, **form)
        answer = await self.client.post("/v1/visits", json=body)
        assert answer.status_code in {201, 202}, answer.text
        return str(body["visit_id"])

    def form(self, code: str, present: int, **form: Any) -> dict[str, Any]:
        return {
            "visit_id": str(uuid4()),
            "school_code": code,
            "visited_at": "2018-03-05T09:40:00+05:00",
            "status": "open",
            "students": {"boys": {"present": present, "enrolled": 10}},
        } | form

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def figures(self, unit: str, hour: str | None = None, **more: Any) -> Any:
        known = {} if hour is None else {"known_at": self.hours[hour]}
        return await self.get(f"/v1/units/{unit}/figures", **MARCH, **known, **more)

    async def pupils(self, unit: str, hour: str | None = None) -> tuple[int, int]:
        found = await self.figures(unit, hour)
        return next(
            (each["numerator"], each["denominator"])
            for each in found["figures"]
            if (each["indicator"], each["split"]) == ("student_attendance", None)
        )


def unit(unit_id: str, level: str, parent: str | None, **more: Any) -> dict[str, Any]:
    return {"unit_id": unit_id, "level": level, "parent_id": parent, "name": unit_id} | more


def school(code: str, cluster: str, **more: Any) -> dict[str, Any]:
    return {"school_code": code, "name": f"School {code}", "unit_id": cluster} | more


async def tell(house: Embedded) -> Story:
    """What happened, hour by hour."""
    told = Story(house)
    await told.put(
        "units",
        unit("P", "province", None),
        unit("D1", "district", "P"),
        unit("D2", "district", "P"),
        unit("C1", "cluster", "D1"),
        unit("C2", "cluster", "D2"),
    )
    await told.put("schools", school("1", "C1"), school("2", "C2"))
    await told.put("targets", TARGET | {"target": 0.5})
    await told.over("founded")
    first = told.form("1", 4)
    (await told.client.post("/v1/visits", json=first)).raise_for_status()
    await told.visit("2", 9)
    await told.over("visited")
    corrected = await told.client.put(
        f"/v1/visits/{first['visit_id']}",
        json=told.form("1", 5, visit_id=first["visit_id"]),
        headers={"If-Match": '"1"'},
    )
    corrected.raise_for_status()
    await told.put("targets", TARGET | {"target": 0.7})
    await told.over("corrected")
    # The school of D2 had belonged to D1 since February, as everybody learns only now.
    await told.put("schools", school("2", "C1", valid_from="2018-02-01"))
    await told.put("units", unit("D3", "district", "P"))
    await told.put("units", unit("D1", "district", "P", name="Renamed"))
    await told.over("moved")
    gone = await told.client.delete(f"/v1/visits/{first['visit_id']}?reason=mistake")
    gone.raise_for_status()
    await told.over("withdrawn")
    return told


@pytest.fixture(scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """The story as it was told, for those who only read it."""
    async with embedded(tmp_path_factory.mktemp("story")) as house:
        yield await tell(house)


@pytest.fixture
async def own_story(tmp_path: Path) -> AsyncIterator[Story]:
    """The story for somebody who goes on with it."""
    async with embedded(tmp_path) as house:
        yield await tell(house)


async def test_visits_corrections_facts_and_withdrawals_count_from_when_they_were_told(
    story: Story,
) -> None:
    assert await story.pupils("D1", "founded") == (0, 0)
    assert await story.pupils("D1", "visited") == (4, 10)
    assert await story.pupils("D1", "corrected") == (5, 10)
    assert await story.pupils("D2", "corrected") == (9, 10)
    assert await story.pupils("D1", "moved") == (14, 20)
    assert await story.pupils("D2", "moved") == (0, 0)
    assert await story.pupils("school:1", "moved") == (5, 10)
    assert await story.pupils("D1", "withdrawn") == (9, 10)
    for place in ("P", "D1", "D2", "school:1", "school:2"):
        assert await story.pupils(place, "withdrawn") == await story.pupils(place)


async def test_answers_say_of_when_they_are_and_repeat_the_names_of_then(story: Story) -> None:
    before, after = [await story.figures("D1", hour) for hour in ("corrected", "moved")]
    assert (before["name"], after["name"]) == ("D1", "Renamed")
    assert before["known_at"].startswith(story.hours["corrected"][:19])
    assert before["as_of"] == before["known_at"]
    assert before["lag_seconds"] == 0
    assert (await story.figures("D1"))["known_at"] is None
    await story.get("/v1/units/D3/figures", 404, **MARCH, known_at=story.hours["corrected"])
    children = await story.get("/v1/units/P/children", known_at=story.hours["corrected"])
    assert [child["unit_id"] for child in children["children"]] == ["D1", "D2"]


async def test_series_children_changes_and_evidence_know_no_more(story: Story) -> None:
    known = {"known_at": story.hours["corrected"]}
    line = "/v1/units/{}/figures/student_attendance"
    series = await story.get(f"{line.format('D2')}/series", **MARCH, **known)
    assert [(step["numerator"], step["denominator"]) for step in series["series"]] == [(9, 10)]
    children = await story.get(f"{line.format('P')}/children", **MARCH, **known)
    shares = {child["unit_id"]: child["numerator"] for child in children["children"]}
    assert shares == {"D1": 5, "D2": 9}
    evidence = await story.get(f"{line.format('D1')}/evidence", **MARCH, **known)
    assert [(row["revision"], row["numerator"]) for row in evidence["evidence"]] == [(2, 5)]
    first = await story.get(
        f"{line.format('D1')}/evidence", **MARCH, known_at=story.hours["visited"]
    )
    assert [(row["revision"], row["numerator"]) for row in first["evidence"]] == [(1, 4)]
    change = await story.get(f"{line.format('D1')}/change", **MARCH, **known)
    assert change["after"]["numerator"] == 5


async def test_a_card_as_known_then_with_the_targets_of_then(story: Story) -> None:
    async def students(hour: str) -> Any:
        card = await story.get("/v1/cards/D1", **MARCH, known_at=story.hours[hour])
        assert card["known_at"] is not None
        return next(each for each in card["figures"] if each["split"] is None)

    before, after = await students("visited"), await students("corrected")
    assert (before["indicator"], before["value"], before["target"]) == (
        "student_attendance",
        0.4,
        0.5,
    )
    assert (after["value"], after["target"]) == (0.5, 0.7)
    asked = {**MARCH, "known_at": story.hours["visited"]}
    page = await story.client.get("/units/D1", params=asked, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "As known on" in page.text
    assert "nothing recorded later is in it" in page.text
    plain = await story.client.get("/units/D1", params=MARCH, headers={"Accept": "text/html"})
    assert "As known on" not in plain.text


async def test_who_may_see_a_unit_is_a_matter_of_today(story: Story) -> None:
    """The school belongs to D1 since it was told: D2's key sees none of its past either."""
    made = await story.house.platform.access.create_key("D2", ["cards:read"], units=["D2"])
    headers = {"Authorization": f"Bearer {made[0]}"}
    for path, status in (("school:2", 404), ("D2", 200), ("D1", 404)):
        answer = await story.client.get(
            f"/v1/units/{path}/figures",
            params={**MARCH, "known_at": story.hours["visited"]},
            headers=headers,
        )
        assert answer.status_code == status, path


@pytest.mark.parametrize(
    ("known_at", "code"),
    [
        ("yesterday", "invalid_time"),
        ("2018-03-05", "invalid_time"),
        ("2150-01-01T00:00Z", "in_the"),
    ],
)
async def test_an_instant_that_is_none_or_still_to_come(
    known_at: str, code: str, story: Story
) -> None:
    for path, asked in (
        ("/v1/units/D1/figures", MARCH),
        ("/v1/units/D1", {}),
        ("/v1/cards/D1", MARCH),
    ):
        refused = await story.get(path, 422, **asked, known_at=known_at)
        assert refused["errors"][0]["pointer"] == "/query/known_at"
        assert refused["errors"][0]["code"].startswith(code)


async def check(story: Story, answer: Any, **other: Any) -> str:
    """What the check line of an answer is worth."""
    asked = {
        "period": f"{answer['first']}..{answer['last']}",
        "view": answer["view"],
        "known_at": answer["known_at"] or answer["as_of"],
        "seal": answer["seal"],
    } | other
    unit_id = asked.pop("unit", answer["unit"])
    return str((await story.get(f"/v1/units/{unit_id}/seal", **asked))["verdict"])


async def test_a_seal_is_confirmed_for_ever_and_only_for_its_question(own_story: Story) -> None:
    story = own_story
    card = await story.get("/v1/cards/D1", **MARCH)
    past = await story.figures("D1", "visited", seal="true")
    await story.visit("1", 1)
    await story.over("later")
    assert await story.pupils("D1") == (10, 20)
    await story.house.rebuild()  # the key is not made anew, and the past is as it was
    await story.house.drain()
    for answer in (card, past):
        assert await check(story, answer) == "confirmed"
        typed = answer["seal"].lower().replace("-", " ").replace("o", "0")
        assert await check(story, answer, seal=typed) == "confirmed"
        assert await check(story, answer, unit="P") == "not_ours"
        assert await check(story, answer, period="2018-04") == "not_ours"
        assert await check(story, answer, view="restated") == "not_ours"
        assert await check(story, answer, known_at=story.hours["later"]) == "not_ours"
        assert await check(story, answer, seal="7" + answer["seal"][1:]) == "not_ours"
        assert await check(story, answer, seal="no seal at all") == "not_ours"


async def test_a_past_that_was_tampered_with_is_told(own_story: Story) -> None:
    story = own_story
    sealed = await story.figures("D2", "corrected", seal="true")
    assert await check(story, sealed) == "confirmed"
    async with story.house.platform.database("indicators").transaction() as tx:
        await tx.execute("DELETE FROM visits WHERE school_code = '2'")
    assert await check(story, sealed) == "differs"


async def test_a_seal_is_judged_by_the_visits_and_by_no_sum_that_is_held(
    own_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_exchange(monkeypatch)
    story = own_story
    sealed = await story.figures("P", "corrected", seal="true")
    async with story.house.platform.database("indicators").transaction() as tx:
        for table in ("day_cells", "month_cells", "presence"):
            await tx.execute(f"DELETE FROM {table}")
    assert await check(story, sealed) == "confirmed"


async def test_no_seal_while_something_is_on_its_way(own_story: Story) -> None:
    story = own_story
    await story.visit("1", 1)
    assert (await story.figures("D1", seal="true"))["seal"] is None
    assert (await story.figures("D1", "moved", seal="true"))["seal"] is not None
    refused = await story.get(
        "/v1/units/D1/figures", 422, **MARCH, seal="true", indicators="coverage"
    )
    assert refused["errors"][0]["pointer"] == "/query/seal"


async def test_the_check_line_stands_on_the_printed_card(story: Story) -> None:
    card = await story.get("/v1/cards/D1", **MARCH)
    page: httpx.Response = await story.client.get(
        "/units/D1", params=MARCH, headers={"Accept": "text/html"}
    )
    for part in (card["seal"], card["as_of"], "2018-03-01", "D1"):
        assert part in page.text


async def test_the_command_confirms_what_is_printed_and_nothing_else(
    own_story: Story, processes: Processes
) -> None:
    story = own_story
    card = await story.get("/v1/cards/D1", **MARCH)
    await story.visit("1", 1)
    await story.over("later")
    days = f"{card['first']}..{card['last']}"
    folder = str(story.house.settings.data_dir)

    async def checked(unit: str) -> tuple[int, str]:
        words = ("check", unit, days, card["as_of"], card["seal"], "--data", folder)
        done = await asyncio.to_thread(processes.command, *words, check=False)
        return done.returncode, done.stdout + done.stderr

    (code, said), (other, told) = await asyncio.gather(checked("D1"), checked("D2"))
    assert code == 0, said
    assert "student_attendance: 9/10  90.0%" in said
    assert "Genuine" in said
    assert (other, "Not genuine" in told) == (1, True), told
    nowhere = Line("D9", days, "as_was", card["as_of"], card["seal"])
    with pytest.raises(Refused, match="404"):
        await sealing.checked(story.house.settings, nowhere, None, None)


async def test_the_same_story_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    more = {"database_url": postgres_url, "unsafe_durability": True}
    async with embedded(tmp_path, **more) as house:
        story = await tell(house)
        told = {hour: await story.pupils("D1", hour) for hour in story.hours}
        assert list(told.values()) == [(0, 0), (4, 10), (5, 10), (14, 20), (9, 10)]
        for hour, target in (("visited", 0.5), ("corrected", 0.7)):
            card = await story.get("/v1/cards/D1", **MARCH, known_at=story.hours[hour])
            assert card["figures"][0]["target"] == target
            assert await check(story, card) == "confirmed"
        plain = await story.get("/v1/cards/P", **MARCH)
        assert await check(story, plain) == "confirmed"
