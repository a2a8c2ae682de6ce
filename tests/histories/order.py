"""Another order of arrival of the same history, in which the same facts hold at the end.

Kept: the calls about one visit, the calls to the register, and first submissions that name the
same monitor (which of them is later decides supersession). A review waits for the register calls
that came before it. Everything else may come in any order. Histories in which days pass have one
order only: what a day is called "today" or "tomorrow" on would change.
"""

from __future__ import annotations

from collections.abc import Hashable
from random import Random
from typing import Any

Operation = dict[str, Any]


def _monitors(history: list[Operation]) -> dict[Hashable, set[str]]:
    """Every monitor that any revision of each visit names."""
    named: dict[Hashable, set[str]] = {}
    for operation in history:
        monitor = operation.get("form", {}).get("monitor_id")
        if monitor is not None and operation["op"] in ("visit", "correct", "restore"):
            named.setdefault((operation["source"], operation["visit_id"]), set()).add(monitor)
    return named


def _chains(operation: Operation, named: dict[Hashable, set[str]]) -> list[Hashable]:
    if operation["op"] in ("units", "schools"):
        return ["register"]
    visit = (operation["source"], operation["visit_id"])
    chains: list[Hashable] = [visit]
    if operation["op"] == "visit":
        chains += [("monitor", monitor) for monitor in sorted(named.get(visit, ()))]
    return chains


def shuffled(
    history: list[Operation], rng: Random, *, register_first: bool = True
) -> list[Operation]:
    """The history in a random order that leaves every figure as it was.

    With `register_first` false even the founding register may come after visits.
    """
    named = _monitors(history)
    latest: dict[Hashable, int] = {}
    before: list[set[int]] = []
    for place, operation in enumerate(history):
        chains = _chains(operation, named)
        needs = {latest[chain] for chain in chains if chain in latest}
        if operation["op"] == "review" and "register" in latest:
            needs.add(latest["register"])
        founding = [n for n in range(min(2, place)) if register_first]
        before.append(needs | set(founding))
        latest.update(dict.fromkeys(chains, place))
    after: list[list[int]] = [[] for _ in history]
    for place, needs in enumerate(before):
        for need in needs:
            after[need].append(place)
    missing = [len(needs) for needs in before]
    ready = [place for place, count in enumerate(missing) if count == 0]
    order: list[Operation] = []
    while ready:
        place = ready.pop(rng.randrange(len(ready)))
        order.append(history[place])
        for follower in after[place]:
            missing[follower] -= 1
            if missing[follower] == 0:
                ready.append(follower)
    return order
