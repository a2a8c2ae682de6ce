"""Random histories: what clients of a small register do over a year and a half.

A history is a list of operations (dicts, see `tests.oracle.visits`): the founding register, then
one operation per seed. A list of seeds is what Hypothesis shrinks: fewer operations, smaller ones.
Owns which operation comes next and to which visit; bodies are `forms`, facts are `register`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.histories import register
from tests.histories.forms import measured

TODAY = date(2019, 6, 3)
MONITORS = ("M-0417", "M-0418", "M-0419", None)
OTHER_SOURCE = "partner-b"
LOCAL = timezone(timedelta(hours=5))
OFFSETS = (5, 5, 5, 0, 6, -3)
Operation = dict[str, Any]


@dataclass
class Sent:
    """A visit as its client knows it."""

    source: str | None
    visit_id: str
    form: Operation
    first: Operation
    withdrawn: bool = False
    excluded: bool = False
    released: bool = False
    corrections: int = 0

    @property
    def early(self) -> bool:
        moment = datetime.fromisoformat(self.form["visited_at"])
        return moment.astimezone(LOCAL).date() < register.BEGIN


@dataclass
class State:
    """What has been said so far."""

    facts: register.Facts = field(default_factory=register.Facts)
    visits: list[Sent] = field(default_factory=list)

    def known(self, form: Operation) -> bool:
        """Whether the form's school has been registered by now."""
        bare = form["school_code"].strip().lstrip("0")
        return any(code.lstrip("0") == bare for code in self.facts.schools)


def _moment(rng: Random, day: date) -> str:
    """An instant on that local day, written with any offset, often near midnight."""
    minute = rng.choice((rng.randint(480, 800), rng.randint(0, 1439), 0, 1439, 30))
    local = datetime.combine(day, time(minute // 60, minute % 60), LOCAL)
    written = local.astimezone(timezone(timedelta(hours=rng.choice(OFFSETS))))
    text = written.isoformat()
    return text.replace("+00:00", "Z") if rng.random() < 0.5 else text


def _visit_day(rng: Random) -> date:
    chance = rng.random()
    if chance < 0.04:
        return register.some_day(rng, date(2011, 1, 1), date(2017, 12, 30))
    if chance < 0.06:
        return date(2017, 12, 31)
    if chance < 0.5:  # crowd a few weeks, so that visits of one school meet
        return register.some_day(rng, date(2018, 3, 1), date(2018, 3, 21))
    return register.some_day(rng)


def _code(rng: Random) -> str:
    """A code as somebody typed it: digits alone have any number of leading zeros, or none."""
    if rng.random() < 0.06:
        return rng.choice(register.LATER)
    code = rng.choice(register.CODES if rng.random() < 0.5 else register.CODES[:4])
    if code.isdigit():
        return rng.choice((code, code.lstrip("0"), code.zfill(6)))
    return rng.choice((code, code + " "))


def _new_visit(rng: Random, state: State) -> Operation:
    # equal seeds (Hypothesis likes them) must not make equal ids
    visit_id = str(UUID(int=rng.getrandbits(128) ^ len(state.visits), version=4))
    source = OTHER_SOURCE if rng.random() < 0.1 else None
    day, code, monitor = _visit_day(rng), _code(rng), rng.choice(MONITORS)
    if state.visits and rng.random() < 0.2:  # the same monitor, school and day once more
        rival = rng.choice(state.visits)
        moment = datetime.fromisoformat(rival.form["visited_at"])
        day, code = moment.astimezone(LOCAL).date(), rival.form["school_code"]
        monitor = rival.form.get("monitor_id")
        taken = {(sent.source, sent.visit_id) for sent in state.visits}
        if rng.random() < 0.15 and (OTHER_SOURCE, rival.visit_id) not in taken:
            visit_id, source = rival.visit_id, OTHER_SOURCE  # identity is (source, visit_id)
    form = {"visit_id": visit_id, "school_code": code, "visited_at": _moment(rng, day)}
    if source is not None:
        form["source"] = source
    if monitor is not None:
        form["monitor_id"] = monitor
    if rng.random() < 0.4:
        begun = datetime.fromisoformat(form["visited_at"])
        form["ended_at"] = (begun + timedelta(minutes=rng.randint(0, 90))).isoformat()
    form |= measured(rng, head=code.strip().lstrip("0") == register.HEAD.lstrip("0"))
    state.visits.append(Sent(source, visit_id, form, first=copy.deepcopy(form)))
    return _call("visit", state.visits[-1], form=copy.deepcopy(form))


def _call(op: str, sent: Sent, **more: Any) -> Operation:
    return {"op": op, "source": sent.source, "visit_id": sent.visit_id, **more}


def _corrected(rng: Random, sent: Sent) -> Operation:
    """Another body for the same visit: other counts, date, school or monitor."""
    form = {name: sent.form[name] for name in sent.form if name != "ended_at"}
    what = rng.choice(("counts", "counts", "date", "date", "school", "monitor"))
    if what == "counts":
        head = ("visit_id", "school_code", "visited_at", "source", "monitor_id")
        form = {name: form[name] for name in head if name in form} | measured(rng)
    elif what == "date":
        form["visited_at"] = _moment(rng, _visit_day(rng))
    elif what == "school":
        form["school_code"] = _code(rng)
    else:
        form.pop("monitor_id", None)
        monitor = rng.choice(MONITORS)
        if monitor is not None:
            form["monitor_id"] = monitor
    sent.corrections += 1
    form["remarks"] = f"correction {sent.corrections}"  # so that it never changes nothing
    return form


def _some(rng: Random, state: State, fits: Callable[[Sent], bool]) -> Sent | None:
    fitting = [sent for sent in state.visits if fits(sent)]
    return rng.choice(fitting) if fitting else None


def _correct(rng: Random, state: State) -> Operation | None:
    sent = _some(rng, state, lambda v: not v.withdrawn)
    if sent is None:
        return None
    form = _corrected(rng, sent)
    moment = datetime.fromisoformat(form["visited_at"]).astimezone(LOCAL)
    if sent.released and moment.date() < register.BEGIN:
        return None  # a released visit given another impossible date: the law is silent
    sent.form = form
    return _call("correct", sent, form=copy.deepcopy(form))


def _withdraw(rng: Random, state: State) -> Operation | None:
    sent = _some(rng, state, lambda v: not v.withdrawn and not v.excluded)
    if sent is None:
        return None
    sent.withdrawn = True
    return _call("withdraw", sent)


def _restore(rng: Random, state: State) -> Operation | None:
    sent = _some(rng, state, lambda v: v.withdrawn)
    if sent is None:
        return None
    if not sent.released and rng.random() < 0.4:
        sent.form = _corrected(rng, sent)
    sent.withdrawn = False
    return _call("restore", sent, form=copy.deepcopy(sent.form))


def _review(rng: Random, state: State) -> Operation | None:
    decision = rng.choice(("exclude", "exclude", "include", "release"))

    def fits(sent: Sent) -> bool:
        if sent.withdrawn or not state.known(sent.form):
            return False
        if decision == "release":
            return sent.early and not sent.released and not sent.excluded
        waiting = sent.early and not sent.released
        return not waiting and sent.excluded == (decision == "include")

    sent = _some(rng, state, fits)
    if sent is None:
        return None
    if decision == "release":
        sent.released = True
    else:
        sent.excluded = decision == "exclude"
    return _call("review", sent, decision=decision)


def _repeat(rng: Random, state: State) -> Operation | None:
    """A retry of a first submission, or one with other content under the same id."""
    sent = _some(rng, state, lambda v: True)
    if sent is None:
        return None
    form = copy.deepcopy(sent.first)
    if sent.withdrawn:
        return _call("gone", sent, form=form)
    if rng.random() < 0.5:
        return _call("replay", sent, form=form)
    form["remarks"] = "another visit under the same id"
    return _call("conflict", sent, form=form)


def _school(rng: Random, state: State) -> Operation:
    return register.change_school(rng, state.facts)


def _unit(rng: Random, state: State) -> Operation:
    return register.change_unit(rng, state.facts)


def _late_school(rng: Random, state: State) -> Operation | None:
    return register.register_late_school(rng, state.facts)


STEPS: tuple[tuple[Callable[[Random, State], Operation | None], int], ...] = (
    (_new_visit, 56),
    (_correct, 12),
    (_withdraw, 6),
    (_restore, 4),
    (_review, 7),
    (_repeat, 3),
    (_school, 7),
    (_unit, 4),
    (_late_school, 1),
)


def history_from_seeds(seeds: Iterable[int]) -> list[Operation]:
    """The founding register and then one operation per seed; the same seeds give the same."""
    state = State()
    history = register.first_register(state.facts)
    steps, weights = [step for step, _ in STEPS], [weight for _, weight in STEPS]
    for seed in seeds:
        rng = Random(seed)
        operation = rng.choices(steps, weights)[0](rng, state) or _new_visit(rng, state)
        history.append(copy.deepcopy(operation))
    return history


def random_history(seed: int, size: int = 300) -> list[Operation]:
    """A history of `size` operations after the founding register, fixed by its seed."""
    rng = Random(seed)
    return history_from_seeds(rng.getrandbits(32) for _ in range(size))


def histories(fewest: int = 1, most: int = 60) -> st.SearchStrategy[list[Operation]]:
    """Hypothesis' histories: a list of seeds, which it shortens when it shrinks."""
    seeds = st.lists(st.integers(0, 2**32 - 1), min_size=fewest, max_size=most)
    return seeds.map(history_from_seeds)


def unit_ids(history: list[Operation]) -> list[str]:
    """Every unit and school registered in the history, schools as `school:CODE`."""
    found: dict[str, None] = {}
    for operation in history:
        if operation["op"] == "units":
            found.update({record["unit_id"]: None for record in operation["items"]})
        elif operation["op"] == "schools":
            codes = (record["school_code"] for record in operation["items"])
            found.update({f"school:{code}": None for code in codes})
    return list(found)


def months(first: str = "2018-01", last: str = "2019-05") -> list[str]:
    """The months first to last, written YYYY-MM."""
    year, month = (int(part) for part in first.split("-"))
    found = []
    while f"{year}-{month:02d}" <= last:
        found.append(f"{year}-{month:02d}")
        year, month = (year + month // 12, month % 12 + 1)
    return found
