"""A server and the oracle, asked the same about everything, now or as known at a past instant.

Owns the questions and how many of them there are; what each answer must be is the business of
`compare`, `comparisons`, `parts`, `evidence` and `lists`. `Both.found` is all that differs, with
its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from tests.oracle.answers import FIXED
from tests.oracle.compare import VIEWS, Window, differences, month_window
from tests.oracle.comparisons import all_change_differences, before, rank_differences
from tests.oracle.evidence import unlike
from tests.oracle.figures import Oracle
from tests.oracle.lists import list_differences, lists_of
from tests.oracle.paging import paged
from tests.oracle.parts import KINDS, part_differences
from tests.oracle.register import canonical
from tests.oracle.windows import days

AT_ONCE = 4
_PAGE = 37
_LIST_PAGE, _MONTHS = 5, 2
Row = dict[str, Any]


@dataclass
class Both:
    """One side asks HTTP, the other the oracle; `today` is the day it is, or was at `known_at`."""

    client: httpx.AsyncClient
    oracle: Oracle
    today: date
    known_at: datetime | None = None
    found: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    # A process sends few lists as CSV at once, and refuses others.
    _listing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def together(self, questions: Iterable[Awaitable[None]]) -> None:
        """Ask them, a few at once."""

        async def in_turn(question: Awaitable[None]) -> None:
            async with self._turn:
                await question

        await asyncio.gather(*map(in_turn, questions))

    async def _answer(self, path: str, params: dict[str, str]) -> httpx.Response:
        known = {} if self.known_at is None else {"known_at": self.known_at.isoformat()}
        return await self.client.get(path, params=params | known)

    async def _get(self, unit: str, tail: str, params: dict[str, str], place: str) -> Row | None:
        answer = await self._answer(f"/v1/units/{quote(unit, safe='')}/{tail}", params)
        if answer.status_code != httpx.codes.OK:
            self.found.append(f"{place}: {answer.status_code} {answer.text[:200]}")
            return None
        body: Row = answer.json()
        return body

    def _say(self, place: str, kind: str, found: list[str]) -> None:
        told = "" if self.known_at is None else f" known at {self.known_at}"
        self.found += [f"{place}{told}: {what}" for what in found]
        self.asked[kind] += 1

    async def figures(self, unit: str, window: Window, view: str) -> None:
        """All indicators and splits of one unit, and its top-level numbers."""
        place = f"{unit} {view} {window}"
        body = await self._get(unit, "figures", window.asked | {"view": view}, place)
        if body is not None:
            meant = self.oracle.figures(unit, window.first, window.last, self.today, view)
            self._say(place, "figures", differences(meant, body))

    async def parts(self, unit: str, window: Window, view: str, kind: str) -> None:
        """All indicators divided by what schools or visits are."""
        place = f"{unit} {view} {window} by {kind}"
        asked = window.asked | {"view": view, "split_by": kind}
        body = await self._get(unit, "figures", asked, place)
        if body is not None:
            span = (window.first, window.last)
            asked_of = (self.oracle, unit, span, self.today, view, kind)
            self._say(place, "parts", part_differences(*asked_of, body["figures"]))

    async def change(self, unit: str, window: Window, view: str, against: str | Window) -> None:
        """How every total moved, by the same schools and by having other ones."""
        place = f"{unit} {view} {window} against {against}"
        if isinstance(against, Window):
            named, older = against.period, (against.first, against.last)
        else:
            named, older = against, before(window, against)
        asked = window.asked | {"view": view, "against": named}
        body = await self._get(unit, "change", asked, place)
        if body is not None:
            asked_of = (self.oracle, unit, window, older, self.today, view)
            self._say(place, "change", all_change_differences(*asked_of, body))

    async def ranks(self, unit: str, window: Window, view: str, indicator: str) -> None:
        """The units directly below, every one of them, with their figures and ranks."""
        place = f"{unit} {view} {window} {indicator} of those below"
        asked = window.asked | {"view": view, "rank": "true"}
        body = await self._get(unit, f"figures/{indicator}/children", asked, place)
        if body is None:
            return
        told = body["children"]
        found = rank_differences(self.oracle, window, self.today, view, indicator, told)
        meant = self._kept(self._below([unit], window, view), window, view)
        self._say(place, "ranks", found + _other_units(told, meant))

    async def children(self, unit: str, window: Window, view: str, depth: int) -> None:
        """All figures of everything below, in one answer."""
        place = f"{unit} {view} {window} and {depth} levels below"
        asked = window.asked | {"view": view, "depth": str(depth)}
        body = await self._get(unit, "children/figures", asked, place)
        if body is None:
            return
        layer, below = [unit], list[str]()
        for _ in range(depth):
            layer = self._below(layer, window, view)
            below += layer
        found = _other_units(body["children"], self._kept(below, window, view))
        for child in [body, *body["children"]]:
            own = child.get("unit_id", unit)
            meant = self.oracle.figures(own, window.first, window.last, self.today, view)
            found += [f"{own}: {what}" for what in differences(meant, child)]
        self._say(place, "children", found)

    def _below(self, units: list[str], window: Window, view: str) -> list[str]:
        """What is directly under these units on D, or today when restated."""
        register, on = self.oracle.register, self._tree_day(window, view)
        found = []
        for unit in [each for each in units if not each.startswith("school:")]:
            below, codes = register.directly_under(unit, on)
            found += [*below, *(f"school:{code}" for code in codes)]
        return found

    def _tree_day(self, window: Window, view: str) -> date:
        return self.today if view == "restated" else min(window.last, self.today)

    def _kept(self, units: list[str], window: Window, view: str) -> list[str]:
        """Those that stay on a list: what has ended only while it has visits."""
        register, kept = self.oracle.register, []
        for unit in units:
            span = (window.first, window.last)
            made = self.oracle.figures(unit, *span, self.today, view)["visits"]
            if unit.startswith("school:"):
                code = unit.removeprefix("school:")
                stays = register.active(code, min(window.last, self.today))
            else:
                stays = not register.gone(unit, self._tree_day(window, view))
            kept += [unit] if made or stays else []
        return kept

    async def series(self, unit: str, steps: list[Window], view: str, by: str) -> None:
        """All figures over the pieces of a period."""
        place = f"{unit} {view} {steps[0]} to {steps[-1]} by {by}"
        period = f"{steps[0].first:%Y-%m}..{steps[-1].last:%Y-%m}"
        asked = {"period": period, "view": view, "by": by, "splits": "all"}
        body = await self._get(unit, "series", asked, place)
        if body is None:
            return
        told, found = body["series"], []
        if [step["period"] for step in told] != [step.period for step in steps]:
            found.append(f"pieces {[step['period'] for step in told]}")
        for step, window in zip(told, steps, strict=False):
            meant = self.oracle.figures(unit, window.first, window.last, self.today, view)
            found += [f"{window}: {what}" for what in differences(meant, step)]
        self._say(place, "series", found)

    async def evidence(self, unit: str, window: Window, view: str, indicator: str) -> None:
        """The visits behind one total, read page by page."""
        place = f"{unit} {view} {window} evidence of {indicator}"
        path = f"/v1/units/{quote(unit, safe='')}/figures/{indicator}/evidence"
        page = await paged(self._answer, path, window.asked | {"view": view}, _PAGE, "evidence")
        meant = self.oracle.figures(unit, window.first, window.last, self.today, view)
        [figure] = [
            row for row in meant["figures"] if (row["indicator"], row["split"]) == (indicator, None)
        ]
        self._say(place, "evidence", unlike(page["evidence"], figure))

    async def lists(self, unit: str, window: Window, view: str) -> None:
        """All named lists of one unit, one list after the other."""
        place = f"{unit} {view} {window} lists"
        path = f"/v1/units/{quote(unit, safe='')}/lists"
        on = min(window.last, self.today)
        meant = lists_of(self.oracle, unit, on, self.today, view, _MONTHS)
        asked = window.asked | {"view": view}
        async with self._listing:
            found = await list_differences(self._answer, path, asked, meant, _MONTHS, _LIST_PAGE)
        self._say(place, "lists", found)


def _other_units(told: list[Row], meant: list[str]) -> list[str]:
    """What is on a list of units and should not be, or the other way round."""
    listed = sorted(_spelled(child["unit_id"]) for child in told)
    wanted = sorted(map(_spelled, meant))
    return [] if listed == wanted else [f"listed are {listed}, expected {wanted}"]


def _spelled(unit: str) -> str:
    if unit.startswith("school:"):
        return "school:" + canonical(unit.removeprefix("school:"))
    return unit


async def ask_everything(both: Both, units: list[str], windows: list[Window], rng: Random) -> None:
    """Every unit in every window and both views, and of some whatever else can be asked."""
    above = [unit for unit in units if not unit.startswith("school:")]
    some = [*rng.sample(above, min(6, len(above))), *rng.sample(units, min(3, len(units)))]
    top = above[0] if "PK-BA" not in above else "PK-BA"

    def view() -> str:
        return rng.choice(VIEWS)

    def window() -> Window:
        return rng.choice(windows)

    questions = [both.figures(u, w, v) for u in units for w in windows for v in VIEWS]
    questions += [both.parts(u, window(), view(), kind) for u in [top, *some] for kind in KINDS]
    questions += [both.ranks(u, window(), view(), i) for u in above for i in _few(rng, 3)]
    questions += [both.ranks(top, windows[0], v, i) for v in VIEWS for i in FIXED]
    for unit in [top, *some]:
        any_days = window()
        other = days(any_days.first, any_days.last)
        questions += [both.change(unit, window(), view(), a) for a in ("previous", "last-year")]
        questions.append(both.change(unit, window(), view(), other))
    questions += [both.children(top, w, v, 3) for w in windows[:2] for v in VIEWS]
    months = [month_window(f"2018-{number:02d}") for number in range(1, 13)]
    questions += [both.series(u, months, view(), "month") for u in [top, *some[:2]]]
    questions += [both.evidence(top, windows[0], v, i) for v in VIEWS for i in FIXED]
    questions += [both.evidence(u, window(), view(), i) for u in some for i in _few(rng, 3)]
    questions += [both.lists(u, windows[0], v) for u in (top, some[0]) for v in VIEWS]
    questions += [both.lists(unit, window(), view()) for unit in [top, *some[-4:]]]
    await both.together(questions)


async def ask_something(both: Both, units: list[str], windows: list[Window], rng: Random) -> None:
    """Every unit in one window and both views, and one of all other questions: for the past."""
    above = [unit for unit in units if not unit.startswith("school:")]
    picked = [rng.choice(windows) for _ in units]
    questions = [both.figures(u, w, v) for u, w in zip(units, picked, strict=True) for v in VIEWS]
    for unit in ["PK-BA", *rng.sample(above, min(2, len(above)))]:
        window, view = rng.choice(windows), rng.choice(VIEWS)
        questions += [
            both.parts(unit, window, view, rng.choice(KINDS)),
            both.change(unit, window, view, rng.choice(("previous", "last-year"))),
            both.children(unit, window, view, 1),
            *(both.ranks(unit, window, view, i) for i in _few(rng, 2)),
            *(both.evidence(unit, window, view, i) for i in _few(rng, 2)),
            both.lists(unit, window, view),
        ]
    await both.together(questions)


def _few(rng: Random, count: int) -> list[str]:
    return rng.sample(sorted(FIXED), count)
