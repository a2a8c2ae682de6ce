"""The version of an answer tells where the journal ended when it was made."""

import pytest

from services.indicators.stream import position_of


@pytest.mark.parametrize(
    ("version", "position"),
    [
        ("12-4711-815.5f2c.17595.0", 815),
        ("0-0-0.5f2c.17595.2018-03-04", 0),
        ("12-4711-815.5f2c.17595.2018-03-04.1559534400000000", 815),
        ("12-4711-815", 815),
        ("12-4711", None),
        ("", None),
        ("a-1-2.x", None),
        ("1-2-99999999999999999.x", None),
        ("1-2-\u0663.x", None),
    ],
)
def test_position_of(version: str, position: int | None) -> None:
    assert position_of(version) == position
