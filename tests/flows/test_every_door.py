"""The same figure by whichever door it is asked: alone, in a series, in a list, by its evidence.

Over a register that was reorganised again and again, in both views. What a figure should be is the
oracle's to say; `test_figures_equal_the_oracle` asks it by the front door only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest

from tests.histories.generator import months, random_history, unit_ids
from tests.histories.player import Player
from tests.oracle.answers import FIXED
from tests.oracle.compare import VIEWS, Window, differences, month_window
from tests.oracle.figures import Oracle
from tests.support.embedded import Embedded, embedded

WINDOWS = [
    month_window("2018-03"),
    Window("2018-03-10..2018-09-20", date(2018, 3, 10), date(2018, 9, 20)),
    Window("2019", date(2019, 1, 1), date(2019, 12, 31)),
]
YEARS = f"{months()[0]}..2019-06"
Row = dict[str, Any]


@dataclass
class Told:
    """A played history, the house that heard it, and what it should say."""

    house: Embedded
    log: list[Row]
    today: date
    oracle: Oracle

    async def ask(self, unit: str, tail: str, view: str, window: Window, **more: Any) -> Row:
        """An answer about a unit, its figures' tail of the path given."""
        asked = {"period": window.period, "view": view, **more}
        path = f"/v1/units/{quote(unit, safe='')}/{tail}"
        answer = await self.house.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        found: Row = answer.json()
        return found

    def expected(self, unit: str, window: Window, view: str) -> Row:
        """The oracle's answer."""
        return self.oracle.figures(unit, window.first, window.last, self.today, view)

    def figure(self, unit: str, window: Window, view: str, indicator: str) -> Row:
        """The oracle's total of one indicator."""
        rows = self.expected(unit, window, view)["figures"]
        return next(r for r in rows if (r["indicator"], r["split"]) == (indicator, None))

    def units(self) -> list[str]:
        """The province, the four busiest units below it, and the two busiest schools."""
        year = Window("2018", date(2018, 1, 1), date(2018, 12, 31))
        made = {u: self.expected(u, year, "restated")["visits"] for u in unit_ids(self.log)}
        above = [u for u in made if not u.startswith("school:")]
        busy = sorted(above, key=lambda u: -made[u])[:5]
        schools = sorted(made.keys() - set(above), key=lambda u: -made[u])[:2]
        return ["PK-BA", *[u for u in busy if u != "PK-BA"], *schools]


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    async with embedded(tmp_path_factory.mktemp("doors")) as house:
        player = Player(house.client, house.today, set_day=house.set_day)
        log = await player.play(random_history(41, 220, clock=True))
        await house.drain()
        yield Told(house, log, player.today, Oracle(log))


def unlike(expected: Row, given: Row) -> list[str]:
    """What one figure says otherwise than the oracle's row."""
    whole = {"visits": 0, "schools_visited": 0, "schools_registered": 0, "coverage": (0, 0)}
    answer = {**whole, "coverage": None, "figures": [given]}
    alone = {**whole, "figures": [expected]}
    return [what for what in differences(alone, answer) if "missing" not in what]


async def test_series_of_all_indicators(told: Told) -> None:
    for view in VIEWS:
        for unit in told.units():
            span = Window(YEARS, date(2018, 1, 1), date(2019, 6, 30))
            answer = await told.ask(unit, "series", view, span, by="month", splits="all")
            assert len(answer["series"]) == 18
            for point in answer["series"]:
                expected = told.expected(unit, month_window(point["period"]), view)
                assert differences(expected, point) == [], (unit, view, point["period"])


async def test_all_below_a_unit(told: Told) -> None:
    seen = set()
    for view in VIEWS:
        for window in WINDOWS:
            answer = await told.ask("PK-BA", "children/figures", view, window, depth=3)
            assert differences(told.expected("PK-BA", window, view), answer) == []
            for child in answer["children"]:
                expected = told.expected(child["unit_id"], window, view)
                assert differences(expected, child) == [], (child["unit_id"], view, str(window))
                seen.add(child["unit_id"])
    assert len(seen) > 12


async def test_one_indicator_over_time_and_among_siblings(told: Told) -> None:
    window = WINDOWS[1]
    for view in VIEWS:
        for indicator in FIXED:
            for unit in ("PK-BA", told.units()[1]):
                tail = f"figures/{indicator}"
                answer = await told.ask(unit, f"{tail}/series", view, window, by="quarter")
                for point in answer["series"]:
                    first, last = (date.fromisoformat(point[end]) for end in ("first", "last"))
                    expected = told.figure(unit, Window("", first, last), view, indicator)
                    assert unlike(expected, point) == []
                answer = await told.ask(unit, f"{tail}/children", view, window, rank="true")
                for child in answer["children"]:
                    expected = told.figure(child["unit_id"], window, view, indicator)
                    given = {"indicator": indicator, "split": None, **child}
                    assert unlike(expected, given) == []


async def test_the_evidence_adds_up_to_the_figure(told: Told) -> None:
    for view in VIEWS:
        for window in WINDOWS[1:]:
            for unit in told.units():
                for indicator in FIXED:
                    tail = f"figures/{indicator}/evidence"
                    answer = await told.ask(unit, tail, view, window, limit=1000)
                    counted = [row for row in answer["evidence"] if row["counted"]]
                    figure = told.figure(unit, window, view, indicator)
                    place = (unit, view, str(window), indicator)
                    assert answer["next"] is None
                    assert len(counted) == figure["visits"], place
                    assert len({row["unit"] for row in counted}) == figure["schools"], place
                    if indicator == "coverage":
                        continue
                    assert sum(row["numerator"] for row in counted) == figure["numerator"], place
                    if indicator not in ("visits_made", "schools_known"):
                        whole = sum(row["denominator"] for row in counted)
                        assert whole == figure["denominator"], place


async def test_the_change_between_two_windows(told: Told) -> None:
    before, after = month_window("2018-03"), Window("2018-Q2", date(2018, 4, 1), date(2018, 6, 30))
    for view in VIEWS:
        for unit in told.units():
            for indicator in FIXED:
                tail = f"figures/{indicator}/change"
                answer = await told.ask(unit, tail, view, after, against=before.period)
                for name, window in (("after", after), ("before", before)):
                    expected = told.figure(unit, window, view, indicator)
                    assert unlike(expected, answer[name]) == [], (unit, view, indicator, name)
                if answer["change"] is not None:
                    parts = (answer["same_schools"] or 0) + answer["composition"]
                    assert parts == pytest.approx(answer["change"], abs=1e-9)


async def test_only_visits_received_by_some_time(told: Told) -> None:
    """What came later is left out with all it superseded; what came stands as it is now."""
    visits = [entry for entry in told.log if entry["op"] == "visit"]
    until = visits[len(visits) // 2]
    late = {(v["source"], v["visit_id"]) for v in visits if v["received"] > until["received"]}
    early = [o for o in told.log if (o.get("source"), o.get("visit_id")) not in late]
    oracle = Oracle(early)
    for view in VIEWS:
        for window in WINDOWS:
            for unit in told.units():
                answer = await told.ask(
                    unit, "figures", view, window, received_until=until["received_at"]
                )
                expected = oracle.figures(unit, window.first, window.last, told.today, view)
                assert differences(expected, answer) == [], (unit, view, str(window))
