"""The loader: everything once, in its time; interrupted anywhere it goes on to the same end."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.load import DEMO_START, LoadError, load
from demo.visits import COUNTED, START, History
from shared.clock import SetClock
from tests.demo.fake_api import FakeApi


def api() -> FakeApi:
    return FakeApi(SetClock(START))


async def loaded(one: FakeApi, state: Path) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    async with one.client() as client:
        await load(client, one.clock, lambda *counts: told.append(counts), state)
    return told


@pytest.fixture(scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeApi, Any, Path]:
    """An API that was loaded without interruption, what was told, and the marker."""
    one, state = api(), tmp_path_factory.mktemp("demo") / "deep" / "progress.json"
    told = await loaded(one, state)
    return one, told, state


async def test_everything_is_sent_in_its_time(
    whole: tuple[FakeApi, Any, Path], history: History
) -> None:
    one, told, state = whole
    assert one.moments == sorted(one.moments)
    assert one.clock.at == DEMO_START
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > len(history)
    said = json.loads(state.read_text(encoding="utf-8"))
    assert said["complete"] is True
    assert said["accepted"] + said["quarantined"] == len(one.forms)
    assert said["passed"] == 0
    assert len(one.records["/v1/units"]) == 1 + 6 + 32 + 1004
    assert len(one.records["/v1/schools"]) == 14_000
    assert len(one.records["/v1/officers"]) == 33
    assert one.counted() == COUNTED


async def test_a_second_start_sends_nothing(whole: tuple[FakeApi, Any, Path]) -> None:
    one, _, state = whole
    before = one.calls
    assert await loaded(one, state) == []
    assert one.calls == before
    assert one.clock.at == DEMO_START


async def test_an_interrupted_load_goes_on_to_the_same_end(
    whole: tuple[FakeApi, Any, Path], tmp_path: Path
) -> None:
    complete, _, _ = whole
    one, state = api(), tmp_path / "progress.json"
    one.hang_up_after = {1, 5, 13, 40, 41, 160, 600, 1001, 1500}
    one.busy_at = {3, 30, 300}
    interruptions = 0
    while one.clock.at != DEMO_START:
        gone = len(one.hang_up_after & set(range(one.calls + 1)))
        with suppress(httpx.ReadError):
            await loaded(one, state)
        interruptions += len(one.hang_up_after & set(range(one.calls + 1))) > gone
    assert interruptions == 9
    assert one.world() == complete.world()
    assert json.loads(state.read_text(encoding="utf-8"))["passed"] == 0


async def test_without_its_marker_the_load_is_a_replay(
    whole: tuple[FakeApi, Any, Path], tmp_path: Path
) -> None:
    loaded_before, _, _ = whole
    one = copy.deepcopy(loaded_before)
    one.clock.at = START
    await loaded(one, tmp_path / "other.json")
    assert one.revisions == loaded_before.revisions
    assert one.world() == loaded_before.world()


async def test_a_marker_of_another_stream_is_not_believed(tmp_path: Path) -> None:
    one, state = api(), tmp_path / "progress.json"
    one.refuse_at = 1
    for text in ("", "[]", '{"format": 0}', '{"format": 1, "seed": 3, "step": 99}'):
        state.write_text(text, encoding="utf-8")
        one.calls = 0
        with pytest.raises(LoadError, match=r"422: .*no such unit"):
            await loaded(one, state)
