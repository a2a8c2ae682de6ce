"""Wakes everybody who waits for messages, at once instead of at the next look."""

import asyncio


class Bell:
    """A bell that every waiter hears, however many there are."""

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None

    def ring(self) -> None:
        """Wake all who wait now."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self, seconds: float) -> None:
        """Return when the bell rings, or after some seconds."""
        if self._next is None:
            self._next = asyncio.Event()
        event = self._next
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
