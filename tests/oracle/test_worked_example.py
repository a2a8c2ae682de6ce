"""The worked example that `rtsm verify` reckons comes to the same when the oracle reckons it."""

from __future__ import annotations

from datetime import date

from services.indicators.verify_definitions import example
from tests.oracle.figures import figures
from tests.oracle.small import school, visit


def test_the_oracle_comes_to_the_figures_of_the_worked_example() -> None:
    told = example()
    history = [school(v["school"], gender=v["gender"]) for v in told["visits"]]
    history += [school(code) for code in told["unvisited"]]
    history += [visit(v["school"], v["school"], told["day"], **v["form"]) for v in told["visits"]]
    day = date.fromisoformat(told["day"])
    answer = figures(history, "C1", day, day, day, "as_was")
    given = {
        (row["indicator"], row["split"] or ""): [row["numerator"], row["denominator"] or 0]
        for row in answer["figures"]
    }
    wanted = {
        (code, split): pair
        for code, splits in told["figures"].items()
        for split, pair in splits.items()
    }
    assert {key: given.get(key) for key in wanted} == wanted
    assert {code for code, split in given if not split} == set(told["figures"])
