"""A cache of rendered bytes: memory of this process, or Redis. Losing it costs time only.

Owns bounds and the silence of a failing Redis; what is kept and under which key is left to the
services. A value carries a tag of its key, so that foreign bytes under our keys are not served.
"""

import hashlib
from collections import OrderedDict
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_LOG = structlog.get_logger("rtsm.cache")
_PREFIX = "rtsm:"
REDIS_AWAY = (RedisError, OSError, TimeoutError)


class Cache(Protocol):
    """Bytes by key, for a while."""

    async def get(self, key: str) -> bytes | None:
        """The bytes, or None."""
        ...

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the bytes for at most `seconds`."""
        ...

    async def check(self) -> str | None:
        """None when the cache answers, else what is missing."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class MemoryCache:
    """The least recently used values go when `limit` bytes are exceeded; age is not looked at.

    Keys name a version of the data, so an old value is never asked for again.
    """

    def __init__(self, limit: int = 16 << 20) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """The bytes, or None."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, seconds: int) -> None:  # noqa: ARG002
        """Keep the bytes."""
        self._size -= len(self._values.pop(key, b""))
        self._values[key] = value
        self._size += len(value)
        while self._size > self._limit:
            _, dropped = self._values.popitem(last=False)
            self._size -= len(dropped)

    async def check(self) -> str | None:
        """Memory is always there."""
        return None

    async def close(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._size = 0


def redis_client(url: str) -> Any:
    """A Redis with short time-outs and no retries: its default blocks a call for seconds."""
    return Redis.from_url(
        url,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 0),
    )


class RedisCache:
    """A Redis that may be away at any time."""

    def __init__(self, url: str) -> None:
        self._redis: Any = redis_client(url)

    @staticmethod
    def _tag(key: str, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=key.encode()[:64], digest_size=16).digest()

    async def get(self, key: str) -> bytes | None:
        """The bytes, or None when they are not there, not ours, or Redis is away."""
        try:
            held = await self._redis.get(_PREFIX + key)
        except REDIS_AWAY as error:
            _LOG.info("cache is away", error=repr(error))
            return None
        if not held or len(held) < 16 or held[:16] != self._tag(key, held[16:]):
            return None
        return bytes(held[16:])

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the bytes for at most `seconds`, if Redis is there."""
        try:
            await self._redis.set(_PREFIX + key, self._tag(key, value) + value, ex=seconds)
        except REDIS_AWAY as error:
            _LOG.info("cache is away", error=repr(error))

    async def check(self) -> str | None:
        """None when Redis answers."""
        try:
            await self._redis.ping()
        except REDIS_AWAY:
            return "Redis does not answer; cards are computed anew each time"
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
