"""A deployment on either kind of database, in which nothing is consumed before a test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.embedded import Embedded, embedded


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedded]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with embedded(tmp_path, database_url=url, services=["ingest"]) as opened:
        yield opened


@pytest.fixture
async def lone(tmp_path: Path) -> AsyncIterator[Embedded]:
    """The same on SQLite alone: for what the kind of database cannot change."""
    async with embedded(tmp_path, services=["ingest"]) as opened:
        yield opened
