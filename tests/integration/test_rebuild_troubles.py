"""What goes wrong during a rebuild harms nothing: a process that dies, events that make no sense.

On SQLite and on PostgreSQL. Processes are found from outside, among the children of this one.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.indicators import rebuild
from shared.db.errors import Transient
from shared.journal import journal
from shared.journal.records import Event
from tests.support.embedded import Embedded
from tests.support.nights import BOTH, filled, house

__all__ = ["house"]

ASKED = {"period": "2018-01-01..2019-06-03"}


async def figures(house: Embedded) -> dict[str, Any]:
    """What the figures say, but for how fresh they are."""
    answer = await house.client.get("/v1/units/C/figures", params=ASKED)
    assert answer.status_code == 200, answer.text
    fresh = ("as_of", "lag_seconds", "version")
    return {name: value for name, value in answer.json().items() if name not in fresh}


async def visit(house: Embedded) -> None:
    form = {"visit_id": str(uuid4()), "school_code": "S001", "status": "open"}
    form["visited_at"] = "2019-05-02T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text


def children() -> set[int]:
    """The processes that this one started and that are alive."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        state, parent = rest.split()[:2]
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(stat.parent.name))
    return found


async def rebuilt(house: Embedded, at_first_progress: Any) -> None:
    """What `rtsm rebuild` does; the function is called when something is done, and not all."""
    waiting = [at_first_progress]

    def tell(done: int, _: int) -> None:
        if done and waiting:
            waiting.pop()()

    database = house.platform.database
    await rebuild.rebuild(database("indicators"), database("ingest"), house.settings, tell)
    assert not waiting, "a rebuild tells how far it is"


@BOTH
async def test_a_process_that_dies_fails_the_rebuild_and_nothing_else(
    house: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "MANY_EVENTS", 1)
    await filled(house)
    before, others, killed = await figures(house), children(), set[int]()

    def kill() -> None:
        killed.update(children() - others)
        for process in killed:
            os.kill(process, signal.SIGKILL)

    with pytest.raises(Transient, match=r"process that computed .* has ended"):
        await rebuilt(house, kill)
    assert killed, "it was computed by processes of its own"
    assert children() <= others, "and none of them is left"
    assert await figures(house) == before
    assert await house.verified() == []

    await visit(house)
    await house.drain()
    after = await figures(house)
    assert after["visits"] == before["visits"] + 1, "the fold goes on"
    await rebuilt(house, lambda: None)
    assert await figures(house) == after
    assert await house.verified() == []


@pytest.mark.parametrize(
    ("house", "many"),
    [("sqlite", 1_000_000), ("postgresql", 1)],
    ids=["sqlite, one process", "postgresql, processes"],
    indirect=["house"],
)
async def test_events_that_make_no_sense_are_left_out_of_a_rebuild_too(
    house: Embedded, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(rebuild, "MANY_EVENTS", many)
    await filled(house)
    ledger, before = house.platform.database("ingest"), await figures(house)
    senseless = [
        ("rtsm.visits", b"{"),
        ("rtsm.visits", json.dumps({"source": "x", "visit_id": str(uuid4())}).encode()),
        ("rtsm.registry", b"[]"),
    ]
    for topic, data in senseless:
        async with ledger.transaction() as tx:
            now = await journal.instant(tx, lambda: 0)
            await journal.append(tx, [Event(topic, "x", "S001", "x", now, now, data)])
        await visit(house)
    await house.drain()
    after = await figures(house)
    assert after["visits"] == before["visits"] + len(senseless), "what comes after them is in"
    async with house.platform.database("indicators").reading() as tx:
        [[aside]] = await tx.fetch("SELECT count(*) FROM set_aside")
    assert aside == len(senseless)

    await rebuilt(house, lambda: None)
    assert await figures(house) == after
    assert await house.verified() == []
    await visit(house)
    await house.drain()
    assert (await figures(house))["visits"] == after["visits"] + 1
