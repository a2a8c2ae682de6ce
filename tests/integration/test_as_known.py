"""What was known is the same by taking back what was recorded since as by reading every visit.

After a random history with corrections, withdrawals, reviews, visits dated ahead and changes of the
register, sums of all units are made both ways as known at many instants, over whole and broken
months, past and still to come, in both views, from both ways of remembering who was visited.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.indicators import as_known, directory, gather
from services.indicators.figures import Sums
from services.indicators.gather import Asked, Terms, View
from services.indicators.known import Past, Pasts
from services.indicators.registry_store import Registers
from services.indicators.spans import Span
from services.indicators.visited_memory import VisitedMonths
from shared.clock import micros
from shared.db.transaction import Tx
from shared.domain.days import day_number
from tests.flows.test_known_at import History, house_of, played
from tests.histories.generator import TODAY, random_history
from tests.support.exchanging import always_exchange

LOCAL = ZoneInfo("Asia/Karachi")
INSTANTS = 6


def windows(today: date) -> tuple[Span, ...]:
    """A year, a quarter, a month, broken months, a day, and days that are still to come."""
    given = (
        (date(2018, 1, 1), date(2018, 12, 31)),
        (date(2018, 10, 1), date(2018, 12, 31)),
        (date(2018, 3, 1), date(2018, 3, 31)),
        (date(2018, 3, 12), date(2019, 2, 5)),
        (today - timedelta(days=40), today),
        (today - timedelta(days=3), today + timedelta(days=200)),
        (today + timedelta(days=1), today + timedelta(days=40)),
        (today, today),
    )
    return tuple(Span.of(first, last, today) for first, last in given)


async def both_ways(tx: Tx, present: Past, past: Past, instant: datetime, view: View) -> int:
    """Compare the sums of all units that were known; returns how many visits they have."""
    today = instant.astimezone(LOCAL).date()
    asked = Asked(
        past.register,
        windows(today),
        view,
        day_number(today),
        365,
        known_at=micros(instant),
        visited=VisitedMonths(),
    )
    units = sorted(past.register.unit_index[unit] for unit in past.register.timelines)
    read = await gather.of_units(tx, asked, units)
    taken = await as_known.of_units(tx, replace(asked, present=present.register), units)
    for field in fields(Sums):
        name = field.name
        assert np.array_equal(getattr(taken, name), getattr(read, name)), (instant, view, name)
    return int(read.covered_visits.sum())


@pytest.mark.parametrize(
    ("dialect", "seed", "many"),
    [("sqlite", 51, False), ("postgresql", 52, False), ("postgresql", 53, True)],
)
async def test_both_ways_give_the_same_integers(
    dialect: str,
    seed: int,
    many: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always_exchange(monkeypatch)
    monkeypatch.setattr(as_known, "_SCHOOLS_AT_ONCE", 3)
    monkeypatch.setattr(gather, "_MANY_PATHS", 1 if many else 10_000)
    exchanged: list[Terms] = []
    whole = as_known._exchanged

    async def counted(*asked: object) -> Terms:
        exchanged.append(await whole(*asked))  # type: ignore[arg-type]
        return exchanged[-1]

    monkeypatch.setattr(as_known, "_exchanged", counted)
    visits = 0
    async with house_of(dialect, tmp_path, request) as house:
        history = random_history(seed, 260, clock=True)
        log = await played(house, history + dated_ahead(history))
        async with house.platform.database("indicators").reading() as tx:
            present = Past(await Registers().current(tx), await directory.units_recorded(tx, 2**62))
            for instant in instants(log, seed):
                past = await Pasts().at(tx, present, micros(instant))
                views: tuple[View, ...] = ("as_was", "restated")
                for view in views:
                    visits += await both_ways(tx, present, past, instant, view)
    assert visits > 1_000, "the instants knew too little"
    assert len(exchanged) == 2 * INSTANTS, "something was read from the visits after all"


def instants(log: History, seed: int) -> list[datetime]:
    """Half a second after some calls: of the history, of what was dated ahead, after all."""
    told = [datetime.fromisoformat(operation["recorded"]) for operation in log]
    chosen = sorted(Random(seed).sample(told[40:-18], INSTANTS - 4))
    return [
        each + timedelta(seconds=0.5)
        for each in (*chosen, told[-12], told[-10], told[-4], told[-1])
    ]


def dated_ahead(history: History) -> History:
    """Visits dated on the next day by tablets whose clocks are ahead, for three days in turn.

    On each day one of them is corrected at once and one of the day before, so that an instant
    between knew a visit of a day to come, or of its own day, that has been replaced since. In the
    end the register learns of one of the schools that it was another.
    """
    days = [operation["day"] for operation in history if operation["op"] == "clock"]
    today = date.fromisoformat(days[-1]) if days else TODAY
    taken = [operation for operation in history if operation["op"] == "visit"][:4]
    made: History = []
    visits: History = []
    for number in range(3):
        again = [corrected(visit) for visit in visits[2:3]]
        day = today + timedelta(days=number + 1)
        visits = [sent_anew(visit, number * 10 + at, day) for at, visit in enumerate(taken)]
        made += [*visits, *again, corrected(visits[-1]), {"op": "clock", "day": day.isoformat()}]
    code = taken[-1]["form"]["school_code"].strip().lstrip("0")
    items = [item for each in history if each["op"] == "schools" for item in each["items"]]
    one = next(item for item in items if item["school_code"].strip().lstrip("0") == code)
    other = {**one, "gender": "girls" if one["gender"] == "boys" else "boys"}
    made.append({"op": "schools", "items": [{**other, "valid_from": "2018-02-01"}]})
    return made


def sent_anew(visit: dict[str, Any], number: int, day: date) -> dict[str, Any]:
    """The same form as another visit, in the night before a day's work."""
    form = {name: visit["form"][name] for name in visit["form"] if name != "ended_at"}
    form |= {"visit_id": str(UUID(int=number, version=4))}
    form |= {"visited_at": datetime.combine(day, time(2), LOCAL).isoformat()}
    return {"op": "visit", "source": visit["source"], "visit_id": form["visit_id"], "form": form}


def corrected(visit: dict[str, Any]) -> dict[str, Any]:
    """The correction of a visit: nobody says who made it."""
    form = {name: visit["form"][name] for name in visit["form"] if name != "monitor_id"}
    return {**visit, "op": "correct", "form": {**form, "remarks": "again"}}


@pytest.mark.parametrize(("dialect", "seed"), [("sqlite", 54), ("postgresql", 55)])
async def test_where_too_much_was_recorded_since_nothing_is_passed_over(
    dialect: str,
    seed: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always_exchange(monkeypatch)
    async with house_of(dialect, tmp_path, request) as house:
        log = await played(house, random_history(seed, 120, clock=True))
        async with house.platform.database("indicators").reading() as tx:
            present = Past(await Registers().current(tx), await directory.units_recorded(tx, 2**62))
            last = datetime.fromisoformat(log[-12]["recorded"]) + timedelta(seconds=0.5)
            past = await Pasts().at(tx, present, micros(last))
            for most in range(12):
                monkeypatch.setattr(as_known, "_MOST", most)
                assert await both_ways(tx, present, past, last, "as_was") > 0
