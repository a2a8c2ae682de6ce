"""A key with a limit gets so many answers in a window and no more, wherever it asks."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.access import ANONYMOUS
from shared.limits import Limit, Limits
from tests.support.intake import House, house, intake, visit
from tests.support.redis_server import RedisServer

__all__ = ["intake"]
on_sqlite = pytest.mark.parametrize("intake", ["sqlite"], indirect=True)


async def limited(intake: House, requests: int, scopes: tuple[str, ...] = ("admin",)) -> str:
    made = await intake.platform.access.make_key("noisy", scopes, limit=Limit(requests, 60))
    return made.words


def fields(answer: httpx.Response) -> tuple[str, int, int]:
    policy, state = answer.headers["ratelimit-policy"], answer.headers["ratelimit"]
    left = re.fullmatch(r'"key";r=(\d+);t=(\d+)', state)
    assert left is not None, state
    return policy, int(left[1]), int(left[2])


@on_sqlite
async def test_every_answer_tells_what_is_left_and_the_next_is_a_429(intake: House) -> None:
    key = await limited(intake, 5)
    other = await limited(intake, 5)
    lines = b"\n".join(b"{}" for _ in range(50))
    told = [
        await intake.post(visit(), key=key),
        await intake.call(
            "POST",
            "/v1/visits/batch",
            content=lines,
            key=key,
            headers={"Content-Type": "application/x-ndjson"},
        ),
        await intake.call("GET", "/v1/units", key=key),
        await intake.call("GET", "/v1/visits/none", key=key),
        await intake.call("POST", "/v1/visits", content=b"x", key=key),
    ]
    assert [answer.status_code for answer in told] == [201, 200, 200, 404, 415]
    assert [fields(answer)[:2] for answer in told] == [
        ('"key";q=5;w=60', n) for n in (4, 3, 2, 1, 0)
    ]
    for answer in (
        await intake.post(visit(), key=key),
        await intake.call("POST", "/v1/visits/batch", [], key=key),
        await intake.call("GET", "/v1/units", key=key),
    ):
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["retryable"] is True
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert fields(answer)[1] == 0
    assert (await intake.post(visit(), key=other)).status_code == 201
    unlimited = await intake.post(visit())
    assert unlimited.status_code == 201
    assert "ratelimit" not in unlimited.headers
    assert await intake.rows("SELECT count(*) FROM visits") == [(3,)]


@on_sqlite
async def test_both_keys_of_a_line_share_one_limit(intake: House) -> None:
    made = await intake.platform.access.make_key("pmc", ["admin"], limit=Limit(3, 60))
    taken = await intake.platform.access.keys.rotate(made.key.key_id)
    assert taken is not None
    answers = [await intake.post(visit(), key=key) for key in (made.words, taken.words) * 2]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]


async def test_a_deployment_may_limit_all_keys(tmp_path: Path) -> None:
    async with house(tmp_path, rate_limit=2) as intake:
        statuses = [(await intake.post(visit())).status_code for _ in range(3)]
        service = await intake.platform.access.service_key()
        assert statuses == [202, 202, 429]
        assert (await intake.post(visit(), key=service)).status_code == 202


class Seconds:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


async def test_a_window_begins_anew_when_it_is_over() -> None:
    now = Seconds()
    limits, limit = Limits(now=now), Limit(2, 10)
    admitted = []
    for at in (0, 1, 2, 9.9, 10, 11, 12, 20):
        now.at = 1000.0 + at
        standing = await limits.count("k", limit)
        admitted.append(standing.admitted)
        assert 1 <= standing.reset <= 10
    assert admitted == [True, True, False, False, True, True, False, True]
    assert ANONYMOUS.limit is None


async def test_instances_share_one_count_in_redis(redis_url: str) -> None:
    one, other, limit = Limits(redis_url), Limits(redis_url), Limit(20, 60)
    told = await asyncio.gather(
        *(instance.count("k", limit) for _ in range(20) for instance in (one, other))
    )
    assert sum(standing.admitted for standing in told) == 20
    assert sorted(standing.left for standing in told if standing.admitted) == list(range(20))
    await one.close()
    await other.close()


@pytest.mark.parametrize("trouble", ["kill", "pause"])
async def test_without_redis_nothing_is_open_and_nobody_waits(
    redis_server: RedisServer, redis_url: str, trouble: str
) -> None:
    limits, limit = Limits(redis_url), Limit(10, 60)
    for _ in range(4):
        await limits.count("k", limit)
    getattr(redis_server, trouble)()
    try:
        began = asyncio.get_running_loop().time()
        told = [await limits.count("k", limit) for _ in range(30)]
        assert asyncio.get_running_loop().time() - began < 1.5
        assert sum(standing.admitted for standing in told) == 6
    finally:
        redis_server.ensure()
    await limits.close()


async def test_a_counter_in_redis_never_lives_for_ever(redis_url: str) -> None:
    limits: Any = Limits(redis_url)
    await limits.count("k", Limit(5, 60))
    await limits._redis.persist("rtsm:limit:k:5/60")
    standing = await limits.count("k", Limit(5, 60))
    assert standing.left == 3
    assert 0 < await limits._redis.pttl("rtsm:limit:k:5/60") <= 60_000
    await limits.close()
