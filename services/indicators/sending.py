"""Answers that are sent piece by piece until they end, the caller leaves, or reads too slowly.

Owns the life of such an answer: its pieces are made in the request's own task, so that whatever
they hold (a snapshot, a place among the listeners) is let go of the moment the caller leaves, the
pieces end, the reader has been waited for long enough, or the process ends. Nothing is gathered: a
piece is made when the one before has been handed on, so a slow reader slows the maker down. Owns
too how many of them hold a view of the database at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from shared.errors import Problem

_LOG = structlog.get_logger("rtsm.sending")
_SLICE = 64 * 1024
_BULK_READS = 2
_OTHERS = 1

Pieces = AbstractAsyncContextManager[AsyncGenerator[bytes, None]]
"""What is entered when the sending begins and left when it ends, however it ends."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How slow a reader may be, in seconds.

    64 KiB are taken within `stall`, all of it within `whole` (None: it has no end).
    """

    stall: float
    whole: float | None


class Places:
    """The few places for answers that keep a view of the database open while they are sent.

    They must leave connections to all others, and one place to what is no bulk read.
    """

    def __init__(self) -> None:
        self._bulk = 0
        self._taken = 0

    def admit(self, *, bulk: bool) -> None:
        """Raise Problem 503 when there is no place."""
        if self._taken >= _BULK_READS + _OTHERS or (bulk and self._bulk >= _BULK_READS):
            detail = "Other long answers are being sent; try again when one has ended."
            raise Problem(503, "bulk_busy", detail, headers={"Retry-After": "15"})

    @contextmanager
    def taken(self, *, bulk: bool) -> Iterator[None]:
        """Hold a place; raises Problem 503 when there is none."""
        self.admit(bulk=bulk)
        self._taken += 1
        self._bulk += bulk
        try:
            yield
        finally:
            self._taken -= 1
            self._bulk -= bulk


class PieceByPiece(Response):
    """An answer whose pieces come from a context manager that is entered here."""

    def __init__(
        self,
        pieces: Callable[[], Pieces],
        media_type: str,
        headers: Mapping[str, str],
        patience: Patience,
    ) -> None:
        super().__init__(None, headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._pieces = pieces
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything; return early when the caller has left or reads too slowly.

        Raises what entering the pieces raises: nothing has been sent then.
        """
        if scope["method"] == "HEAD":
            await self._begin(send)
            await send({"type": "http.response.body", "body": b""})
            return
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Waits for the ends of both, so that nothing outlives the request.
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    async def _begin(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )

    async def _send(self, send: Send) -> None:
        async with self._pieces() as pieces, aclosing(pieces):
            await self._begin(send)
            try:
                async with asyncio.timeout(self._patience.whole):
                    await self._hand_over(pieces, send)
            except TimeoutError:
                # Without its proper end: the server closes the connection, the reader knows.
                _LOG.warning("a reader was too slow and is left", kind=self.media_type)
                return
        await send({"type": "http.response.body", "body": b""})

    async def _hand_over(self, pieces: AsyncGenerator[bytes, None], send: Send) -> None:
        async for piece in pieces:
            for at in range(0, len(piece), _SLICE):
                body = piece[at : at + _SLICE]
                async with asyncio.timeout(self._patience.stall):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                # The connection passes it on when this turn is over, and says then when it is full.
                await asyncio.sleep(0)


async def _left(receive: Receive) -> None:
    """Return when the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue
