"""The partners' guide, done word by word: every command is run, every answer is compared."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.processes import ROOT, environment

GUIDE = ROOT / "docs/partners-guide.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=====8<====="


def agrees(said: Any, came: Any) -> bool:
    """Whether an answer has what the guide shows; `…` is anything, more keys are allowed."""
    if said == "…":
        return True
    if isinstance(said, dict):
        return isinstance(came, dict) and all(
            key in came and agrees(value, came[key]) for key, value in said.items()
        )
    if isinstance(said, list):
        return (
            isinstance(came, list)
            and len(said) == len(came)
            and all(agrees(one, other) for one, other in zip(said, came, strict=True))
        )
    return bool(said == came)


def last_document(output: str) -> Any:
    """The JSON value that ends what a block printed."""
    decoder, found, at = json.JSONDecoder(), None, 0
    text = output.strip()
    while at < len(text):
        try:
            found, end = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        at = end
    return found


def test_every_command_does_what_the_guide_says(tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    port = free_port()
    blocks = [(kind, body.replace("8000", str(port))) for kind, body in BLOCK.findall(text)]
    assert len([kind for kind, _ in blocks if kind == "sh"]) > 15
    python = next(body for kind, body in blocks if kind == "python")
    script = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for kind, body in blocks:
        if kind == "sh":
            script += [body, f"echo; echo '{MARK}'"]
    (tmp_path / "guide.py").write_text(
        "import json, os\nRTSM, KEY = os.environ['RTSM'], os.environ['KEY']\n"
        "visit = json.load(open('visit.json'))\n" + python
    )
    script.append(f"RTSM=$RTSM KEY=$KEY {sys.executable} -W error::SyntaxWarning guide.py")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    running = subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environment({"PATH": path}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = running.communicate(timeout=240)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 0, f"{out[-2000:]}\n{err[-4000:]}"
    parts = out.split(MARK)
    printed = iter(parts)
    came = ""
    wrong = []
    for kind, body in blocks:
        if kind == "sh":
            came = next(printed)
        elif kind == "json" and not agrees(json.loads(body), last_document(came)):
            wrong.append((body, came))
    assert wrong == []
    assert "/school_code" in parts[-1]
