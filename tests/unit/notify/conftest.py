"""The notify service that its tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.notify.house import House, house_in


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The service on a database of its own, with one rule and one officer."""
    async with house_in(tmp_path) as built:
        yield built
