"""One process that computes for a rebuild: questions come on standard input, answers go out.

Owns the frames (eight bytes of length, then pickled values, which only the parent process writes)
and what can be asked. Started by `rebuild_workers` alone; ends with its standard input.
"""

import gc
import pickle
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from services.indicators.rebuild_tasks import Newest, Plan, counted, named, parted

LENGTH = struct.Struct(">Q")
ASKED: dict[str, Callable[..., Any]] = {"parted": parted, "named": named, "counted": counted}
PLAN, NEWEST = "plan", "newest"
"""Not questions, but what there is to know for all that follow: nothing is answered."""


def bodied(value: object) -> bytes:
    """A value as the body of a frame."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _read(source: BinaryIO) -> Any:
    """The next value; raises EOFError at the end."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return pickle.loads(source.read(LENGTH.unpack(head)[0]))  # noqa: S301 - our parent wrote it


def main() -> None:
    """Answer until nobody asks."""
    # Rows by the ten thousand, and no cycle among them: looking for cycles would find none.
    gc.disable()
    # Not `sys.stdout.buffer`: where output is unbuffered that is the bare descriptor, and a signal
    # (a container that is paused) would cut short what is written to it.
    with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as sink:
        _answer(source, sink)


def _answer(source: BinaryIO, sink: BinaryIO) -> None:
    plan: Plan
    newest: Newest = {}
    while True:
        try:
            name, args = _read(source)
        except EOFError:
            return
        if name == PLAN:
            [plan] = args
        elif name == NEWEST:
            [newest] = args
        else:
            body = bodied(ASKED[name](plan, newest, *args))
            sink.write(LENGTH.pack(len(body)))
            sink.write(body)
            sink.flush()


if __name__ == "__main__":
    main()
