"""Request limits: how many requests a key may make in a window, and what is left of it.

Owns counting (in this process, or in Redis when several instances serve the same key) and the
header fields of draft-ietf-httpapi-ratelimit-headers. Who has which limit is left to `access`.
A Redis that is away costs no request more than a quarter of a second, and opens nothing: each
instance goes on counting by itself from what it last heard.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from shared.cache import REDIS_AWAY, redis_client
from shared.errors import Problem

_LOG = structlog.get_logger("rtsm.limits")
_PREFIX = "rtsm:limit:"
_MOST_WINDOWS = 10_000
_AWAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` within `seconds` of the first of them."""

    requests: int
    seconds: int


@dataclass(slots=True)
class _Window:
    ends: float
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands in its window: what is left, and in how many seconds it is whole again."""

    limit: Limit
    left: int
    reset: int
    admitted: bool

    def fields(self) -> list[tuple[bytes, bytes]]:
        """The two header fields that every answer to a limited key carries."""
        policy = f'"key";q={self.limit.requests};w={self.limit.seconds}'
        state = f'"key";r={self.left};t={self.reset}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]

    def problem(self) -> Problem:
        """The 429 of a key that has used its window up."""
        return Problem(
            429,
            "rate_limited",
            f"This key may make {self.limit.requests} requests in {self.limit.seconds} seconds. "
            "Wait as long as Retry-After says and send the same again.",
            headers={"Retry-After": str(self.reset)},
        )


class Limits:
    """Counts requests by key; `now` is any clock of seconds that never goes back."""

    def __init__(
        self, redis_url: str | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._redis: Any = redis_client(redis_url) if redis_url else None
        self._away_until = -math.inf

    async def count(self, who: str, limit: Limit) -> Standing:
        """Count one request of a key."""
        name = f"{who}:{limit.requests}/{limit.seconds}"
        window = self._window(name, limit)
        # A window known to be used up needs no asking: a noisy key costs Redis nothing.
        if self._redis is not None and window.count < limit.requests and self._reachable():
            await self._shared(name, limit, window)
        else:
            window.count += 1
        reset = max(1, math.ceil(window.ends - self._now()))
        left = limit.requests - window.count
        return Standing(limit, max(left, 0), min(reset, limit.seconds), left >= 0)

    def _reachable(self) -> bool:
        return self._now() >= self._away_until

    def _window(self, name: str, limit: Limit) -> _Window:
        now = self._now()
        window = self._windows.get(name)
        if window is None or now >= window.ends:
            window = self._windows[name] = _Window(now + limit.seconds, 0)
        self._windows.move_to_end(name)
        if len(self._windows) > _MOST_WINDOWS:
            self._windows.popitem(last=False)
        return window

    async def _shared(self, name: str, limit: Limit, window: _Window) -> None:
        """Count in Redis and remember what it said; count here when it does not answer."""
        key, whole = _PREFIX + name, limit.seconds * 1000
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, px=whole, nx=True)
                pipe.incr(key)
                pipe.pttl(key)
                _, count, left = await pipe.execute()
            if left < 0:  # it ran out between two of the commands: a counter never lives for ever
                await self._redis.pexpire(key, whole)
                left = whole
        except REDIS_AWAY as error:
            _LOG.warning("limits are counted by each instance alone", error=repr(error))
            self._away_until = self._now() + _AWAY_SECONDS
            window.count += 1
            return
        window.count = int(count)
        window.ends = self._now() + left / 1000

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()
