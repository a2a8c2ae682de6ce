"""Figures by what schools and visits are equal the oracle's, and add to the whole, always."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from services.indicators import strata
from tests.histories.generator import TODAY, histories, random_history, unit_ids
from tests.histories.player import play
from tests.histories.variety import varied
from tests.oracle.compare import Window, month_window
from tests.oracle.figures import Oracle
from tests.oracle.parts import KINDS, part_differences
from tests.support.embedded import Embedded, embedded

WINDOWS = (
    month_window("2018-12"),
    Window("2018-01..2019-05", date(2018, 1, 1), date(2019, 5, 31)),
    Window("2019-05", date(2019, 5, 1), date(2019, 5, 31)),
)
History = list[dict[str, Any]]


async def compared(house: Embedded, oracle: Oracle, unit: str, window: Window, view: str) -> int:
    """Hold every kind of parts of one unit against the oracle; returns how many parts there are."""
    seen = 0
    for kind in KINDS:
        asked = {"period": window.period, "view": view, "split_by": kind}
        answer = await house.client.get(f"/v1/units/{unit}/figures", params=asked)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["figures"]
        days = (window.first, window.last)
        found = part_differences(oracle, unit, days, house.today, view, kind, rows)
        assert found == [], f"{unit} {view} {window}"
        seen += sum(str(row["split"]).startswith(f"{kind}:") for row in rows)
    return seen


@pytest.mark.parametrize(("seed", "at_once"), [(11, 500), (12, 2)])
async def test_parts_of_a_random_history(
    seed: int, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two schools at a time, every unit's parts are put together of many pieces."""
    monkeypatch.setattr(strata, "_SCHOOLS_AT_ONCE", at_once)
    monkeypatch.setattr(strata, "_VISITS_AT_ONCE", 10 * at_once)
    history = varied(random_history(seed, 220), seed)
    async with embedded(tmp_path) as house:
        log = await play(house.client, history, TODAY)
        await house.drain()
        oracle, seen = Oracle(log), 0
        for unit in unit_ids(log)[::4]:
            for window in WINDOWS:
                for view in ("as_was", "restated"):
                    seen += await compared(house, oracle, unit, window, view)
        assert seen > 1_000, "a history that says nothing proves nothing"


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=histories(most=50))
async def test_no_history_has_parts_that_are_not_the_whole(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with embedded(tmp_path_factory.mktemp("parts")) as house:
        log = await play(house.client, varied(history, len(history)), TODAY)
        await house.drain()
        oracle = Oracle(log)
        for unit in unit_ids(log)[::5]:
            await compared(house, oracle, unit, WINDOWS[1], "as_was")
