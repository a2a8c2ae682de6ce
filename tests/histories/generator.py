"""Random histories: what clients of a small register do over a year and a half.

A history is a list of operations (dicts, see `tests.oracle.visits`): the founding register, then
one step per seed. A list of seeds is what Hypothesis shrinks: fewer operations, smaller ones.
Owns which step comes next and what is sent of a visit; bodies are `forms`, decisions are `reviews`,
facts are `register` and `reorganise`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from uuid import UUID

from hypothesis import strategies as st

from tests.histories import register, reorganise, reviews
from tests.histories.forms import measured
from tests.histories.state import LOCAL, TODAY, Operation, Sent, State

__all__ = ["TODAY", "histories", "history_from_seeds", "months", "random_history", "unit_ids"]

MONITORS = ("M-0417", "M-0418", "M-0419", None)
OTHER_SOURCE = "partner-b"
OFFSETS = (5, 5, 5, 0, 6, -3)
Told = Operation | list[Operation] | None
Step = Callable[[Random, State], Told]


def _moment(rng: Random, day: date, today: date) -> str:
    """An instant on that local day, written with any offset, often near midnight.

    It may be up to a day ahead of the servers' clocks (09:00), as a tablet's clock may be.
    """
    minute = rng.choice((rng.randint(480, 800), rng.randint(0, 1439), 0, 1439, 30))
    if day > today:
        minute %= 480
    local = datetime.combine(day, time(minute // 60, minute % 60), LOCAL)
    written = local.astimezone(timezone(timedelta(hours=rng.choice(OFFSETS))))
    text = written.isoformat()
    return text.replace("+00:00", "Z") if rng.random() < 0.5 else text


def _visit_day(rng: Random, state: State) -> date:
    chance = rng.random()
    if chance < 0.04:
        return register.some_day(rng, date(2011, 1, 1), date(2017, 12, 30))
    if chance < 0.06:
        return date(2017, 12, 31)
    if chance < 0.09:
        return state.today + timedelta(days=rng.randint(0, 1))
    if chance < 0.5:  # crowd a few weeks, so that visits of one school meet
        return register.some_day(rng, date(2018, 3, 1), date(2018, 3, 21))
    return register.some_day(rng)


def _code(rng: Random) -> str:
    """A code as somebody typed it: digits alone have any number of leading zeros, or none."""
    if rng.random() < 0.06:
        return rng.choice((*register.LATER, reorganise.ALIASES[1]))
    code = rng.choice(register.CODES if rng.random() < 0.5 else register.CODES[:4])
    if code.isdigit():
        return rng.choice((code, code.lstrip("0"), code.zfill(6)))
    return rng.choice((code, code + " "))


def _new_visit(rng: Random, state: State) -> Operation:
    # equal seeds (Hypothesis likes them) must not make equal ids
    visit_id = str(UUID(int=rng.getrandbits(128) ^ len(state.visits), version=4))
    source = OTHER_SOURCE if rng.random() < 0.1 else None
    day, code, monitor = _visit_day(rng, state), _code(rng), rng.choice(MONITORS)
    if state.visits and rng.random() < 0.2:  # the same monitor, school and day once more
        rival = rng.choice(state.visits)
        moment = datetime.fromisoformat(rival.form["visited_at"])
        day, code = moment.astimezone(LOCAL).date(), rival.form["school_code"]
        monitor = rival.form.get("monitor_id")
        taken = {(sent.source, sent.visit_id) for sent in state.visits}
        if rng.random() < 0.15 and (OTHER_SOURCE, rival.visit_id) not in taken:
            visit_id, source = rival.visit_id, OTHER_SOURCE  # identity is (source, visit_id)
    form = {"visit_id": visit_id, "school_code": code, "visited_at": _moment(rng, day, state.today)}
    if source is not None:
        form["source"] = source
    if monitor is not None:
        form["monitor_id"] = monitor
    if rng.random() < 0.4:
        begun = datetime.fromisoformat(form["visited_at"])
        form["ended_at"] = (begun + timedelta(minutes=rng.randint(0, 90))).isoformat()
    form |= measured(rng, head=code.strip().lstrip("0") == register.HEAD.lstrip("0"))
    state.visits.append(Sent(source, visit_id, form, first=copy.deepcopy(form)))
    return state.visits[-1].call("visit", form=copy.deepcopy(form))


def _corrected(rng: Random, state: State, sent: Sent) -> Operation:
    """Another body for the same visit: other counts, date, school or monitor."""
    form = {name: sent.form[name] for name in sent.form if name != "ended_at"}
    what = rng.choice(("counts", "counts", "date", "date", "school", "monitor"))
    if what == "counts":
        head = ("visit_id", "school_code", "visited_at", "source", "monitor_id")
        form = {name: form[name] for name in head if name in form} | measured(rng)
    elif what == "date":
        form["visited_at"] = _moment(rng, _visit_day(rng, state), state.today)
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


def _correct(rng: Random, state: State) -> Operation | None:
    sent = state.some(rng, lambda v: not v.withdrawn)
    if sent is None:
        return None
    sent.say(_corrected(rng, state, sent))
    return sent.call("correct", form=copy.deepcopy(sent.form))


def _withdraw(rng: Random, state: State) -> Operation | None:
    sent = state.some(rng, lambda v: not v.withdrawn)
    if sent is None:
        return None
    sent.withdrawn = True
    return sent.call("withdraw")


def _restore(rng: Random, state: State) -> Operation | None:
    sent = state.some(rng, lambda v: v.withdrawn)
    if sent is None:
        return None
    if rng.random() < 0.4:
        sent.say(_corrected(rng, state, sent))
    sent.withdrawn = False
    return sent.call("restore", form=copy.deepcopy(sent.form))


def _repeat(rng: Random, state: State) -> Operation | None:
    """A retry of a first submission, or one with other content under the same id."""
    sent = state.some(rng, lambda v: True)
    if sent is None:
        return None
    form = copy.deepcopy(sent.first)
    if sent.withdrawn:
        return sent.call("gone", form=form)
    if rng.random() < 0.5:
        return sent.call("replay", form=form)
    form["remarks"] = "another visit under the same id"
    return sent.call("conflict", form=form)


def _facts(change: Callable[[Random, register.Facts], Told]) -> Step:
    """A step that changes the register, whatever the visits."""

    def step(rng: Random, state: State) -> Told:
        return change(rng, state.facts)

    return step


def _another_day(rng: Random, state: State) -> Operation:
    """Some days pass on the servers."""
    state.today += timedelta(days=rng.randint(1, 20))
    return {"op": "clock", "day": state.today.isoformat()}


def _another_calendar(rng: Random, state: State) -> Operation:
    """Other school days, some of them past: flags may differ, figures never do."""
    form = {
        "name": "Another calendar",
        "valid_from": register.some_day(rng).isoformat(),
        "weekly_holidays": rng.sample(("friday", "saturday", "sunday"), rng.randint(0, 2)),
        "hours": {"opens": "07:30", "closes": rng.choice(("12:30", "14:00"))},
        "holidays": [{"date": register.some_day(rng).isoformat(), "name": "Told late"}],
    }
    return {"op": "calendar", "form": form}


STEPS: tuple[tuple[Step, int], ...] = (
    (_new_visit, 54),
    (_correct, 12),
    (_withdraw, 6),
    (_restore, 4),
    (reviews.review, 7),
    (reviews.in_vain, 3),
    (_repeat, 3),
    (_facts(register.change_school), 6),
    (_facts(register.change_unit), 3),
    (_facts(register.register_late_school), 1),
    (_facts(reorganise.anything), 6),
)
TIME_PASSES: tuple[tuple[Step, int], ...] = ((_another_day, 2), (_another_calendar, 1))


def history_from_seeds(seeds: Iterable[int], *, clock: bool = False) -> list[Operation]:
    """The founding register and then one step per seed; the same seeds give the same.

    With `clock` days pass on the servers, which only a player that can set them should be given,
    and their calendar changes.
    """
    state = State()
    history = register.first_register(state.facts)
    chances = (*STEPS, *TIME_PASSES) if clock else STEPS
    steps, weights = [step for step, _ in chances], [weight for _, weight in chances]
    for seed in seeds:
        rng = Random(seed)
        told = rng.choices(steps, weights)[0](rng, state) or _new_visit(rng, state)
        history += copy.deepcopy(told if isinstance(told, list) else [told])
    return history


def random_history(seed: int, size: int = 300, *, clock: bool = False) -> list[Operation]:
    """A history of `size` steps after the founding register, fixed by its seed."""
    rng = Random(seed)
    return history_from_seeds((rng.getrandbits(32) for _ in range(size)), clock=clock)


def histories(
    fewest: int = 1, most: int = 60, *, clock: bool = False
) -> st.SearchStrategy[list[Operation]]:
    """Hypothesis' histories: a list of seeds, which it shortens when it shrinks."""
    seeds = st.lists(st.integers(0, 2**32 - 1), min_size=fewest, max_size=most)
    return seeds.map(lambda drawn: history_from_seeds(drawn, clock=clock))


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
