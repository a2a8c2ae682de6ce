"""Every figure equals the oracle's, whatever happened and in whatever order (embedded).

The oracle reads the client's log of accepted calls by brute force and shares no code with the
services. `EVERYTHING` is all units x indicators x splits x months, both views, and odd windows.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.histories.generator import TODAY, histories, months, random_history, unit_ids
from tests.histories.order import shuffled
from tests.histories.player import Batch, Player, play
from tests.oracle.compare import check_everything
from tests.oracle.figures import Oracle
from tests.support.embedded import Embedded, embedded

History = list[dict[str, Any]]
SOME = ["2018-03", "2018-12", "2019-05"]
YEARS = (date(2018, 1, 1), date(2019, 5, 31))
EXAMPLES = int(os.environ.get("TESTS_HISTORIES", "12"))


async def compared(house: Embedded, log: History, chosen: list[str], *, odd: bool) -> None:
    """Hold all figures of these months against the oracle, and the cells against the visits."""
    units, today = unit_ids(log), house.today
    found = await check_everything(house.client, log, units, chosen, today=today, odd=odd)
    assert found == []
    assert await house.verified() == []


@pytest.mark.parametrize(("seed", "clock"), [(20180301, False), (20190531, True)])
async def test_everything_of_a_random_history(seed: int, clock: bool, tmp_path: Path) -> None:
    """With `clock` days pass meanwhile: what is dated ahead comes to hold, "today" is another."""
    history = random_history(seed, 280, clock=clock)
    async with embedded(tmp_path) as house:
        log = await Player(house.client, TODAY, set_day=house.set_day).play(history)
        await house.drain()
        counted = len(Oracle(log).visits)
        assert counted > 80, "a history that says nothing proves nothing"
        await compared(house, log, months(), odd=clock)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=histories(most=60, clock=True))
async def test_hypothesis_finds_no_history_that_is_told_wrong(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with embedded(tmp_path_factory.mktemp("history")) as house:
        log = await Player(house.client, TODAY, set_day=house.set_day).play(history)
        await house.drain()
        await compared(house, log, SOME, odd=False)


@pytest.mark.parametrize("register_first", [True, False])
async def test_any_order_of_arrival_gives_the_same(register_first: bool, tmp_path: Path) -> None:
    """With the register last, every visit waits in quarantine until its school arrives."""
    straight = random_history(7, 160)
    async with embedded(tmp_path / "straight") as house:
        first = await play(house.client, straight, TODAY)
    meant = Oracle(first).figures("PK-BA", *YEARS, TODAY, "as_was")
    for seed in (1, 2):
        order = shuffled(straight, Random(seed), register_first=register_first)
        async with embedded(tmp_path / str(seed)) as house:
            log = await play(house.client, order, TODAY)
            await house.drain()
            await compared(house, log, SOME, odd=False)
        # The oracle sees the same in both orders: the comparison is with what was meant.
        told = Oracle(log).figures("PK-BA", *YEARS, TODAY, "as_was")
        assert sorted(map(str, told["figures"])) == sorted(map(str, meant["figures"]))


@pytest.mark.parametrize("batch", ["json", "ndjson"])
async def test_visits_sent_in_batches(batch: Batch, tmp_path: Path) -> None:
    history = random_history(11, 200)
    async with embedded(tmp_path) as house:
        log = await play(house.client, history, TODAY, batch=batch, batch_size=23)
        await house.drain()
        await compared(house, log, SOME, odd=True)


@pytest.mark.parametrize("chance", [1.0, 0.1])
async def test_folded_after_every_call_or_now_and_then(chance: float, tmp_path: Path) -> None:
    """How events fall into batches changes nothing: alone, or dozens in one transaction."""
    history = random_history(13, 200)
    rng = Random(13)
    async with embedded(tmp_path) as house:

        async def after(_: dict[str, Any]) -> None:
            if rng.random() < chance:
                await house.drain()

        log = await Player(house.client, TODAY).play(history, after)
        await house.drain()
        await compared(house, log, SOME, odd=True)


async def test_rebuilt_in_the_middle_and_at_the_end(tmp_path: Path) -> None:
    history = random_history(17, 200)
    async with embedded(tmp_path) as house:
        player = Player(house.client, TODAY)
        await player.play(history[:100])
        await house.rebuild()
        await player.play(history[100:150])
        await house.drain()
        await house.rebuild()
        log = await player.play(history[150:])
        await house.drain()
        await compared(house, log, SOME, odd=False)
        await house.rebuild()
        await house.drain()
        await compared(house, log, SOME, odd=True)


async def test_stopped_and_started_again_at_any_time(tmp_path: Path) -> None:
    history = random_history(19, 160)
    player: Player | None = None
    for first in range(0, len(history), 45):
        async with embedded(tmp_path) as house:
            if player is None:
                player = Player(house.client, TODAY)
            player.client = house.client
            await player.play(history[first : first + 45])
            if first % 2:
                await house.drain()
    assert player is not None
    async with embedded(tmp_path) as house:
        await house.drain()
        await compared(house, player.log, SOME, odd=True)
