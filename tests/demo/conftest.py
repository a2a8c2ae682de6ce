"""One history for all tests of the demonstration: it takes a second to plan."""

import pytest

from demo.register import Register
from demo.visits import History
from demo.visits import history as make_history


@pytest.fixture(scope="session")
def history() -> History:
    return make_history()


@pytest.fixture(scope="session")
def register(history: History) -> Register:
    return history.register
