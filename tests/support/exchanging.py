"""Small registers take the way of answers of the past that is meant for large ones.

Any change moves many of few schools, and the visits of few schools are read sooner than what a
country recorded since: without this, nothing would ever be exchanged in a test.
"""

from __future__ import annotations

import pytest

from services.indicators import as_known


def always_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read everything of no unit, however few its schools and however many have moved."""
    monkeypatch.setattr(as_known, "_FEW_SCHOOLS", 0)
    monkeypatch.setattr(as_known, "_MOST_MOVED", 1.0)
