"""`rtsm send`: a partner's file or pipe of visits to a server, over whatever network there is.

Owns what a person sees meanwhile and the exit codes. Sending, retries and the spool are the
client's.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from rtsm_client import Client, ClientError, Refused, Result, Spool, SpoolFull, Summary, Unavailable
from rtsm_client import Progress as Sent
from rtsm_client.parcels import LINE_BYTES

ALL_STORED, SOME_REFUSED, CANNOT, WAITING = 0, 1, 2, 75
"""Exit codes; 75 is the customary word for "try again later"."""
_GROUP = 500

Tell = Callable[[Sent], None]


def send(client: Client, file: str | None, spool: Path | None) -> int:
    """Send a file (`-` is standard input), by way of a spool when given; returns the exit code."""
    try:
        with _shown(file) as tell:
            if spool is None:
                done = _straight(client, str(file), tell)
            else:
                with Spool(spool) as kept:
                    done = _spooled(client, file, kept, tell)
    except (Unavailable, ClientError) as error:
        typer.echo(str(error), err=True)
        refused = isinstance(error, Refused) and not isinstance(error, Unavailable)
        typer.echo(_advice(spool, refused), err=True)
        return CANNOT if refused else WAITING
    counts = {name: getattr(done, name) for name in _COUNTS}
    typer.echo(msgspec.json.encode(counts).decode())
    return SOME_REFUSED if done.rejected else ALL_STORED


_COUNTS = ("accepted", "replayed", "quarantined", "rejected")


def _advice(spool: Path | None, refused: bool) -> str:
    again = "Mend that and give" if refused else "Give"
    if spool is None:
        return f"{again} the same command again: what is stored already is not counted twice."
    return f"{again} the command again, without a file: what waits in {spool} goes on from there."


def _straight(client: Client, file: str, tell: Tell) -> Summary:
    with _opened(file) as lines:
        too_long = _TooLong()
        done = client.send_many(too_long.without(lines), progress=tell, on_result=_told)
    done.rejected += too_long.count
    return done


def _spooled(client: Client, file: str | None, spool: Spool, tell: Tell) -> Summary:
    """Keep all lines on disk, then send what waits; a full spool is emptied in between."""
    whole = Summary()
    if file is not None:
        too_long = _TooLong()
        with _opened(file) as lines:
            group: list[bytes] = []
            for line in too_long.without(lines):
                group.append(line)
                if len(group) == _GROUP:
                    _keep(client, spool, group, whole, tell)
                    group = []
            _keep(client, spool, group, whole, tell)
        whole.rejected += too_long.count
    _deliver(client, spool, whole, tell)
    return whole


def _keep(client: Client, spool: Spool, group: list[bytes], whole: Summary, tell: Tell) -> None:
    try:
        spool.put_many(group)
    except SpoolFull:
        _deliver(client, spool, whole, tell)
        spool.put_many(group)


def _deliver(client: Client, spool: Spool, whole: Summary, tell: Tell) -> None:
    done = spool.deliver(client, progress=tell)
    for result in done.problems:
        _told(result)
    whole.join(done)


def _told(result: Result) -> None:
    """Tell a refused visit on standard error, one JSON object a line."""
    if result.problem is not None:
        typer.echo(
            msgspec.json.encode(
                {
                    "index": result.index,
                    "visit_id": result.visit_id,
                    "status": result.problem.status,
                    "code": result.problem.code,
                    "detail": result.problem.detail,
                    "errors": [
                        {"pointer": e.pointer, "code": e.code, "detail": e.detail}
                        for e in result.problem.errors
                    ],
                }
            ).decode(),
            err=True,
        )


class _TooLong:
    """Leaves lines out that are longer than any visit, and tells their numbers."""

    def __init__(self) -> None:
        self.count = 0

    def without(self, lines: BinaryIO) -> Iterator[bytes]:
        """The lines that may be visits; memory holds one."""
        number = 0
        while piece := lines.readline(LINE_BYTES + 1):
            number += 1
            if len(piece) > LINE_BYTES:
                self._skip(lines, piece, number)
            elif stripped := piece.strip(b" \t\r\n"):
                yield stripped

    def _skip(self, lines: BinaryIO, piece: bytes, number: int) -> None:
        while piece and not piece.endswith(b"\n"):
            piece = lines.readline(LINE_BYTES + 1)
        self.count += 1
        typer.echo(f"Line {number} is longer than {LINE_BYTES} bytes and was left out.", err=True)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as lines:
            yield lines


@contextmanager
def _shown(file: str | None) -> Iterator[Tell]:
    """A line of progress on standard error: bytes, visits by fate, and what is waited for."""
    total = Path(file).stat().st_size if file not in (None, "-") else None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("visits sent", total=total)

        def tell(now: Sent) -> None:
            words = f"{now.summary.total} visits sent, {now.summary.rejected} refused"
            if now.trouble is not None:
                words += f"; {now.trouble} Again in {now.waiting_seconds:.0f} s"
            progress.update(task, completed=now.sent_bytes, description=words)

        yield tell
