"""A bell that any number of waiters can hear: rung after each commit of a database."""

import asyncio


class Signal:
    """Wakes everybody who waits; whoever comes later waits for the next ring."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.rings = 0

    def ring(self) -> None:
        """Wake all who wait now."""
        self.rings += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, seen: int, timeout: float) -> None:  # noqa: ASYNC109
        """Return as soon as it has rung more often than `seen` times, or after `timeout` seconds.

        Read `rings` before looking at the data, then wait with that number: no ring is missed.
        """
        if self.rings != seen:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)
