"""Every planted bug still has its place in the code: exactly one, where its judges are there."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.mutants.__main__ import ROOT
from tests.mutants.bug import Bug
from tests.mutants.planted import BUGS


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_still_fits_the_code(bug: Bug) -> None:
    held = (ROOT / bug.path).read_text()
    assert held.count(bug.right) == 1, f"{bug.path} no longer says what this bug changes"
    assert bug.wrong != bug.right
    for judge in bug.judges:
        assert (ROOT / judge.partition("::")[0]).exists(), f"{judge} is no more"


def test_no_two_planted_bugs_have_one_name() -> None:
    twice = [name for name, count in Counter(bug.name for bug in BUGS).items() if count > 1]
    assert twice == []
