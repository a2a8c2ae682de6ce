"""A real server for the client's tests, with a register."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.server import Server
from tests.support.intake import UNITS, school
from tests.support.processes import Processes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lives for a module's tests."""
    processes = Processes(tmp_path_factory.mktemp("server"))
    try:
        opened = Server(processes, processes.embedded())
        with opened.api() as api:
            api.put("/v1/units", json=UNITS).raise_for_status()
            api.put("/v1/schools", json=[school("1001")]).raise_for_status()
        yield opened
    finally:
        processes.close()
