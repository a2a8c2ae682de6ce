"""`POST /v1/visits/batch`: an array or NDJSON, an answer for each item.

Owns splitting, numbering and counting. An array is one transaction; NDJSON is stored in chunks of
500 lines, each whole or not at all, while the body is still being read; the answer follows at the
end. What is cut off is at most the last, incomplete chunk: sending all of it again is harmless.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.arrays import split_array
from services.ingest.bodies import (
    ARRAY,
    JSON,
    NDJSON,
    SINGLE,
    STREAM,
    ClientGone,
    admitted,
    answer,
    head_of,
    pieces,
    whole,
)
from services.ingest.committer import Committer
from services.ingest.drafts import Draft, Drafter
from services.ingest.flags import Flag
from services.ingest.intake import Fate
from services.ingest.waiting import Figures, Question, wants_figures
from shared.access import Access, Principal
from shared.errors import Problem
from shared.security import counted
from shared.web import too_large

CHUNK = 500
MOST_ITEMS = 1000
MOST_LINES = 300_000
_BREATH = 16
_UNDERWAY = 3
_DETAILED = 1000
_ID = re.compile(rb'"visit_id"\s*:\s*"([0-9A-Fa-f-]{32,36})"')
_ENCODER = msgspec.json.Encoder()
_WORDS = ("accepted", "replayed", "quarantined", "rejected")


class Result(msgspec.Struct, omit_defaults=True):
    """What became of one item; `index` counts items of an array or lines of NDJSON from 0."""

    index: int
    visit_id: str | None
    status: str
    flags: list[Flag] | None = None
    received_at: str | None = None
    position: int | None = None
    problem: dict[str, object] | None = None


@dataclass
class Tally:
    """Results so far, encoded, with their counts."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_WORDS, 0))
    results: list[bytes] = field(default_factory=list)
    stored: list[Question] = field(default_factory=list)
    size: int = 0

    def add(self, index: int, visit_id: str | None, fate: Fate, watch: bool) -> None:
        """Count and keep one item's fate; details of problems end after a thousand."""
        if isinstance(fate, Problem):
            self.counts["rejected"] += 1
            document = fate.document()
            if self.counts["rejected"] > _DETAILED:
                document = {"status": fate.status, "type": document["type"]}
            result = Result(index, visit_id, "rejected", problem=document)
        else:
            self.counts[fate.word] += 1
            receipt = fate.receipt
            result = Result(
                index,
                receipt.visit_id,
                fate.word,
                receipt.flags or None,
                receipt.received_at,
                receipt.position,
            )
            if watch:
                self.stored.append(
                    {"source": receipt.source, "visit_id": receipt.visit_id, "revision": 1}
                )
        encoded = _ENCODER.encode(result)
        self.results.append(encoded)
        self.size += len(encoded)


@dataclass
class Group:
    """Items on their way: drafts to be stored, problems already known, in order of their items."""

    items: list[tuple[int, str | None, Problem | None]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    fates: "asyncio.Future[list[Fate]] | None" = None
    size: int = 0

    async def settle(self, tally: Tally, watch: bool) -> None:
        """Wait for the commit and count every item; raises Problem 503."""
        fates = iter(await self.fates if self.fates is not None else ())
        for index, visit_id, problem in self.items:
            tally.add(index, visit_id, problem or next(fates), watch)


class PostBatch:
    """Takes many visits and answers for each."""

    def __init__(
        self, access: Access, drafter: Drafter, committer: Committer, figures: Figures
    ) -> None:
        self._access = access
        self._drafter = drafter
        self._committer = committer
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a client that went away is not answered."""
        self._committer.load.refuse_bulk()
        head = head_of(scope)
        caller = await admitted(self._access, head, "visits:write")
        await counted(scope, self._access, caller)
        kind = head.media_type(JSON, NDJSON)
        head.bounded(ARRAY if kind == JSON else STREAM)
        watch = wants_figures(scope["query_string"])
        try:
            if kind == JSON:
                tally = await self._array(receive, caller, watch)
            else:
                tally = await self._lines(receive, caller, watch)
        except ClientGone:
            return
        figures = await self._figures.all(tally.stored) if watch else None
        if kind == NDJSON and NDJSON in head.accept:
            counts = ", ".join(f"{word}={tally.counts[word]}" for word in _WORDS)
            body = b"".join(line + b"\n" for line in tally.results)
            more = [(b"rtsm-counts", counts.encode())]
            if figures is not None:
                more.append((b"rtsm-figures", figures.encode()))
            await answer(send, 200, body, NDJSON.encode(), *more)
        else:
            summary = tally.counts if figures is None else tally.counts | {"figures": figures}
            opening = _ENCODER.encode(summary)[:-1] + b',"results":['
            await answer(send, 200, opening + b",".join(tally.results) + b"]}")

    async def _array(self, receive: Receive, caller: Principal, watch: bool) -> Tally:
        load = self._committer.load
        raw = await whole(receive, ARRAY, load)
        try:
            items = split_array(raw, MOST_ITEMS)
            tally = Tally()
            group = await self._group(list(enumerate(items)), caller)
            await group.settle(tally, watch)
        finally:
            load.bytes -= len(raw)
        return tally

    async def _lines(self, receive: Receive, caller: Principal, watch: bool) -> Tally:
        tally = Tally()
        lines = Lines()
        storing: deque[Group] = deque()
        load, held = self._committer.load, 0
        try:
            async for piece in pieces(receive, STREAM, load):
                held += len(piece)
                lines.feed(piece)
                while chunk := lines.take(CHUNK):
                    await load.room()
                    storing.append(await self._group(chunk, caller))
                    if len(storing) > _UNDERWAY:
                        await storing[0].settle(tally, watch)
                        storing.popleft()
                kept = lines.size + tally.size + sum(group.size for group in storing)
                load.bytes += kept - held
                held = kept
            if rest := lines.rest():
                storing.append(await self._group(rest, caller))
            while storing:
                await storing[0].settle(tally, watch)
                storing.popleft()
        except BaseException:
            # Nobody waits for what is being stored any more; it is stored all the same.
            for group in storing:
                if group.fates is not None:
                    group.fates.cancel()
            raise
        finally:
            load.bytes -= held
        return tally

    async def _group(self, items: Sequence[tuple[int, bytes]], caller: Principal) -> Group:
        """Read and judge items, letting others have a turn now and then, and queue the good."""
        group = Group()
        for count, (index, raw) in enumerate(items, 1):
            try:
                if len(raw) > SINGLE:
                    raise too_large(SINGLE)
                group.drafts.append(self._drafter.posted(raw, caller))
                group.items.append((index, None, None))
                group.size += len(raw)
            except Problem as problem:
                group.items.append((index, visit_id_in(raw), problem))
            if count % _BREATH == 0:
                await asyncio.sleep(0)
        if group.drafts:
            group.fates = self._committer.submit(group.drafts)
        return group


class Lines:
    """Cuts a stream into numbered lines; blank lines are numbered and left out."""

    def __init__(self) -> None:
        self._tail = b""
        self._index = 0
        self._ready: list[tuple[int, bytes]] = []
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._size + len(self._tail)

    def feed(self, piece: bytes) -> None:
        """Take a piece of the body; raises Problem 413 beyond the number of lines."""
        *lines, tail = piece.split(b"\n")
        if lines:
            lines[0] = self._tail + lines[0]
            self._tail = b""
            for line in lines:
                self._add(line)
        # A line that is too long is refused when it ends; only so much of it is kept.
        self._tail = (self._tail + tail)[: SINGLE + 1]

    def _add(self, line: bytes) -> None:
        line = line.strip(b" \t\r")
        if self._index >= MOST_LINES:
            raise Problem(413, "too_many_lines", f"At most {MOST_LINES} lines are taken at once.")
        if line:
            self._ready.append((self._index, line))
            self._size += len(line)
        self._index += 1

    def take(self, size: int) -> list[tuple[int, bytes]]:
        """The next `size` complete lines, or none while there are fewer."""
        if len(self._ready) < size:
            return []
        chunk, self._ready = self._ready[:size], self._ready[size:]
        self._size -= sum(len(line) for _, line in chunk)
        return chunk

    def rest(self) -> list[tuple[int, bytes]]:
        """What is left once the body is complete, the last line included."""
        self._add(self._tail)
        self._tail = b""
        rest, self._ready = self._ready, []
        return rest


def visit_id_in(raw: bytes) -> str | None:
    """The visit id that a refused item seems to have, so that its sender finds it."""
    found = _ID.search(raw[:SINGLE])
    return found[1].decode().lower() if found else None
