"""Arithmetic beside the database: our processor works while the database's does.

Owns nothing but the order: a statement in progress is always waited for, so that an error never
leaves one running on the transaction's connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

A = TypeVar("A")
T = TypeVar("T")


async def beside(
    statement: Awaitable[A], large: bool, work: Callable[..., T], *args: object
) -> tuple[A, T]:
    """Return what a statement and some arithmetic give; in another thread when it is much."""
    if not large:
        return await statement, work(*args)
    computing = asyncio.create_task(asyncio.to_thread(work, *args))
    try:
        answer = await statement
    except BaseException:
        await asyncio.wait([computing])
        raise
    return answer, await computing
