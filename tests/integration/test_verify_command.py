"""`rtsm verify` as a process finds what was planted, says where and of which day, and ends with 1.

What is planted is written behind the service's back, as a bug or a bad disk would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from services.indicators import cell_store, definition_file
from services.indicators.contributions import Deltas
from shared.db.transaction import Tx
from tests.integration.test_verification import folded, wrong_cell
from tests.support.embedded import Embedded
from tests.support.processes import environment

_WRONG = """
from services.indicators import definition_file
right = definition_file._shipped_text()
wrong = right.replace('numerator = ["status_open"]', 'numerator = ["status_answered"]')
assert wrong != right
definition_file._shipped_text = lambda: wrong
"""
_RUN = """
import sys
from services.cli import main
sys.argv = ["rtsm", "verify"]
sys.exit(main())
"""


def verified(folder: Path, planted: str = "") -> tuple[int, str]:
    """Run the command on a data folder; its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", planted + _RUN],
        env=environment({"RTSM_DATA_DIR": str(folder)}),
        cwd=folder.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


async def fold_twice(house: Embedded, planted: pytest.MonkeyPatch) -> None:
    """Fold one visit of school 1004 on 2019-05-02 twice."""
    added = cell_store.add

    async def twice(tx: Tx, deltas: Deltas) -> None:
        await added(tx, deltas)
        await added(tx, deltas)

    planted.setattr(cell_store, "add", twice)
    form = {"visit_id": str(uuid4()), "school_code": "1004", "status": "open"}
    form["visited_at"] = "2019-05-02T09:00:00+05:00"
    answer = await house.client.post("/v1/visits", json=form)
    assert answer.status_code == 201, answer.text
    await house.drain()


async def test_a_wrong_cell_and_a_double_fold_are_found_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    async with folded(folder) as house:
        unit, day = await wrong_cell(house)
    code, told = verified(folder)
    assert code == 1
    lines = [line for line in told.splitlines() if f"unit {unit}, day {day}, visits" in line]
    assert lines, told
    assert "; schools that add to it: " in lines[0]
    folder = tmp_path / "other"
    async with folded(folder) as house:
        with monkeypatch.context() as planted:
            await fold_twice(house, planted)
    code, told = verified(folder)
    assert code == 1
    said = "day 2019-05-02: stored 2, should be 1"
    found = [line for line in told.splitlines() if line.startswith("presence: school 1004 ")]
    assert any(said in line for line in found), told


def test_a_wrong_definition_is_found_by_the_command(tmp_path: Path) -> None:
    assert definition_file._shipped_text()
    folder = tmp_path / "data"
    folder.mkdir()
    code, told = verified(folder, _WRONG)
    assert code == 1
    assert "definition schools_open, version 1, total: the worked example comes to" in told
    code, told = verified(tmp_path / "right")
    assert (code, told.strip()) == (0, "All figures are right.")
