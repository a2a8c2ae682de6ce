"""Group commit: batches grow with the load, one bad visit fails alone, nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.ingest.committer import Committer
from services.ingest.drafts import Draft
from services.ingest.outcomes import Outcome, Receipt
from shared.db.errors import Conflict, Transient
from shared.errors import Problem


def fate(name: str) -> Outcome:
    return Outcome("accepted", Receipt(name, "s", 1, "accepted", [], "", 1))


class Ledger:
    """A store of names; `gate` holds it, `bad` names fail, `troubles` are raised first."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.bad: set[str] = set()
        self.troubles: list[Exception] = []

    async def store(self, drafts: Sequence[Draft]) -> list[Any]:
        names = cast("list[str]", list(drafts))
        self.entered.set()
        await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        if self.bad & set(names):
            raise ValueError("a row that no database takes")
        self.batches.append(names)
        return [fate(name) for name in names]


def group(*names: str) -> list[Draft]:
    return cast("list[Draft]", list(names))


def told(fates: Sequence[Any]) -> list[str]:
    return [f.receipt.visit_id if isinstance(f, Outcome) else str(f.status) for f in fates]


async def test_what_waits_together_is_stored_together_and_in_order() -> None:
    ledger = Ledger()
    committer = Committer(ledger.store)
    ledger.gate.clear()
    first = committer.submit(group("a"))
    await ledger.entered.wait()
    later = [committer.submit(group(name)) for name in "bcd"]
    ledger.gate.set()
    assert told(await first) == ["a"]
    assert [told(await future) for future in later] == [["b"], ["c"], ["d"]]
    assert ledger.batches == [["a"], ["b", "c", "d"]]


async def test_a_group_is_never_split_and_a_batch_is_bounded() -> None:
    ledger = Ledger()
    committer = Committer(ledger.store, most=3)
    futures = [committer.submit(group(*names)) for names in ("ab", "cd", "efgh", "i")]
    assert [told(await future) for future in futures] == [
        ["a", "b"],
        ["c", "d"],
        ["e", "f", "g", "h"],
        ["i"],
    ]
    assert ledger.batches == [["a", "b"], ["c", "d"], ["e", "f", "g", "h"], ["i"]]


async def test_one_bad_visit_never_fails_its_neighbours() -> None:
    ledger = Ledger()
    ledger.bad = {"x"}
    committer = Committer(ledger.store)
    futures = [committer.submit(group(*names)) for names in ("a", "bxc", "d")]
    assert [told(await future) for future in futures] == [["a"], ["b", "500", "c"], ["d"]]


@pytest.mark.parametrize("trouble", [Transient("away"), Conflict("another was first")])
async def test_a_passing_trouble_is_tried_again(trouble: Exception) -> None:
    ledger = Ledger()
    ledger.troubles = [trouble]
    committer = Committer(ledger.store)
    assert told(await committer.submit(group("a", "b"))) == ["a", "b"]
    assert ledger.batches == [["a", "b"]]


async def test_a_lasting_trouble_is_a_503_and_the_next_visit_finds_the_way() -> None:
    ledger = Ledger()
    ledger.troubles = [Transient("away") for _ in range(6)]
    committer = Committer(ledger.store)
    with pytest.raises(Problem) as caught:
        await committer.submit(group("a"))
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]
    assert told(await committer.submit(group("b"))) == ["b"]


async def test_whoever_stops_waiting_costs_nobody_anything() -> None:
    ledger = Ledger()
    committer = Committer(ledger.store)
    ledger.gate.clear()
    futures = [committer.submit(group(name)) for name in "abc"]
    await ledger.entered.wait()
    futures[0].cancel()
    futures[1].cancel()
    ledger.gate.set()
    assert told(await futures[2]) == ["c"]
    await committer.settled()
    assert ledger.batches == [["a", "b", "c"]]  # stored all the same
    assert told(await committer.submit(group("d"))) == ["d"]
