"""What a path does not take: 405, and Allow names every method that it does take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.embedded import embedded


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/officers", "GET, PUT"),
        ("/v1/visits", "GET, POST"),
        ("/v1/visits/01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f", "DELETE, GET, PUT"),
    ],
)
async def test_another_method_is_told_which_there_are(
    path: str, allowed: str, tmp_path: Path
) -> None:
    async with embedded(tmp_path) as opened:
        answer = await opened.client.patch(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["content-type"] == "application/problem+json"
