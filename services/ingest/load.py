"""What intake has in hand, and when it says no: before a visit is taken, never after.

Owns the bounds of a process: visits that wait for their commit, and bytes of bodies that were read
and are not answered yet. Single visits are refused last, for a telephone's retry is the dearest;
bulk stops at half, and an upload that has begun is slowed down, not refused.
"""

import asyncio
import secrets
from collections import deque

from shared.errors import Problem

MOST_VISITS = 4_096
MOST_BYTES = 64 * 1024 * 1024


class Load:
    """Counts what is in hand; `visits` and `bytes` are written by those who hold them."""

    __slots__ = ("_halfway", "_waiting", "bytes", "most_bytes", "most_visits", "visits")

    def __init__(self, most_visits: int = MOST_VISITS, most_bytes: int = MOST_BYTES) -> None:
        self.visits = 0
        self.bytes = 0
        self.most_visits = most_visits
        self.most_bytes = most_bytes
        self._halfway = most_visits // 2
        self._waiting: deque[asyncio.Future[None]] = deque()

    def refuse_single(self) -> None:
        """Raise Problem 503 when no visit can be taken."""
        if self.visits >= self.most_visits or self.bytes >= self.most_bytes:
            raise overloaded()

    def refuse_bulk(self) -> None:
        """Raise Problem 503 when no array or upload should begin."""
        if self.visits >= self._halfway or self.bytes >= self.most_bytes // 2:
            raise overloaded()

    def hold(self, size: int) -> None:
        """Count bytes of a body that is being read; raises Problem 503 when there are too many."""
        if self.bytes + size > self.most_bytes:
            raise overloaded()
        self.bytes += size

    async def room(self) -> None:
        """Wait until bulk may add to what waits for its commit."""
        while self.visits >= self._halfway:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def committed(self, visits: int) -> None:
        """Count visits out, and let the next who waits for room look again.

        All may look when nothing is left: no commit would come any more to wake the others.
        """
        self.visits -= visits
        while self._waiting and self.visits < self._halfway:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                if self.visits:
                    return


def overloaded() -> Problem:
    """The 503 of an intake that has enough in hand; when to come back differs from call to call."""
    return Problem(
        503,
        "overloaded",
        "Too many visits are waiting just now; nothing of this request was stored that was not "
        "acknowledged. Send the same again after Retry-After seconds.",
        headers={"Retry-After": str(2 + secrets.randbelow(7))},
    )
