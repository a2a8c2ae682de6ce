"""The comparison itself finds every kind of difference and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from tests.histories.generator import TODAY, months, random_history, unit_ids
from tests.oracle.compare import check_everything, differences, month_window, odd_windows
from tests.oracle.figures import Oracle

HISTORY = random_history(3, 120)
MARCH = (date(2018, 3, 1), date(2018, 3, 31))


def wire(answer: dict[str, Any]) -> dict[str, Any]:
    """The oracle's answer as a server would write it."""
    told = copy.deepcopy(answer)
    num, den = told["coverage"]
    told["coverage"] = round(num / den, 6) if den else None
    for row in told["figures"]:
        row["value"] = None if row["value"] is None else round(float(row["value"]), 6)
    return told


def expected() -> dict[str, Any]:
    return Oracle(HISTORY).figures("PK-BA", *MARCH, TODAY, "as_was")


def test_the_same_is_the_same() -> None:
    assert differences(expected(), wire(expected())) == []


def row_of(answer: dict[str, Any], indicator: str, split: str | None = None) -> dict[str, Any]:
    rows = answer["figures"]
    return next(r for r in rows if (r["indicator"], r["split"]) == (indicator, split))


@pytest.mark.parametrize("name", ["numerator", "denominator", "visits", "schools", "value"])
def test_any_number_of_any_figure_matters(name: str) -> None:
    for place in range(len(expected()["figures"])):
        told = wire(expected())
        row = told["figures"][place]
        if name == "value" and row["indicator"] == "visits_made":
            continue
        row[name] = (row[name] or 0) + (0.000001 if name == "value" else 1)
        assert len(differences(expected(), told)) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: row_of(told, "visits_made").update(state="not_measured"),
        lambda told: row_of(told, "coverage").update(visits=None),
        lambda told: row_of(told, "coverage").update(schools=3.0),
        lambda told: told["figures"].remove(row_of(told, "student_attendance", "girls")),
        lambda told: told["figures"].append(dict(row_of(told, "coverage"))),
        lambda told: told.update(visits=told["visits"] + 1),
        lambda told: told.update(coverage=0.123456),
        lambda told: told.update(schools_registered=None),
    ],
)
def test_spoiled_answers(spoil: Callable[[dict[str, Any]], None]) -> None:
    told = wire(expected())
    spoil(told)
    assert differences(expected(), told)


def test_an_absent_open_split_is_an_all_zero_one() -> None:
    told = wire(expected())
    empty = {"numerator": 0, "denominator": 0, "visits": 0, "schools": 0}
    extra = {"indicator": "visits_made", "split": "visit_type:verification", **empty}
    told["figures"].append({**extra, "value": None, "state": "value"})
    assert differences(expected(), told) == []
    told["figures"].remove(row_of(told, "visits_made", "visit_type:routine"))
    assert len(differences(expected(), told)) == 1


def test_windows() -> None:
    assert month_window("2018-02").last == date(2018, 2, 28)
    windows = {str(window): window for window in odd_windows(["2018-05"], TODAY)}
    quarter = windows["2018-Q2"]
    assert (quarter.first, quarter.last) == (date(2018, 4, 1), date(2018, 6, 30))
    rolling = windows["last-28-days ending 2018-05-10"]
    assert (rolling.last - rolling.first).days == 27
    assert windows["last-30-days"].last == TODAY


async def test_everything_is_asked_and_named() -> None:
    """A server that is the oracle has no difference; one that misses a visit is told where."""
    asked = set()
    oracle = Oracle(HISTORY)
    spans = {
        (window.period, window.ending): (window.first, window.last)
        for window in [*map(month_window, months()), *odd_windows(months(), TODAY)]
    }

    def serve(request: httpx.Request) -> httpx.Response:
        unit, query = request.url.path.split("/")[3], request.url.params
        span = spans[query["period"], query.get("ending")]
        told = wire(oracle.figures(unit, *span, TODAY, query["view"]))
        asked.add((unit, query["view"]))
        if unit == "CL-01" and query["period"] == "2018-03" and query["view"] == "restated":
            told["visits"] += 1
        assert request.headers["Authorization"] == "Bearer k"
        return httpx.Response(200, json=told)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(serve), base_url="http://oracle"
    ) as client:
        units = unit_ids(HISTORY)
        found = await check_everything(client, HISTORY, units, months(), today=TODAY, key="k")
    assert len(asked) == 2 * len(units)
    assert len(found) == 1
    assert found[0].startswith("CL-01 restated 2018-03: top level visits")
