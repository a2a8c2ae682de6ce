"""Visits kept on disk until the server has answered for each: for tablets without a network.

Owns the folder: `*.spool` segments that are only appended to, the position delivered so far, and
`rejected.ndjson` for what the server refused. A visit is on disk, synchronised, when `put` returns;
it leaves only after its answer is. A process killed anywhere loses nothing and resumes where it
was; what is sent a second time is known by its id. One process at a time, on POSIX systems.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from rtsm_client import segments
from rtsm_client.answers import Progress, Result, Summary
from rtsm_client.client import Client
from rtsm_client.errors import Spoiled, SpoolBusy, SpoolError, SpoolFull
from rtsm_client.parcels import PARCEL_BYTES, PARCEL_LINES, Sendable, line_of
from rtsm_client.segments import Segment

_GROUP_BYTES = 1024 * 1024
_POSITION, _REJECTED, _LOCK = "delivered", "rejected.ndjson", "lock"


class Spool:
    """A folder of visits waiting to be sent, at most `most_bytes` of them; use it in a `with`.

    May be used by several threads: one may put while another delivers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = 256 * 1024 * 1024,
        segment_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        self._folder = Path(folder)
        self._most = most_bytes
        self._segment_bytes = segment_bytes
        self._guard = RLock()
        self._delivering = RLock()
        self._segments: list[Segment] = []
        self._lock: int | None = None
        self._offset = 0
        self._waiting = 0

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> Self:
        """Open the folder, made when missing; raises SpoolBusy or SpoolError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self._release()
                raise SpoolBusy("Another process works with this spool.") from error
            self._recover()
        except OSError as error:
            self._release()
            raise SpoolError(f"The spool cannot be opened: {error.strerror}.") from error
        return self

    def close(self) -> None:
        """Let go of the folder; what waits stays in it."""
        with self._delivering, self._guard:
            self._segments = []
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _recover(self) -> None:
        """Take up what an earlier process left: the position, and segments without torn ends."""
        number, self._offset = segments.read_position(self._folder / _POSITION)
        self._segments = []
        for found in segments.found(self._folder):
            if found.number < number:
                found.path.unlink()
            else:
                self._segments.append(found)
        if self._segments:
            self._segments[-1].mend()
            if self._segments[0].number > number:
                self._offset = 0
        else:
            self._begin(max(1, number))
            self._offset = 0
        first = self._segments[0]
        self._waiting = first.count(self._offset) + sum(s.count() for s in self._segments[1:])

    def _begin(self, number: int) -> None:
        self._segments.append(segments.begun(self._folder, number))

    @property
    def waiting(self) -> int:
        """Visits that have no answer yet."""
        return self._waiting

    @property
    def waiting_bytes(self) -> int:
        """Bytes on disk of those visits."""
        with self._guard:
            return sum(segment.size for segment in self._segments) - self._offset

    def put(self, visit: Sendable) -> None:
        """Keep one visit; safe when this returns. Raises SpoolFull, NotSendable or SpoolError."""
        self._append([line_of(visit)])

    def put_many(self, visits: Iterable[Sendable]) -> int:
        """Keep visits, synchronised a megabyte at a time; returns how many. Raises as `put` does.

        When it raises, all visits of earlier groups are kept; giving all again is harmless.
        """
        kept, group, size = 0, [], 0
        for visit in visits:
            group.append(line_of(visit))
            size += len(group[-1])
            if size >= _GROUP_BYTES:
                self._append(group)
                kept, group, size = kept + len(group), [], 0
        self._append(group)
        return kept + len(group)

    def _append(self, lines: list[bytes]) -> None:
        if not lines:
            return
        content = b"".join(map(segments.framed, lines))
        with self._guard:
            if self._lock is None:
                raise Spoiled("The spool is not open.")
            if self.waiting_bytes + len(content) > self._most:
                raise SpoolFull(f"The spool holds {self._waiting} visits and is full.")
            try:
                if self._segments[-1].size >= self._segment_bytes:
                    self._begin(self._segments[-1].number + 1)
                self._segments[-1].append(content)
            except OSError as error:
                raise SpoolError(f"The visit could not be kept: {error.strerror}.") from error
            self._waiting += len(lines)

    def deliver(
        self, client: Client, *, progress: Callable[[Progress], None] | None = None
    ) -> Summary:
        """Send everything that waits; returns when nothing does.

        What the server refuses is written to `rejected` with the reason before it leaves. Raises
        what `Client.send_many` raises; what was answered until then has left the spool.
        """
        telling = _Telling(progress)
        with self._delivering:
            while chunk := self._next():
                lines, offsets = [line for line, _ in chunk], [end for _, end in chunk]
                segment = self._segments[0]
                refused: list[Result] = []

                def told(result: Result, refused: list[Result] = refused) -> None:
                    if result.problem is not None:
                        refused.append(result)

                done = client.send_many(lines, progress=telling.tell, on_result=told)
                self._leave(segment, lines, offsets, refused)
                telling.add(done, sum(map(len, lines)) + len(lines))
        return telling.summary

    def _next(self) -> list[tuple[bytes, int]]:
        """The next visits with the offsets after them, all of the first segment."""
        with self._guard:
            if self._lock is None:
                raise Spoiled("The spool is not open.")
            while True:
                first = self._segments[0]
                chunk = first.read(self._offset, PARCEL_LINES, PARCEL_BYTES)
                if chunk:
                    return chunk
                if len(self._segments) == 1:
                    self._finish(first)
                    return []
                self._move(self._segments[1].number, 0)
                self._segments.pop(0)
                first.path.unlink()

    def _finish(self, last: Segment) -> None:
        """All that can be read was delivered: only damaged lines may be left behind."""
        if self._offset < last.size:
            self._move(last.number, last.size)
        self._waiting = 0

    def _leave(
        self, segment: Segment, lines: list[bytes], offsets: list[int], refused: list[Result]
    ) -> None:
        """Write down what was refused, then that all of these have their answer."""
        try:
            if refused:
                segments.append_synced(
                    self._folder / _REJECTED,
                    b"".join(_rejected(segment, lines, offsets, result) for result in refused),
                )
            with self._guard:
                self._move(segment.number, offsets[-1])
                self._waiting -= len(lines)
        except OSError as error:
            raise SpoolError(f"The spool cannot be written: {error.strerror}.") from error

    def _move(self, number: int, offset: int) -> None:
        segments.write_position(self._folder / _POSITION, number, offset)
        self._offset = offset

    def rejected(self) -> Iterator[dict[str, object]]:
        """What the server refused: `visit` (the line as it was kept), `status`, `code`, `detail`.

        A visit that was told twice, around a crash, comes once.
        """
        path = self._folder / _REJECTED
        seen: set[tuple[int, int]] = set()
        if not path.exists():
            return
        for line in path.read_bytes().split(b"\n")[:-1]:
            try:
                entry = json.loads(line)
                place = (entry["segment"], entry["offset"])
            except (ValueError, KeyError, TypeError):
                continue  # an end torn by a crash: the visit was told again after it
            if place not in seen:
                seen.add(place)
                yield entry


class _Telling:
    """Adds up what the chunks of one delivery tell."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self.summary = Summary()
        self._sent = 0
        self._progress = progress

    def add(self, done: Summary, sent: int) -> None:
        """Count a chunk that has left the spool."""
        self.summary.join(done)
        self._sent += sent

    def tell(self, now: Progress) -> None:
        """Tell a chunk's progress as the whole delivery's."""
        if self._progress is not None:
            whole = Summary()
            whole.join(self.summary)
            whole.join(now.summary)
            sent = self._sent + now.sent_bytes
            self._progress(Progress(whole, sent, now.trouble, now.waiting_seconds))


def _rejected(segment: Segment, lines: list[bytes], offsets: list[int], result: Result) -> bytes:
    problem = result.problem
    entry = {
        "segment": segment.number,
        "offset": offsets[result.index],
        "visit_id": result.visit_id,
        "status": None if problem is None else problem.status,
        "code": None if problem is None else problem.code,
        "detail": None if problem is None else str(problem),
        "visit": lines[result.index].decode("utf-8", "replace"),
    }
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"
