"""The feed of visits: filters, pages, and commit order of the latest revisions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.intake import House, intake, school, visit

__all__ = ["intake"]


async def listed(intake: House, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path: str | None = f"/v1/visits?limit=2{query}"
    while path is not None:
        answer = await intake.call("GET", path)
        assert answer.status_code == 200, answer.text
        found += answer.json()["visits"]
        link = answer.headers.get("link")
        path = link.partition(">")[0].removeprefix("<") if link else None
    return found


async def test_the_feed_is_in_commit_order_of_the_latest_revisions(intake: House) -> None:
    forms = [visit() for _ in range(5)]
    for form in forms:
        await intake.post(form)
    await intake.put(forms[1] | {"remarks": "x"}, 1)
    await intake.call("DELETE", f"/v1/visits/{forms[0]['visit_id']}")
    found = await listed(intake)
    order = [forms[2], forms[3], forms[4], forms[1], forms[0]]
    assert [record["visit_id"] for record in found] == [form["visit_id"] for form in order]
    assert [record["revision"] for record in found] == [1, 1, 1, 2, 2]
    assert [record["status"] for record in found][-2:] == ["accepted", "withdrawn"]
    assert found[3]["form"]["remarks"] == "x"
    positions = [record["position"] for record in found]
    assert positions == sorted(positions)


async def test_filters(intake: House) -> None:
    await intake.call("PUT", "/v1/schools", [school("0042")])
    plain = visit()
    flagged = visit(school_code="42", ended_at="2018-03-05T09:41:00+05:00")
    late = visit(visited_at="2018-03-10T20:30:00Z")  # the 11th in Quetta
    waiting = visit(school_code="unknown")
    early = visit(visited_at="2012-03-05T09:40:00+05:00")
    other = visit(source="partner")
    forms = [plain, flagged, late, waiting, early, other]
    for form in forms:
        await intake.post(form)
    excluded = f"/v1/visits/{plain['visit_id']}/review"
    await intake.call("POST", excluded, {"decision": "exclude"})

    async def ids(query: str) -> set[int]:
        found = {record["visit_id"] for record in await listed(intake, query)}
        return {index for index, form in enumerate(forms) if form["visit_id"] in found}

    assert await ids("") == {0, 1, 2, 3, 4, 5}
    assert await ids("&school=00042") == {1}
    assert await ids("&from=2018-03-11") == {2}
    assert await ids("&to=2018-03-10&from=2018-03-05") == {0, 1, 3, 5}
    assert await ids("&status=quarantined") == {3, 4}
    assert await ids("&status=accepted") == {1, 2, 5}
    assert await ids("&status=excluded") == {0}
    assert await ids("&status=withdrawn") == set()
    assert await ids("&flag=short_visit") == {1}
    assert await ids("&flag=date_to_be_corrected") == {4}
    assert await ids("&source=partner") == {5}
    await intake.call("PUT", "/v1/schools", [school("unknown")])
    assert await ids("&status=quarantined") == {4}
    key = await intake.make_key("tablets", "visits:read", source="partner")
    seen = await intake.call("GET", "/v1/visits?source=admin", key=key)
    assert [record["visit_id"] for record in seen.json()["visits"]] == [other["visit_id"]]


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "flag=a'b",
        "flag=%25",
        "from=yesterday",
        "after=!",
        "after=cA",
        "limit=0",
        "limit=501",
    ],
)
async def test_questions_that_make_no_sense(intake: House, query: str) -> None:
    answer = await intake.call("GET", f"/v1/visits?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/query/")


async def test_a_cursor_kept_for_later_finds_what_came_since(intake: House) -> None:
    for _ in range(3):
        await intake.post(visit())
    page = await intake.call("GET", "/v1/visits?limit=2")
    link = page.headers["link"].partition(">")[0].removeprefix("<")
    latest = visit()
    await intake.post(latest)
    onward = await intake.call("GET", link)
    assert onward.json()["visits"][-1]["visit_id"] == latest["visit_id"]
    assert "link" not in onward.headers
