"""`rtsm send` as a person gives it: files, pipes, a spool, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.client.server import Server, visits
from tests.support.ports import free_port
from tests.support.processes import ROOT, environment


def send(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "send", *words],
        env=environment(),
        cwd=ROOT,
        input=given,
        capture_output=True,
        check=False,
    )


def lines(forms: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(form).encode() + b"\n" for form in forms)


def test_a_file_goes_by_way_of_the_spool_when_the_server_is_back(
    server: Server, tmp_path: Path
) -> None:
    sent = visits(600, start=30_000)
    file, spool = tmp_path / "visits.ndjson", tmp_path / "spool"
    file.write_bytes(lines(sent))
    nobody = f"http://127.0.0.1:{free_port()}"
    away = send(
        str(file), "--url", nobody, "--key", server.key, "--spool", str(spool), "--tries", "1"
    )
    assert away.returncode == 75, away.stderr
    assert str(spool) in away.stderr.decode()
    back = send("--url", server.url, "--key", server.key, "--spool", str(spool))
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["accepted"] == 600
    stored = server.stored()
    assert all(stored[visit["visit_id"]] == 1 for visit in sent)


def test_a_pipe_with_bad_lines_tells_each(server: Server) -> None:
    good = visits(2, start=40_000)
    bad = visits(1, start=40_010)[0] | {"school_code": 7}
    given = lines([good[0], bad]) + b"\n{not json\n" + b"x" * 1_100_000 + b"\n" + lines([good[1]])
    done = send("-", "--url", server.url, "--key", server.key, given=given)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == {
        "accepted": 2,
        "replayed": 0,
        "quarantined": 0,
        "rejected": 3,
    }
    told = done.stderr.decode()
    assert "/school_code" in told
    assert "Line 5 is longer" in told


def test_a_wrong_key_is_said_plainly(server: Server) -> None:
    done = send("-", "--url", server.url, "--key", "wrong", given=lines(visits(1)))
    assert done.returncode == 2
    assert "401 unauthenticated" in done.stderr.decode()
