"""Hostile bodies against every address of ingest that takes one.

Each is refused with 4xx problem+json and a pointer where there is a field to point at; nothing is
stored, nothing sent is repeated, and good requests pass right afterwards.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.support.intake import House, intake, school, unit, visit

__all__ = ["intake"]
CANARY = "canary-4471"
VISIT_ID = "01890c5e-7d2a-7cc0-8f3a-1d2b3c4d5e6f"
COUNTS = (
    ("students", "boys", "enrolled"),
    ("students", "unspecified", "present"),
    ("teachers", "male", "posted"),
    ("teachers", "sanctioned"),
    ("non_teaching", "female", "absent"),
    ("rooms", "open_air_classes"),
    ("toilets", "shared", "usable"),
)
MEASURES = (("location", "lat"), ("location", "lon"), ("location", "accuracy_m"))
NOT_FINITE = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400")
NO_COUNT = ("true", "false", "12.0", '"12"', "-1", "2147483648", "1" * 41, "9" * 5000, "[]", "{}")


def form(path: tuple[str, ...], literal: str) -> bytes:
    """A valid form but for one field, whose JSON is given."""
    base = visit(visit_id=VISIT_ID, remarks=CANARY)
    marked: dict[str, Any] = base
    for name in path[:-1]:
        marked = marked.setdefault(name, {})
    marked[path[-1]] = "@"
    return json.dumps(base).replace('"@"', literal).encode()


async def refused(intake: House, raw: bytes, statuses: set[int], path: str = "/v1/visits") -> Any:
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    method = "POST" if path in {"/v1/visits", "/v1/visits/batch"} or "review" in path else "PUT"
    answer = await intake.call(method, path, content=raw, headers=headers)
    assert answer.status_code in statuses, (raw[:80], answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    return answer.json()


async def nothing_stored(intake: House) -> None:
    assert await intake.rows("SELECT count(*) FROM visits") == [(0,)]
    assert await intake.events() == []
    assert (await intake.post(visit())).status_code == 201


@pytest.mark.parametrize("path", [*COUNTS, *MEASURES], ids="/".join)
async def test_numbers_that_are_none(intake: House, path: tuple[str, ...]) -> None:
    pointer = "/" + "/".join(path)
    for literal in NOT_FINITE:
        body = await refused(intake, form(path, literal), {422})
        assert body["errors"][0]["pointer"] == pointer, literal
        batch = await intake.call(
            "POST",
            "/v1/visits/batch",
            content=b"[" + form(path, literal) + b"]",
            headers={"Content-Type": "application/json"},
        )
        assert batch.json()["results"][0]["problem"]["errors"][0]["pointer"] == pointer
    await nothing_stored(intake)


@pytest.mark.parametrize("path", COUNTS, ids="/".join)
async def test_counts_that_are_none(intake: House, path: tuple[str, ...]) -> None:
    for literal in NO_COUNT:
        body = await refused(intake, form(path, literal), {422})
        assert body["errors"][0]["pointer"] == "/" + "/".join(path), literal
    await nothing_stored(intake)


async def test_tiny_and_negative_zero_are_numbers(intake: House) -> None:
    assert (
        await intake.call(
            "POST",
            "/v1/visits",
            content=form(("location", "lat"), "1e-400"),
            headers={"Content-Type": "application/json"},
        )
    ).status_code == 201


HOSTILE: dict[str, tuple[bytes, set[int]]] = {
    "nothing": (b"", {400}),
    "spaces": (b" " * 1000, {400}),
    "lone surrogate in a value": (form(("remarks",), '"\\ud800"'), {422}),
    "lone surrogate in a key": (form(("rooms", "available"), '1,"\\udfff":2'), {422}),
    "U+0000": (form(("monitor_id",), '"a\\u0000b"'), {422}),
    "bidi control in a code": (form(("monitor_id",), '"a\\u202eb"'), {422}),
    "duplicate key": (form(("status",), '"open","status":"open"'), {422}),
    "duplicate key behind an escape": (form(("status",), '"open","st\\u0061tus":"open"'), {422}),
    "unknown key": (form(("teacher_names",), f'"{CANARY}"'), {422}),
    "NaN in an unknown key": (form(("x",), "NaN"), {422}),
    "deep arrays": (form(("remarks",), "[" * 100_000 + "]" * 100_000), {422}),
    "deep objects": (form(("rooms",), '{"a":' * 30_000 + "1" + "}" * 30_000), {422}),
    "open arrays": (b"[" * 200_000, {400, 422}),
    "many empty arrays": (b"[" + b"[]," * 80_000 + b"[]]", {422}),
    "many keys": (b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}", {413, 422}),
    "a long text": (form(("remarks",), '"' + "x" * 200_000 + '"'), {422}),
    "a long key": (form(("y" * 200_000,), "1"), {422}),
    "two megabytes": (form(("remarks",), '"' + "x" * (2 << 20) + '"'), {413}),
    "a byte order mark": (b"\xef\xbb\xbf" + form(("remarks",), '"x"'), {400}),
    "UTF-16": (form(("remarks",), '"x"').decode().encode("utf-16"), {400}),
    "overlong UTF-8": (form(("remarks",), '"@"').replace(b"@", b"\xc0\x80"), {400}),
    "a scalar": (b"42", {422}),
    "null": (b"null", {422}),
    "an array": (b"[]", {422}),
    "XML": (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", {400}),
    "a form": (b"visit_id=1&status=open", {400}),
}


@pytest.mark.parametrize(("raw", "statuses"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_visits(intake: House, raw: bytes, statuses: set[int]) -> None:
    began = time.process_time()
    body = await refused(intake, raw, statuses)
    assert time.process_time() - began < 1.0
    if body["status"] == 422:
        assert "pointer" in body["errors"][0]
    await refused(intake, raw, statuses | {404}, f"/v1/visits/{VISIT_ID}")
    await nothing_stored(intake)


REGISTER = ("/v1/units", "/v1/schools", "/v1/targets")


@pytest.mark.parametrize("path", REGISTER)
async def test_hostile_registers(intake: House, path: str) -> None:
    before = await intake.events("rtsm.registry")
    texts = [
        b"",
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"unit_id":"A","unit_id":"B"}]',
        b'[{"unit_id":"\\ud800"}]',
        b'[{"unit_id":"a\\u0000"}]',
        b'[{"name":NaN}]',
        b"[" * 100_000,
        b'[{"attributes":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}]",
        b'[{"lat":1e400}]',
        b"\xff\xfe",
        b" " * (4 * 1024 * 1024 + 1),
    ]
    for raw in texts:
        await refused(intake, raw, {400, 413, 422}, path)
    assert await intake.events("rtsm.registry") == before


@pytest.mark.parametrize(
    "attributes",
    [
        '{"a":"\\u0000"}',
        '{"a":["\\u0001"]}',
        '{"a":{"b\\u0000":1}}',
        '{"a":1,"a":2}',
        '{"a":1e999}',
        '{"a":NaN}',
        '{"a":"\\udead"}',
    ],
)
async def test_free_attributes_are_not_free_of_rules(intake: House, attributes: str) -> None:
    item = json.dumps(school("5", attributes="@")).replace('"@"', attributes)
    body = await refused(intake, f"[{item}]".encode(), {422}, "/v1/schools")
    assert body["errors"][0]["pointer"].startswith("/0/attributes")


async def test_hostile_reviews(intake: House) -> None:
    kept = visit()
    await intake.post(kept)
    for raw in (b"", b"[]", b'{"decision":"exclude","decision":"include"}', b'{"decision":NaN}'):
        await refused(intake, raw, {400, 422}, f"/v1/visits/{kept['visit_id']}/review")
    assert len(await intake.events()) == 1


async def test_names_of_all_scripts_come_back_as_sent(intake: House) -> None:
    names = {"ur": "کوئٹہ", "bn": "ঢাকা", "hi": "दिल्ली", "emoji": "👩‍🏫"}
    await intake.call("PUT", "/v1/units", [unit("U", "district", "BA", names=names)])
    listed = (await intake.call("GET", "/v1/units?q=ঢাকা")).json()["units"]
    assert listed[0]["names"] == names
    form_ = visit(remarks="".join(names.values()) + "\u202e")
    assert (await intake.post(form_)).status_code == 201
    record = (await intake.call("GET", f"/v1/visits/{form_['visit_id']}")).json()
    assert record["form"] == form_


@pytest.mark.parametrize("value", ["' OR 1=1 --", "%", "_", '"; DROP TABLE visits; --', "\\"])
async def test_sql_in_every_question(intake: House, value: str) -> None:
    await intake.post(visit())
    for name in ("school", "source"):
        answer = await intake.call("GET", "/v1/visits", params={name: value})
        assert (answer.status_code, answer.json()["visits"]) == (200, [])
    for path, names in (
        ("/v1/units", ("q", "level")),
        ("/v1/schools", ("unit_id", "school")),
        ("/v1/targets", ("unit_id", "indicator")),
    ):
        answer = await intake.call("GET", path, params=dict.fromkeys(names, value))
        assert answer.status_code == 200
    assert await intake.rows("SELECT count(*) FROM visits") == [(1,)]


async def test_every_answer_carries_the_security_headers(intake: House) -> None:
    for answer in (
        await intake.post(visit()),
        await intake.call("POST", "/v1/visits", content=b"x"),
        await intake.call("GET", "/v1/visits", key="rtsm_x_y"),
        await intake.call("GET", "/v1/visits/none"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "cache-control" in answer.headers
