"""Answers that are sent piece by piece until they end or the caller leaves.

Owns the life of such an answer: its pieces are made in the request's own task, so that whatever
they hold (a snapshot, a place among the listeners) is let go of the moment the caller leaves, the
pieces end, or the process does. Nothing is gathered: a piece is made when the one before has been
handed on, so a slow reader slows the maker down.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from fastapi import Response
from starlette.types import Receive, Scope, Send

Pieces = AbstractAsyncContextManager[AsyncIterator[bytes]]
"""What is entered when the sending begins and left when it ends, however it ends."""


class PieceByPiece(Response):
    """An answer whose pieces come from a context manager that is entered here."""

    def __init__(
        self, pieces: Callable[[], Pieces], media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(None, headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything; return early when the caller has left."""
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
        async with self._pieces() as pieces:
            await self._begin(send)
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Return when the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue
