"""Plants every bug of `planted`, one at a time, and shows that its tests fail.

    python -m tests.mutants [--list] [--places] [--numbered] [NUMBER | WORD…]

Works in a copy of the tree. With words only on the bugs whose names hold one of them, with a number
on those that have this number in the fault plan, with --numbered on all that have one. --places
only looks whether every bug still has its place in the code. Ends with 1 when a bug goes unnoticed,
no longer fits the code, or a judge fails without it. Takes minutes: for people and for the night,
not for every change.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.bug import Bug
from tests.mutants.planted import BUGS

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("services", "shared", "tests", "demo", "deploy", "rtsm_client", "pyproject.toml")
SECONDS = 900
PASSED, FAILED = 0, 1


def main(words: Sequence[str] | None = None) -> int:
    """Plant and judge; the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutants")
    asked.add_argument("words", nargs="*")
    for option in ("--list", "--places", "--numbered"):
        asked.add_argument(option, action="store_true")
    given = asked.parse_args(words)
    chosen = [bug for bug in BUGS if _is_chosen(bug, given.words, numbered=given.numbered)]
    if given.list:
        print("\n".join(bug.name for bug in chosen))
        return 0
    if given.places:
        lost = [bug for bug in chosen if (ROOT / bug.path).read_text().count(bug.right) != 1]
        print("\n".join(f"NO PLACE   {bug.name}: {bug.path}" for bug in lost) or "all have a place")
        return 1 if lost else 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        judges = dict.fromkeys(judge for bug in chosen for judge in bug.judges)
        if judged(tree, tuple(judges)) != PASSED:
            print("the judges fail without any bug: nothing is proved")
            return 1
        missed = [bug.name for bug in chosen if not _noticed(tree, bug)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} planted bugs were noticed")
    return 1 if missed or not chosen else 0


def _is_chosen(bug: Bug, words: Sequence[str], *, numbered: bool) -> bool:
    """Whether the bug was asked for; everything is when nothing is asked for."""
    number = bug.name.split()[0] if bug.name[0].isdigit() else None
    named = any(word == number if word.isdigit() else word in bug.name for word in words)
    return named or (numbered and number is not None) or not (words or numbered)


def _copy(tree: Path) -> None:
    forgotten = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=forgotten)
        elif source.exists():
            tree.mkdir(exist_ok=True)
            shutil.copy(source, tree / name)


def _noticed(tree: Path, bug: Bug) -> bool:
    """Plant, judge, and put the file back."""
    began = time.monotonic()
    path = tree / bug.path
    right = path.read_text()
    if right.count(bug.right) != 1:
        print(f"NO PLACE   {bug.name}: not exactly once in {bug.path}", flush=True)
        return False
    path.write_text(right.replace(bug.right, bug.wrong))
    try:
        code = judged(tree, bug.judges)
    finally:
        path.write_text(right)
    word = {PASSED: "MISSED", FAILED: "noticed"}.get(code, f"UNREADABLE ({code})")
    print(f"{word:10} {bug.name} ({time.monotonic() - began:.0f} s)", flush=True)
    return code == FAILED


def judged(tree: Path, judges: Sequence[str]) -> int:
    """Run tests in the tree until one fails; pytest's exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RTSM_")}
    asked = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *judges]
    told = subprocess.run(
        asked,
        cwd=tree,
        env=kept | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if told.returncode not in (PASSED, FAILED):
        print(told.stdout[-2000:], told.stderr[-2000:], sep="\n")
    return told.returncode


if __name__ == "__main__":
    raise SystemExit(main())
