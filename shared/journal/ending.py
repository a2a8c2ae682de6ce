"""Letting go of Kafka's clients within seconds, also while no broker answers.

aiokafka's own `stop` waits for answers that never come, and trips over the tasks it cancelled
itself; a process that is told to end must not hang on either.
"""

import asyncio
from typing import Any

import structlog

_LOG = structlog.get_logger("rtsm.feed")
_PATIENCE_SECONDS = 3.0


async def ended(client: Any, connections: Any) -> None:
    """Stop a producer, consumer or admin client; after a while only close its `connections`."""
    stopping = asyncio.ensure_future(client.stop())
    try:
        await asyncio.wait([stopping], timeout=_PATIENCE_SECONDS)
    finally:
        if not stopping.done():
            stopping.cancel()
        elif not stopping.cancelled() and (error := stopping.exception()) is not None:
            _LOG.info("a Kafka client ended badly", error=repr(error))
    if not stopping.done() or stopping.cancelled():
        await connections.close()
