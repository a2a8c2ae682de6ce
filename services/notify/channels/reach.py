"""Whether a server's port answers: the cheap question behind readiness."""

import asyncio
from contextlib import suppress

_SECONDS = 1.5


async def unreachable(what: str, host: str, port: int) -> str | None:
    """Return None when a TCP connection can be made, else a sentence naming what is missing."""
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return f"the {what} does not answer; messages wait"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None
