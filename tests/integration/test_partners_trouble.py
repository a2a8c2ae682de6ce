"""A partner's outage, silence, nonsense or depth is its own: others go on, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.embedded import Embedded
from tests.support.partner_servers import NESTED, CentralServer, KoboServer
from tests.support.partners import Partnership, answers, central, kobo, nested, partnership

__all__ = ["central", "kobo"]
TROUBLES = ["drop", "garbage", "nested", "unavailable", "refuse", "redirect", "huge"]


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Embedded]:
    """A running ingest on SQLite: troubles are the same on either database."""
    async with partnership(tmp_path_factory.mktemp("trouble")) as opened:
        yield opened.house


@pytest.fixture
def partners(house: Embedded) -> Partnership:
    return Partnership(house)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_is_told_and_ends_with_it(
    partners: Partnership, kobo: KoboServer, trouble: str
) -> None:
    for place in range(5):
        kobo.submit(**answers(**{"students/students_boys/students_boys_present": str(place)}))
    kobo.page = 2
    await partners.declare("pmc", None)
    kobo.trouble = {2: trouble}
    await partners.declare("pmc", kobo)
    state = await partners.poll("pmc", complete="true")
    if state["error"] is not None:
        assert state["failures"] == 1
        assert state["error"].startswith("partner_")
        assert state["submissions"]["applied"] == 2
        kobo.trouble = {}
        state = await partners.poll("pmc")
    assert (state["error"], state["submissions"]["applied"]) == (None, 5)
    assert len(await partners.visits()) == 5


async def test_a_silent_partner_holds_nobody_up(
    partners: Partnership, kobo: KoboServer, central: CentralServer
) -> None:
    kobo.trouble = {0: "hang"}
    kobo.submit(**answers())
    row = central.submit(**nested())
    await partners.declare("silent", kobo)
    await partners.declare("doe", central, source="doe")
    async with asyncio.timeout(10):
        state = await partners.poll("doe", complete="true")
        assert state["submissions"]["applied"] == 1
        # The silent partner's own hook is taken and applied as well.
        answer = await partners.hook("silent", kobo.form, next(iter(kobo.rows.values())))
        assert answer.status_code == 202
    assert set(await partners.visits("doe")) == {row["__id"].removeprefix("uuid:")}
    assert len(await partners.visits()) == 1


async def test_a_deep_row_is_kept_and_told_while_its_neighbours_go_on(
    partners: Partnership, kobo: KoboServer
) -> None:
    good, deep = kobo.submit(**answers()), kobo.submit(**answers())
    whole = kobo.answer

    def poisoned(path: str, query: dict[str, str]) -> tuple[int, bytes]:
        status, body = whole(path, query)
        mark = json.dumps(deep["_submission_time"]).encode()
        return status, body.replace(mark, mark + b', "deep": ' + NESTED, 1)

    deep["_submission_time"] = "2019-06-02T00:00:00"
    kobo.answer = poisoned  # type: ignore[method-assign]
    await partners.declare("pmc", kobo)
    state = await partners.poll("pmc", complete="true")
    assert (state["submissions"]["applied"], state["submissions"]["unapplied"]) == (1, 1)
    [told] = await partners.submissions("pmc", state="unapplied")
    assert told["reasons"][0]["code"] in {"too_deep", "not_json"}
    assert set(await partners.visits()) == {good["_uuid"]}


NONSENSE: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"nonsense", 400),
    (b"[]", 422),
    (b"{}", 422),
    (b'{"a": 1, "a": 2}', 422),
    (b'{"meta/instanceID": "uuid:\\u0000"}', 422),
    (NESTED, 422),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 413),
    (b'{"a": "' + b"x" * 300_000 + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_at_a_hook_is_refused_and_kept(
    partners: Partnership, body: bytes, status: int
) -> None:
    await partners.declare("pmc", None)
    sent: dict[str, Any] = {"content": body, "headers": {"Content-Type": "application/json"}}
    answer = await partners.client.post(f"/v1/hooks/{partners.name('pmc')}/aVisitForm1", **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    kept = await partners.submissions("pmc", state="unapplied")
    assert len(kept) == (0 if status == 413 else 1)
    good = await partners.hook(
        "pmc", "aVisitForm1", answers(_uuid="a" * 8 + "-0000-4000-8000-000000000000")
    )
    assert good.status_code == 202
    assert len(await partners.visits()) == 1
