"""Waiting for a state instead of for a time: the one place where tests poll."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE = 0.02
"""Seconds between two looks."""


def until(
    look: Callable[[], Found], what: str, seconds: float = 30.0, pause: float = PAUSE
) -> Found:
    """The first true answer of `look`, asked until then; TimeoutError naming `what` after that."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= end:
            raise TimeoutError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        time.sleep(pause)


async def eventually(
    look: Callable[[], Awaitable[Found]], what: str, seconds: float = 30.0, pause: float = PAUSE
) -> Found:
    """`until` for a coroutine function; the event loop runs on between two looks."""
    end = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() >= end:
            raise TimeoutError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        await asyncio.sleep(pause)
