"""Arrays and NDJSON: an answer for each item, chunks that are whole or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.intake import House, intake, visit

__all__ = ["intake"]
NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(*items: Any) -> bytes:
    return b"".join(
        (item if isinstance(item, bytes) else json.dumps(item).encode()) + b"\n" for item in items
    )


async def sent(intake: House, *items: Any, **more: Any) -> Any:
    headers = NDJSON | more.pop("headers", {})
    return await intake.call(
        "POST", "/v1/visits/batch", content=lines(*items), headers=headers, **more
    )


async def test_each_item_of_an_array_is_answered(intake: House) -> None:
    known, gone = visit(), visit()
    await intake.post(known)
    await intake.post(gone)
    await intake.call("DELETE", f"/v1/visits/{gone['visit_id']}")
    new, flagged = visit(), visit(ended_at="2018-03-05T09:41:00+05:00")
    items = [
        new,
        known,
        known | {"remarks": "x"},
        gone,
        visit(school_code="unknown"),
        {"visit_id": new["visit_id"]},
        7,
        flagged,
        new,
        new | {"remarks": "x"},
    ]
    answer = (await intake.post(items, "/v1/visits/batch")).json()
    counts = {word: answer[word] for word in ("accepted", "replayed", "quarantined", "rejected")}
    assert counts == {"accepted": 2, "replayed": 2, "quarantined": 1, "rejected": 5}
    results = answer["results"]
    assert [result["index"] for result in results] == list(range(10))
    assert [result["status"] for result in results] == [
        "accepted",
        "replayed",
        "rejected",
        "rejected",
        "quarantined",
        "rejected",
        "rejected",
        "accepted",
        "replayed",
        "rejected",
    ]
    problems = {r["index"]: r["problem"]["status"] for r in results if "problem" in r}
    assert problems == {2: 409, 3: 410, 5: 422, 6: 422, 9: 409}
    assert results[0]["visit_id"] == results[5]["visit_id"] == new["visit_id"]
    assert results[5]["problem"]["errors"][0]["pointer"] == "/school_code"
    assert results[7]["flags"] == [{"code": "short_visit", "pointer": "/ended_at"}]


async def test_an_item_that_is_no_strict_json_is_refused_alone(intake: House) -> None:
    good = json.dumps(visit())
    raw = f'[{good},{{"rooms":{{"available":NaN}}}},{{"a":1,"a":2}},{good}]'.encode()
    answer = await intake.call(
        "POST", "/v1/visits/batch", content=raw, headers={"Content-Type": "application/json"}
    )
    results = answer.json()["results"]
    assert [r["status"] for r in results] == ["accepted", "rejected", "rejected", "replayed"]
    assert {r["problem"]["status"] for r in results if "problem" in r} == {422}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 422), (b"[", 400), (b"", 400), (b"[]", 200), (b"[NaN", 400), (b"\xff", 400)],
)
async def test_an_array_that_is_none(intake: House, body: bytes, status: int) -> None:
    answer = await intake.call(
        "POST", "/v1/visits/batch", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status


async def test_a_thousand_items_and_no_more(intake: House) -> None:
    items = [visit() for _ in range(1001)]
    answer = await intake.post(items, "/v1/visits/batch")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many_items")
    assert await intake.events() == []
    answer = await intake.post(items[:1000], "/v1/visits/batch")
    assert answer.json()["accepted"] == 1000
    received = [result["received_at"] for result in answer.json()["results"]]
    assert received == sorted(set(received))


async def test_lines_are_answered_singly_and_in_order(intake: House) -> None:
    first, last = visit(), visit()
    answer = await sent(intake, first, b"", b"not json", b'{"rooms":NaN}', b"  ", {"a": 1}, last)
    results = answer.json()["results"]
    assert [(r["index"], r["status"]) for r in results] == [
        (0, "accepted"),
        (2, "rejected"),
        (3, "rejected"),
        (5, "rejected"),
        (6, "accepted"),
    ]
    assert [r["problem"]["status"] for r in results if "problem" in r] == [400, 422, 422]


async def test_many_lines_are_stored_in_chunks(intake: House) -> None:
    items = [visit() for _ in range(1200)]
    answer = await sent(intake, *items)
    assert answer.json()["accepted"] == 1200
    recorded = await intake.rows(
        "SELECT count(*) FROM journal WHERE topic = 'rtsm.visits' "
        "GROUP BY recorded ORDER BY recorded"
    )
    assert [count for (count,) in recorded] == [500, 500, 200]
    again = await sent(intake, *items)
    assert (again.json()["replayed"], len(await intake.events())) == (1200, 1200)
    assert [r["received_at"] for r in again.json()["results"]] == [
        r["received_at"] for r in answer.json()["results"]
    ]


async def test_ndjson_answers_ndjson_when_asked(intake: House) -> None:
    accept = {"Accept": "application/x-ndjson"}
    answer = await sent(intake, visit(), b"{}", headers=accept)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [result["status"] for result in results] == ["accepted", "rejected"]
    assert answer.headers["rtsm-counts"] == "accepted=1, replayed=0, quarantined=0, rejected=1"


async def test_a_line_may_be_as_large_as_a_visit(intake: House) -> None:
    endless = b'{"remarks":"' + b"x" * 300_000 + b'"}'
    answer = await sent(intake, endless, visit())
    results = answer.json()["results"]
    assert (results[0]["problem"]["status"], results[1]["status"]) == (413, "accepted")


async def test_details_of_problems_end_after_a_thousand(intake: House) -> None:
    answer = await sent(intake, *([b"{}"] * 1200))
    body = answer.json()
    assert body["rejected"] == len(body["results"]) == 1200
    assert "errors" in body["results"][999]["problem"]
    assert set(body["results"][1000]["problem"]) == {"status", "type"}


async def test_waiting_for_the_figures_of_a_batch(intake: House) -> None:
    items = [visit(), visit()]
    for item in items:
        intake.applied.add(("admin", item["visit_id"], "1", ""))
    answer = await intake.post(items, "/v1/visits/batch?wait=figures")
    assert answer.json()["figures"] == "applied"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;charset=UTF-8", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/xml", 415),
    ],
)
async def test_content_types(intake: House, kind: str, status: int) -> None:
    answer = await intake.call(
        "POST", "/v1/visits/batch", content=b"[]", headers={"Content-Type": kind}
    )
    assert answer.status_code == status


async def test_encoded_bodies_are_not_taken(intake: House) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await intake.call("POST", "/v1/visits/batch", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415


async def test_sizes_are_bounded(intake: House) -> None:
    headers = {"Content-Type": "application/json"}
    for path, size in (("/v1/visits", 256 * 1024), ("/v1/visits/batch", 4 * 1024 * 1024)):
        answer = await intake.call("POST", path, content=b" " * (size + 1), headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        answer = await intake.call("POST", path, content=b" " * size, headers=headers)
        assert answer.status_code == 400
    answer = await intake.call(
        "POST", "/v1/visits/batch", content=b"\n" * (32 * 1024 * 1024 + 1), headers=NDJSON
    )
    assert answer.status_code == 413
