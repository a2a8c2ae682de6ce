"""What a process that computes for a rebuild answers comes whole, whatever happens to it."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.indicators.rebuild_tasks import Plan
from services.indicators.rebuild_worker import LENGTH, PLAN, bodied
from services.indicators.register import Register
from tests.support.waiting import until

_AT = "2018-06-01T03:00:07Z"
_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a container starts it: with output that Python does not hold back."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.indicators.rebuild_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(_ROOT)},
    )
    yield process
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def _ask(worker: subprocess.Popen[bytes], name: str, *args: object) -> None:
    body = bodied((name, args))
    assert worker.stdin is not None
    worker.stdin.write(LENGTH.pack(len(body)) + body)
    worker.stdin.flush()


def _event(number: int) -> bytes:
    form = {"status": "open", "monitor_id": "M-1"}
    told = {"source": "tablet", "visit_id": f"visit-{number}", "revision": 1}
    told |= {"recorded_at": _AT, "received_at": _AT, "visited_at": _AT}
    return json.dumps(told | {"school_code": "9", "standing": "standing", "form": form}).encode()


def test_an_answer_is_whole_though_the_process_was_paused_while_giving_it(
    worker: subprocess.Popen[bytes],
) -> None:
    """A container is paused in the middle of a rebuild: the rebuild goes on afterwards."""
    _ask(worker, PLAN, Plan(Register.empty(), [], 0, ZoneInfo("Asia/Karachi"), 365, packed=True))
    _ask(worker, "parted", (range(1, 5_001), [_event(number) for number in range(5_000)]))
    place = Path(f"/proc/{worker.pid}/wchan")
    # It answers more than a pipe holds, and nobody reads yet.
    until(lambda: "pipe_write" in place.read_text(), "the worker waits for its reader")
    for told in (signal.SIGSTOP, signal.SIGCONT):
        os.kill(worker.pid, told)
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.close()  # nothing else will be asked: it ends when it has answered
    answer = worker.stdout.read()
    body = answer[LENGTH.size :]
    assert LENGTH.unpack(answer[: LENGTH.size]) == (len(body),)
    parted = pickle.loads(body)  # noqa: S301 - the worker wrote it
    assert sum(count for _, count, _ in parted.parts) == 5_000
