"""HTTP on a connection: the server's own protocol, with answers that leave in one piece and
deadlines for what is received.

Owns how bytes are handed to the kernel, and how long a peer may take. The server writes an answer's
head and its body one after the other; each write is a system call and a packet, and together they
are a quarter of what a small answer costs. It waits for ever for a request that never ends: here a
connection is looked at every few seconds, so that a deadline costs a request nothing.
"""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_PROBLEM = (
    b'{"type":"/problems/too_slow","title":"Request Timeout","status":408,"detail":"%s",'
    b'"retryable":true}'
)
_LINGER_SECONDS = 1.0
_HEAD_DETAIL = b"The head of the request took too long."
_BODY_DETAIL = b"The body came too slowly. Send the same again: what was stored counts once."


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How slow a peer may be.

    A head is complete within `head` seconds. Within each `window` seconds at least `progress` bytes
    of a body come, or its end: a slow link is served however long it takes. Of an answer, something
    is taken within `answer` seconds.
    """

    look: float = 2.5
    head: float = 10.0
    window: float = 20.0
    progress: int = 1024
    answer: float = 60.0


class _Gathering:
    """A transport that hands over at once what was written in one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write when this turn is over."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Close when everything written has been sent."""
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        """Say no more, but listen."""
        self._flush()
        self._transport.write_eof()

    def _flush(self) -> None:
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._transport.write(data)


class _Lingering(asyncio.Protocol):
    """Hears a peer out for a moment: closing at once on what it still sends would reset the
    connection, and the last words with it."""

    def __init__(self, whose: asyncio.Protocol) -> None:
        self._whose = whose

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the protocol whose connection it was."""
        self._whose.connection_lost(exc)


class WholeAnswers(HttpToolsProtocol):
    """The server's protocol over a gathering transport, looking after its peer's pace."""

    deadlines = Deadlines()
    _body_bytes = 0
    # What was seen at a look, and since when it has been so: (kind, request, amount).
    _seen: tuple[str, Any, int] = ("", None, 0)
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)
        self._since = self.loop.time()
        self._later = self.loop.call_later(self.deadlines.look, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._later.cancel()
        super().connection_lost(exc)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def _look(self) -> None:
        """See whether what the peer should do has moved since it was last seen to move."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        now = self.loop.time()
        seen, patience, needed = self._expected()
        kind, request, amount = self._seen
        if seen[:2] != (kind, request) or seen[2] - amount >= needed:
            self._seen, self._since = seen, now
        elif now - self._since >= patience:
            self._end(seen[0])
            return
        self._later = self.loop.call_later(self.deadlines.look, self._look)

    def _expected(self) -> tuple[tuple[str, Any, int], float, int]:
        """What the peer is to do now, with a measure of it, the patience and the least progress."""
        cycle, limits = self.cycle, self.deadlines
        # Also what is left of an answer that was broken off: nobody else looks after it.
        if self.flow.write_paused or self.transport.is_closing():
            left = -self.transport.get_write_buffer_size()
            return ("answer", cycle, left), limits.answer, 1
        if self.timeout_keep_alive_task is not None:
            return ("idle", cycle, 0), math.inf, 0
        # Also the rest of a body whose answer did not wait for it.
        if cycle is not None and cycle.more_body and not self.flow.read_paused:
            return ("body", cycle, self._body_bytes), limits.window, limits.progress
        if cycle is None or cycle.response_complete:
            return ("head", cycle, 0), limits.head, 1
        return ("work", cycle, 0), math.inf, 0

    def _end(self, kind: str) -> None:
        """Close a connection whose peer is too slow, saying so where nothing was answered yet."""
        cycle = self.cycle
        if kind == "answer":
            self.transport.abort()
            return
        if kind == "head" or not cycle.response_started:
            self._say(_HEAD_DETAIL if kind == "head" else _BODY_DETAIL)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # whoever waits for the body waits no longer
            cycle.message_event.set()
        self.transport.set_protocol(_Lingering(self))
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _say(self, detail: bytes) -> None:
        problem = _PROBLEM % detail
        self.transport.write(
            b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n"
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(problem), problem)
        )
        self.transport.write_eof()
