"""Changes and ranks equal the oracle's, over windows of every kind, in both views."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.histories.generator import TODAY, random_history
from tests.histories.player import Player
from tests.oracle.compare import month_window, odd_windows
from tests.oracle.comparisons import check_comparisons
from tests.oracle.figures import Oracle
from tests.support.embedded import embedded

UNITS = ("PK-BA", "PK-BA-QTA")
WINDOWS = [month_window("2018-03"), *odd_windows(["2018-03"], TODAY)]


@pytest.mark.parametrize("view", ["as_was", "restated"])
async def test_changes_and_ranks_of_a_random_history(view: str, tmp_path: Path) -> None:
    async with embedded(tmp_path) as house:
        log = await Player(house.client, TODAY).play(random_history(31, 220))
        await house.drain()
        assert len(Oracle(log).visits) > 60, "a history that says nothing proves nothing"
        ranked = ("student_attendance", "usable_rooms", "schools_without_toilet", "coverage")
        asked = (house.client, log, UNITS, WINDOWS, [view], TODAY)
        assert await check_comparisons(*asked, ranked=ranked) == []
