"""What a parameter that nobody reads is told: 422, which one it is, and what may be meant."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.support.embedded import Embedded, embedded

UNREAD = "?know_at=2020-01-01T00:00:00Z&colour=red"


@pytest.fixture(scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    async with embedded(tmp_path_factory.mktemp("parameters")) as running:
        yield running


async def test_no_call_answers_another_question_than_was_asked(opened: Embedded) -> None:
    document = (await opened.client.get("/openapi.json")).json()
    read = [
        re.sub(r"\{\w+\}", "x", path)
        for path, item in document["paths"].items()
        if path.startswith("/v1/") and item.get("get", {}).get("security")
    ]
    assert len(read) > 45
    for path in read:
        answer = await opened.client.get(path + UNREAD)
        assert answer.status_code == 422, path
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == "/problems/unknown_parameter", path
        assert [error["pointer"] for error in problem["errors"]] == [
            "/query/colour",
            "/query/know_at",
        ]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/units/P/figures?period=2018&know_at=2018-03-05T00:00:00Z", "known_at is meant"),
        ("/v1/units/P/figures?period=2018&knownAt=2018-03-05T00:00:00Z", "known_at is meant"),
        ("/v1/units/P/change?periods=2018-02", "period is meant"),
        ("/v1/cards/P?Period=2018", "period is meant"),
        ("/v1/search?query=pish", "there are cursor, level, limit, q"),
        ("/v1/visits?form=2018-01-01", "there are after, flag, from"),
        ("/v1/indicators?x=1", "Nothing can be asked here"),
    ],
)
async def test_what_may_be_meant_is_told(opened: Embedded, path: str, hint: str) -> None:
    problem = (await opened.client.get(path)).json()
    assert hint in problem["detail"]


async def test_what_was_sent_is_not_echoed(opened: Embedded) -> None:
    answer = await opened.client.get("/v1/indicators", params={"<script>alert": "canary"})
    assert answer.status_code == 422
    assert "alert" not in answer.text
    assert "canary" not in answer.text


async def test_a_stranger_learns_nothing_but_that_a_key_is_needed(opened: Embedded) -> None:
    answer = await opened.client.get(
        "/v1/units/P/figures?know_at=x", headers={"Authorization": "Bearer no"}
    )
    assert answer.status_code == 401
