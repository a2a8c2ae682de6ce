"""Figures as known at a past instant equal what the oracle makes of everything recorded by then.

A clock that moves with every call tells when each was recorded. Afterwards, with everything folded,
any instant can be asked about: what came later (visits, corrections, withdrawals, reviews, facts of
the register about any day) must not be in, and what was there must be, in both dialects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.histories.generator import TODAY, random_history, unit_ids
from tests.histories.player import Player
from tests.oracle.compare import check_everything
from tests.support.embedded import Embedded, embedded
from tests.support.exchanging import always_exchange

LOCAL = ZoneInfo("Asia/Karachi")
SOME = ["2018-03", "2019-05"]
History = list[dict[str, Any]]


async def played(house: Embedded, history: History) -> History:
    """Play with a second between any two calls, so that each has an instant of its own."""

    async def after(_: dict[str, Any]) -> None:
        house.clock.advance(timedelta(seconds=1))

    player = Player(house.client, TODAY, set_day=house.set_day, now=house.clock.now)
    log = await player.play(history, after)
    await house.drain()
    return log


def instants(log: History, seed: int, count: int) -> list[datetime]:
    """Instants at which something was known, half a second after some calls; the last: all."""
    told = [datetime.fromisoformat(operation["recorded"]) for operation in log]
    chosen = [*sorted(Random(seed).sample(told[20:-1], count)), told[-1]]
    return [each + timedelta(seconds=0.5) for each in chosen]


def by_then(log: History, instant: datetime) -> History:
    return [o for o in log if datetime.fromisoformat(o["recorded"]) <= instant]


@asynccontextmanager
async def house_of(
    dialect: str, folder: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Embedded]:
    more: dict[str, Any] = {}
    if dialect == "postgresql":
        more = {
            "database_url": request.getfixturevalue("postgres_url"),
            "unsafe_durability": True,
        }
    async with embedded(folder, **more) as house:
        yield house


@pytest.mark.parametrize(("dialect", "seed"), [("sqlite", 42), ("postgresql", 43)])
async def test_everything_as_known_then(
    dialect: str,
    seed: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always_exchange(monkeypatch)
    history = random_history(seed, 180, clock=True)
    async with house_of(dialect, tmp_path, request) as house:
        log = await played(house, history)
        for instant in instants(log, seed, 2):
            today = instant.astimezone(LOCAL).date()
            known = by_then(log, instant)
            odd = dialect == "sqlite"
            found = await check_everything(
                house.client,
                log,
                unit_ids(known),
                SOME[:1] if odd else SOME,
                today=today,
                odd=odd,
                known_at=instant,
            )
            assert found == [], instant
            await nobody_knows_what_came_later(house.client, log, known, instant)


async def nobody_knows_what_came_later(
    client: httpx.AsyncClient, log: History, known: History, instant: datetime
) -> None:
    """A unit or school registered later is not there yet."""
    for unit in set(unit_ids(log)) - set(unit_ids(known)):
        asked = {"period": "2018-03", "known_at": instant.isoformat()}
        answer = await client.get(f"/v1/units/{quote(unit, safe='')}/figures", params=asked)
        assert answer.status_code == 404, unit
