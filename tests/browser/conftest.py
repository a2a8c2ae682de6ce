"""What every test in a browser needs."""

import pytest

from tests.support.available import need


@pytest.fixture(scope="session")
def chromium() -> None:
    """Chromium is here: else a skip by name, or a failure where services are required."""
    need("Chromium")
