"""Figures by what schools and visits are equal the oracle's, and add to the whole, always."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from services.indicators import strata
from tests.histories.generator import TODAY, histories, random_history, unit_ids
from tests.histories.player import play
from tests.oracle.compare import Window, month_window
from tests.oracle.figures import Oracle
from tests.oracle.parts import parts
from tests.support.embedded import Embedded, embedded

KINDS = ("school_gender", "school_level", "zone", "shift", "visit_type")
FIELDS = {
    "gender": ("boys", "girls", "mixed", None),
    "level": ("primary", "middle", "high", None),
    "zone": ("summer", "winter", None),
    "shift": ("morning", "evening", None),
}
WINDOWS = (
    month_window("2018-12"),
    Window("2018-01..2019-05", date(2018, 1, 1), date(2019, 5, 31)),
    Window("2019-05", date(2019, 5, 1), date(2019, 5, 31)),
)
History = list[dict[str, Any]]


def varied(history: History, seed: int) -> History:
    """The same history with schools of every level, zone and shift, or of none said."""
    rng = Random(seed)
    return [
        {
            **op,
            "items": [
                {**item, **{name: rng.choice(words) for name, words in FIELDS.items()}}
                for item in op["items"]
            ],
        }
        if op["op"] == "schools"
        else op
        for op in history
    ]


def added(rows: list[dict[str, Any]]) -> tuple[int, ...]:
    names = ("numerator", "denominator", "visits")
    return tuple(sum(row[name] or 0 for row in rows) for name in names)


async def compared(house: Embedded, oracle: Oracle, unit: str, window: Window, view: str) -> int:
    """Hold every kind of parts of one unit against the oracle; returns how many parts there are."""
    seen = 0
    for kind in KINDS:
        asked = {"period": window.period, "view": view, "split_by": kind}
        answer = await house.client.get(f"/v1/units/{unit}/figures", params=asked)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["figures"]
        days = (window.first, window.last)
        expected = parts(oracle, unit, days, house.today, view, kind)
        for total in [row for row in rows if row["split"] is None]:
            code = total["indicator"]
            own = [
                row
                for row in rows
                if row["indicator"] == code and str(row["split"]).startswith(f"{kind}:")
            ]
            wanted = {part: said for (name, part), said in expected.items() if name == code}
            if not own and (kind == "visit_type" or code == "visits_made"):
                continue  # a stock is not divided by visits
            place = f"{unit} {view} {window} {code} by {kind}"
            assert added(own) == added([total]), place
            found = {
                row["split"].partition(":")[2]: (
                    row["numerator"],
                    row["denominator"] or 0,
                    row["visits"],
                    row["schools"],
                )
                for row in own
            }
            wanted = {part: said for part, said in wanted.items() if any(said)}
            assert {part: said for part, said in found.items() if any(said)} == wanted, place
            seen += len(own)
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
