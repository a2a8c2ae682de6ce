"""The spool: what was put is sent exactly once, whatever is killed, torn, cut or full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtsm_client import (
    Client,
    Patience,
    Spoiled,
    Spool,
    SpoolBusy,
    SpoolError,
    SpoolFull,
    Unauthenticated,
    Unreachable,
)
from tests.client.server import visits

PUTTING = """
import sys
from pathlib import Path
from rtsm_client import Spool
from tests.client.server import visits
with Spool(Path(sys.argv[1]), segment_bytes=4000) as spool:
    for visit in visits(100_000):
        spool.put(visit)
        print(visit["visit_id"], flush=True)
"""
DELIVERING = """
import os, signal, sys
from pathlib import Path
import httpx
from rtsm_client import Client, Spool
ledger = open(sys.argv[2], "a")
left = int(sys.argv[3])
def taken(request):
    global left
    lines = request.content.splitlines()
    ledger.write(request.content.decode()); ledger.flush()
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)  # stored, but the answer never arrives
    results = [{"index": at, "visit_id": None, "status": "accepted"} for at in range(len(lines))]
    return httpx.Response(200, json={"results": results})
with Spool(Path(sys.argv[1])) as spool:
    spool.deliver(Client("http://x", "k", transport=httpx.MockTransport(taken)))
"""


def run(code: str, *words: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
        cwd=root,
    )


class Taker:
    """A server that takes visits, refuses those it is told to, and remembers their lines."""

    def __init__(self, *refused: str) -> None:
        self.taken: list[str] = []
        self.refused = set(refused)
        self.away = False

    def client(self) -> Client:
        return Client(
            "http://x",
            "k",
            transport=httpx.MockTransport(self._answer),
            patience=Patience(tries=1),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("no network")
        results: list[dict[str, Any]] = []
        for index, line in enumerate(request.content.splitlines()):
            visit_id = json.loads(line)["visit_id"]
            result = {"index": index, "visit_id": visit_id, "status": "accepted"}
            if visit_id in self.refused:
                problem = {"type": "/problems/missing", "status": 422, "detail": "Missing."}
                result |= {"status": "rejected", "problem": problem}
            else:
                self.taken.append(visit_id)
            results.append(result)
        return httpx.Response(200, json={"results": results})


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "spool"


def ids(forms: list[dict[str, Any]]) -> list[str]:
    return [form["visit_id"] for form in forms]


def test_what_was_put_is_sent_in_order_and_leaves(folder: Path) -> None:
    taker, sent = Taker(), visits(5_000)
    with Spool(folder, segment_bytes=50_000) as spool:
        assert spool.put_many(sent) == 5_000
        assert spool.waiting == 5_000
        done = spool.deliver(taker.client())
        assert (done.accepted, spool.waiting, spool.waiting_bytes) == (5_000, 0, 0)
        assert spool.deliver(taker.client()).total == 0
    assert taker.taken == ids(sent)


def test_a_process_killed_while_putting_keeps_all_it_acknowledged(folder: Path) -> None:
    putting = run(PUTTING, str(folder))
    assert putting.stdout is not None
    acknowledged = [next(putting.stdout).strip() for _ in range(40)]
    putting.kill()
    acknowledged += [line.strip() for line in putting.stdout]
    putting.wait()
    putting.stdout.close()
    taker = Taker()
    with Spool(folder) as spool:
        spool.deliver(taker.client())
    # The one put last may be on disk though its word did not get out.
    assert taker.taken[: len(acknowledged)] == acknowledged
    assert len(taker.taken) <= len(acknowledged) + 1


def test_a_process_killed_while_delivering_sends_the_rest(folder: Path, tmp_path: Path) -> None:
    sent = visits(5_000)
    with Spool(folder) as spool:
        spool.put_many(sent)
    ledger = tmp_path / "ledger"
    killed = run(DELIVERING, str(folder), str(ledger), "2")
    assert killed.wait() == -9
    with Spool(folder) as spool:
        assert spool.waiting == 3_000  # the first parcel had its answer, the second may come again
    ended = run(DELIVERING, str(folder), str(ledger), "-1")
    assert ended.wait() == 0
    for process in (killed, ended):
        assert process.stdout is not None
        process.stdout.close()
    lines = [json.loads(line)["visit_id"] for line in ledger.read_text().splitlines()]
    assert set(lines) == set(ids(sent))
    assert len(lines) == 5_000 + 2_000


def test_an_end_torn_anywhere_loses_only_what_was_not_acknowledged(folder: Path) -> None:
    sent = visits(3)
    with Spool(folder) as spool:
        spool.put_many(sent)
    [segment] = folder.glob("*.spool")
    content = segment.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for length in range(0, len(content) + 1, 7):
        segment.write_bytes(content[:length])
        with Spool(folder) as spool:
            assert spool.waiting == sum(end <= length for end in ends)
            spool.put(sent[2])
        with Spool(folder) as spool:
            assert spool.waiting == sum(end <= length for end in ends) + 1


def test_a_damaged_line_is_put_aside_and_stops_nobody(folder: Path) -> None:
    sent, taker = visits(3), Taker()
    with Spool(folder) as spool:
        spool.put_many(sent)
    [segment] = folder.glob("*.spool")
    content = bytearray(segment.read_bytes())
    content[content.index(b"\n") + 40] ^= 1
    segment.write_bytes(bytes(content))
    with Spool(folder) as spool:
        assert spool.deliver(taker.client()).accepted == 2
        assert spool.waiting == 0
    assert taker.taken == [sent[0]["visit_id"], sent[2]["visit_id"]]
    assert (folder / "damaged").read_bytes().count(b"\n") == 1


def test_what_the_server_refuses_is_kept_with_the_reason(folder: Path) -> None:
    sent = visits(4)
    taker = Taker(sent[1]["visit_id"])
    with Spool(folder) as spool:
        spool.put_many(sent)
        assert spool.deliver(taker.client()).rejected == 1
        [refused] = spool.rejected()
        assert spool.waiting == 0
    assert json.loads(str(refused["visit"])) == sent[1]
    assert (refused["status"], refused["code"]) == (422, "missing")


def test_without_a_network_everything_waits(folder: Path) -> None:
    taker, sent = Taker(), visits(10)
    taker.away = True
    with Spool(folder) as spool:
        spool.put_many(sent)
        with pytest.raises(Unreachable):
            spool.deliver(taker.client())
        assert spool.waiting == 10
    taker.away = False
    with Spool(folder) as spool:
        assert spool.deliver(taker.client()).accepted == 10
    assert taker.taken == ids(sent)


def test_a_refused_key_empties_nothing(folder: Path) -> None:
    problem = {"type": "/problems/unauthenticated", "status": 401, "detail": "No."}
    kind = {"content-type": "application/problem+json"}
    refusing = httpx.MockTransport(lambda _: httpx.Response(401, json=problem, headers=kind))
    with Spool(folder) as spool:
        spool.put(visits(1)[0])
        with pytest.raises(Unauthenticated):
            spool.deliver(Client("http://x", "k", transport=refusing))
        assert spool.waiting == 1


def test_a_full_spool_says_so_and_keeps_what_it_has(folder: Path) -> None:
    sent, taker = visits(100), Taker()
    with Spool(folder, most_bytes=2_000) as spool:
        with pytest.raises(SpoolFull):
            [spool.put(visit) for visit in sent]
        kept = spool.waiting
        assert 5 < kept < 15
        spool.deliver(taker.client())
        spool.put(sent[kept])
        spool.deliver(taker.client())
    assert taker.taken == ids(sent)[: kept + 1]


def test_a_disk_that_is_full_loses_nothing_that_was_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, taker = visits(3), Taker()
    with Spool(folder) as spool:
        spool.put(sent[0])
        real = os.write

        def half(handle: int, content: bytes) -> int:
            monkeypatch.setattr(os, "write", full)
            return real(handle, bytes(content)[:20])

        def full(handle: int, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(SpoolError, match="No space left"):
            spool.put(sent[1])
        monkeypatch.setattr(os, "write", real)
        spool.put(sent[2])
        spool.deliver(taker.client())
    assert taker.taken == [sent[0]["visit_id"], sent[2]["visit_id"]]


def test_one_process_at_a_time(folder: Path) -> None:
    with Spool(folder), pytest.raises(SpoolBusy):
        Spool(folder).open()
    closed = Spool(folder)
    with pytest.raises(Spoiled):
        closed.put(visits(1)[0])


def test_one_thread_puts_while_another_delivers(folder: Path) -> None:
    sent, taker = visits(600), Taker()
    with Spool(folder, segment_bytes=5_000) as spool:
        putting = threading.Thread(target=lambda: [spool.put(visit) for visit in sent])
        putting.start()
        while putting.is_alive():
            spool.deliver(taker.client())
        spool.deliver(taker.client())
    assert taker.taken == ids(sent)
