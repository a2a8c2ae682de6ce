"""The OpenAPI document: complete, the same from every process, and its examples are true."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.app import create_app
from shared.clock import SystemClock
from shared.settings import Settings
from tests.contract.openapi_world import Document, World
from tests.support.embedded import embedded

ELSEWHERE = {
    # What these are about comes into being by time or by others; other tests make it.
    "get_alert": 404,
    "acknowledge": 404,
    "requeue": 404,
    "take_receipt": 404,
    "take_receipt_post": 404,
    # The example's import is stored already: nothing is left to run or to stop.
    "run_import": 409,
    "delete_import": 409,
}


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with embedded(tmp_path_factory.mktemp("openapi")) as opened:
        document = (await opened.client.get("/openapi.json")).json()
        made = World(opened, document)
        await made.prepare()
        yield made


def validator(document: Document, schema: Document) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": document["components"]})


def pointed(document: Document, node: Document) -> Document:
    """What a reference within the document points to."""
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/")]
    return pointed(document, found)


async def test_every_call_is_named_explained_and_secured(world: World) -> None:
    assert world.document["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in world.ordered()]
    assert len(names) == len(set(names)) > 60
    assert all(re.fullmatch(r"[a-z][a-z_]{2,40}", name) for name in names)
    for path, method, operation in world.ordered():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert "security" in operation, where
        assert any(status.startswith("2") for status in operation["responses"]), where


async def test_every_error_is_a_problem_document(world: World) -> None:
    for path, method, operation in world.ordered():
        answers = operation["responses"]
        if operation["security"]:
            assert {"401", "403"} <= answers.keys(), path
        assert {"429", "500", "503"} <= answers.keys(), path
        if operation.get("parameters") or "requestBody" in operation:
            assert "422" in answers, path
        for status, answer in answers.items():
            if status >= "400":
                content = pointed(world.document, answer)["content"]
                # Readiness is told in the same words whether or not something is missing.
                if (path, status) != ("/health/ready", "503"):
                    assert list(content) == ["application/problem+json"], (method, path, status)


async def test_every_schema_is_one_and_every_reference_leads_somewhere(world: World) -> None:
    seen = 0

    def walk(node: Any) -> None:
        nonlocal seen
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                pointed(world.document, node)
            if isinstance(node.get("schema"), dict):
                Draft202012Validator.check_schema(node["schema"])
                seen += 1
                if "example" in node:
                    found = validator(world.document, node["schema"]).iter_errors(node["example"])
                    assert [error.message for error in found] == [], node["example"]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(world.document["paths"])
    assert seen > 150


async def test_every_good_answer_and_body_of_json_has_an_example(world: World) -> None:
    lacking = []
    for _, _, operation in world.ordered():
        name = operation["operationId"]
        parts = [operation.get("requestBody", {})]
        parts += [a for status, a in operation["responses"].items() if status.startswith("2")]
        for part in parts:
            media = part.get("content", {}).get("application/json")
            if media is not None and "example" not in media and "examples" not in media:
                lacking.append(name)
        lacking += [
            f"{name}.{parameter['name']}"
            for parameter in operation.get("parameters", ())
            if parameter.get("required") and "example" not in parameter
        ]
    assert lacking == []


async def test_every_example_is_true(world: World) -> None:
    """Sends each call's example and holds the answer against its schema and its example."""
    wrong: list[str] = []
    for path, method, operation in world.ordered():
        name = operation["operationId"]
        answer = await world.send(path, method, operation)
        told = operation["responses"].get(str(answer.status_code))
        if told is None:
            wrong.append(f"{name}: {answer.status_code} is not described")
            continue
        expected = ELSEWHERE.get(name)
        if answer.status_code != expected and not (expected is None and answer.is_success):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        wrong += [f"{name}: {fault}" for fault in faults(world.document, told, answer)]
    assert wrong == []


def faults(document: Document, told: Document, answer: httpx.Response) -> list[str]:
    """What of an answer is not as described."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    described = pointed(document, told).get("content", {})
    content = {media.partition(";")[0]: shown for media, shown in described.items()}
    if not content and not answer.content:
        return []
    if kind not in content:
        return [f"{kind} is not described"]
    if not kind.endswith(("/json", "+json")):
        return []
    body = answer.json()
    media = content[kind]
    found = [e.message for e in validator(document, media.get("schema", {})).iter_errors(body)]
    shown = media.get("example")
    if isinstance(shown, dict) and isinstance(body, dict) and answer.is_success:
        missing = shown.keys() - body.keys() - {"on", "holding", "figures"}
        if missing:
            found.append(f"the example has {sorted(missing)}, the answer has not")
    return found


@pytest.mark.parametrize("service", ["ingest", "reports"])
async def test_one_service_alone_serves_the_whole_document(
    world: World, service: str, tmp_path: Path
) -> None:
    app = create_app(
        Settings(data_dir=tmp_path, services=[service]), SystemClock(), background=False
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        alone = await client.get("/openapi.json")
        tag = alone.headers["etag"]
        again = await client.get("/openapi.json", headers={"If-None-Match": tag})
    assert alone.json() == world.document
    assert again.status_code == 304
