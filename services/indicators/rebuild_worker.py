"""One process that computes for a rebuild: questions come on standard input, answers go out.

Owns the frames (eight bytes of length, then pickled values, which only the parent process writes)
and what can be asked. Started by `rebuild_workers` alone; ends with its standard input.
"""

import pickle
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from services.indicators.contributions import Deltas, whole
from services.indicators.incoming import read_revisions
from services.indicators.register import Ints, Register
from services.indicators.visits import Visits
from shared.journal.records import Event, InvalidEvent, Record

LENGTH = struct.Struct(">Q")


def revisions(_: Register, data: Sequence[bytes], zone: ZoneInfo) -> list[tuple[Any, ...]]:
    """The visits of events as rows of `Revision`; those that make no sense are left out."""
    records = [
        Record("", place, Event("", "", "", "", 0, 0, each)) for place, each in enumerate(data)
    ]
    while True:
        try:
            return [tuple(row) for row in read_revisions(records, zone)]
        except InvalidEvent as error:  # the consumer set it aside, too
            refused = error.record
            records = [record for record in records if record is not refused]


def sums(
    register: Register, rows: Sequence[Sequence[Any]], schools: Ints, look_back: int
) -> Deltas:
    """Everything that schools add, given rows of all their visits."""
    return whole(Visits.from_rows(rows), register, schools, look_back)


ASKED: dict[str, Callable[..., Any]] = {"revisions": revisions, "sums": sums}


def framed(value: object) -> bytes:
    """A value as a frame."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def _read(source: BinaryIO) -> Any:
    """The next value; raises EOFError at the end."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return pickle.loads(source.read(LENGTH.unpack(head)[0]))  # noqa: S301 - our parent wrote it


def main() -> None:
    """Take the register, then answer until nobody asks."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    register = _read(source)
    while True:
        try:
            name, args = _read(source)
        except EOFError:
            return
        sink.write(framed(ASKED[name](register, *args)))
        sink.flush()


if __name__ == "__main__":
    main()
