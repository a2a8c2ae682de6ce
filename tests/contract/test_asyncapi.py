"""The AsyncAPI document: what it says of every event is what the journals really hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from shared.journal.journal import read
from shared.journal.records import headers
from shared.journal.topics import PRODUCER
from tests.support.embedded import Embedded, embedded
from tests.support.intake import UNITS, school, visit
from tests.unit.notify.house import events as alert_events
from tests.unit.notify.house import house_in

Document = dict[str, Any]


async def published(opened: Embedded) -> list[tuple[str, str, Document, dict[str, str]]]:
    """Topic, type, data and headers of every event in every journal."""
    found = []
    for service in ("ingest", "indicators", "notify", "reports"):
        topics = [topic for topic, producer in PRODUCER.items() if producer == service]
        async with opened.platform.database(service).reading() as tx:
            for record in await read(tx, service, 1, topics, 10_000):
                event = record.event
                told = {n: v.decode() for n, v in headers(event, service, record.position)}
                found.append((event.topic, event.type, json.loads(event.data), told))
    return found


async def live_through(opened: Embedded) -> None:
    """A register that changes, visits of every fate, corrections, reviews, withdrawals."""
    client = opened.client

    async def ok(method: str, path: str, body: Any = None, **headers: str) -> None:
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text

    await ok("PUT", "/v1/units", UNITS)
    rich = {"lat": 30.2, "lon": 67.0, "attributes": {"emis": "01001"}, "aliases": ["GPS One"]}
    await ok("PUT", "/v1/schools", [school("01001", valid_from="2018-01-01", **rich)])
    moved = school("01001", "CL-02", valid_from="2018-03-01", status="closed", gender="girls")
    await ok("PUT", "/v1/schools", [moved, school("BEF002")])
    full = visit(
        remarks="a private remark",
        location={"lat": 30.1, "lon": 67.1},
        device_id="T-1",
        monitor_id="M-1",
        students={"grades": [{"grade": "3", "boys": {"enrolled": 4, "present": 3}}]},
        toilets={"boys": {"available": 2, "usable": 1}, "soap": True},
        oversight={"last_official_visit": "2018-02-01"},
        photos=["0" * 64],
    )
    await ok("POST", "/v1/visits", full)
    await ok("POST", "/v1/visits", visit(school_code="unknown-yet"))
    path = f"/v1/visits/{full['visit_id']}"
    await ok("PUT", path, full | {"school_code": "BEF002"}, **{"If-Match": '"1"'})
    for decision in ("exclude", "include"):
        await ok("POST", f"{path}/review", {"decision": decision, "reason": "checked"})
    await ok("DELETE", path)
    await opened.drain()


async def test_every_event_is_as_described(tmp_path: Path) -> None:
    async with embedded(tmp_path) as opened:
        document = (await opened.client.get("/asyncapi.json")).json()
        await live_through(opened)
        events = await published(opened)
    described = document["components"]["schemas"]
    traits = document["components"]["messageTraits"]["cloudevent"]
    seen = set()
    for topic, kind, data, told in events:
        assert kind in described, kind
        check = Draft202012Validator(described[kind], format_checker=FormatChecker())
        assert [error.message for error in check.iter_errors(data)] == [], (kind, data)
        assert not list(Draft202012Validator(traits["headers"]).iter_errors(told))
        assert told["ce_dataschema"] == f"/asyncapi.json#{kind}"
        channel = document["channels"][topic.replace(".", "_")]
        assert kind in channel["messages"]
        assert channel["address"] == topic
        seen.add(kind)
        assert "private" not in json.dumps(data)
    assert seen >= {
        "rtsm.visit.accepted.v1",
        "rtsm.visit.corrected.v1",
        "rtsm.visit.withdrawn.v1",
        "rtsm.unit.changed.v1",
        "rtsm.school.changed.v1",
        "rtsm.figures.changed.v1",
    }


async def test_alerts_are_as_described(tmp_path: Path) -> None:
    async with embedded(tmp_path / "all") as opened:
        described = (await opened.client.get("/asyncapi.json")).json()["components"]["schemas"]
    async with house_in(tmp_path) as house:
        await house.firing()
        alert = await house.one_alert()
        async with house.browser() as browser:
            answer = await browser.post(f"/v1/alerts/{alert['alert_id']}/ack", json={"note": "yes"})
            assert answer.status_code == 200
        told = await alert_events(house)
    assert [kind for kind, _, _ in told] == [
        "rtsm.alert.fired.v1",
        "rtsm.alert.acknowledged.v1",
    ]
    for kind, _, data in told:
        check = Draft202012Validator(described[kind], format_checker=FormatChecker())
        assert [error.message for error in check.iter_errors(json.loads(data))] == []


async def test_the_document_hangs_together(tmp_path: Path) -> None:
    async with embedded(tmp_path) as opened:
        document = (await opened.client.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} <= set(PRODUCER)

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                found: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    found = found[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert all(told["messages"] for told in document["operations"].values())
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        for form in schema["properties"].values():
            assert not {"remarks", "location", "email", "phone"} & set(
                form.get("properties", ())
            ), name
