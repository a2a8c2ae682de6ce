"""Racing retries, in one process and in two: one visit, one receipt, whoever asks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.intake import House, house, intake, school, visit

__all__ = ["intake"]


@pytest.fixture
async def twins(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Two ingests on one PostgreSQL database, as two processes would be."""
    async with house(tmp_path, postgres_url) as one, house(tmp_path, postgres_url) as other:
        await one.register()
        yield one, other


async def racing(houses: list[House], forms: list[dict[str, Any]], copies: int) -> list[Any]:
    return await asyncio.gather(
        *(
            at.post(form)
            for number in range(copies)
            for form in forms
            for at in [houses[number % len(houses)]]
        )
    )


async def test_identical_retries_all_succeed_with_one_receipt(intake: House) -> None:
    form = visit()
    answers = await racing([intake], [form], 40)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 39}
    assert len({answer.text for answer in answers}) == 1
    assert len(await intake.events()) == 1


async def test_of_two_contents_exactly_one_wins(intake: House) -> None:
    for _ in range(5):
        one = visit()
        other = one | {"remarks": "another"}
        answers = await racing([intake], [one, other], 10)
        counts = Counter(answer.status_code for answer in answers)
        assert counts == {201: 1, 200: 9, 409: 10}


async def test_two_processes_agree(twins: tuple[House, House]) -> None:
    for _ in range(8):
        form = visit()
        answers = await racing(list(twins), [form], 16)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 15}
        assert len({answer.text for answer in answers}) == 1
    for _ in range(8):
        one = visit()
        answers = await racing(list(twins), [one, one | {"remarks": "another"}], 8)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 7, 409: 8}
    assert len(await twins[0].events()) == 16
    rows = await twins[0].rows("SELECT position FROM visits ORDER BY position")
    journal = await twins[0].rows(
        "SELECT seq FROM journal WHERE topic = 'rtsm.visits' ORDER BY seq"
    )
    assert rows == journal


async def test_batches_that_overlap_agree(twins: tuple[House, House]) -> None:
    forms = [visit() for _ in range(300)]
    halves = (forms[:200], list(reversed(forms[100:])))
    answers = await asyncio.gather(
        *(at.post(half, "/v1/visits/batch") for at, half in zip(twins, halves, strict=True))
    )
    counts = [answer.json() for answer in answers]
    assert sum(count["accepted"] for count in counts) == 300
    assert sum(count["replayed"] for count in counts) == 100
    assert len(await twins[1].events()) == 300


async def test_a_school_put_in_one_process_is_known_in_the_other(
    twins: tuple[House, House],
) -> None:
    one, other = twins
    for number in range(5):
        code = f"N{number}"
        await one.call("PUT", "/v1/schools", [school(code, gender="boys")])
        answer = await other.post(visit(school_code=code, students={"girls": {"enrolled": 1}}))
        assert answer.status_code == 201
        assert [flag["code"] for flag in answer.json()["flags"]] == ["girls_in_boys_school"]


async def test_racing_corrections_do_not_lose_each_other(intake: House) -> None:
    form = visit()
    await intake.post(form)
    answers = await asyncio.gather(
        *(intake.put(form | {"remarks": f"{number}"}, 1) for number in range(8))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 7}
    assert len(await intake.events()) == 2


async def test_racing_registrations_number_their_changes_without_gaps(
    twins: tuple[House, House],
) -> None:
    await asyncio.gather(
        *(
            twins[number % 2].call("PUT", "/v1/schools", [school(f"R{number}"), school("R")])
            for number in range(10)
        )
    )
    events = await twins[0].events("rtsm.registry")
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
