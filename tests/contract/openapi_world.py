"""A small deployment in which every example of the OpenAPI document can be sent as it stands.

Owns the order of calls and the ids that only a server can give; requests come from the document.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.embedded import Embedded

Document = dict[str, Any]
ABOVE = [
    {"unit_id": "PK-BA", "name": "Balochistan", "level": "province", "valid_from": "2018-01-01"},
    {
        "unit_id": "PK-BA-QDIV",
        "name": "Quetta Division",
        "level": "division",
        "parent_id": "PK-BA",
        "valid_from": "2018-01-01",
    },
]
BELOW = [
    {
        "unit_id": "CL-01",
        "name": "GHS Kuchlak",
        "level": "cluster",
        "parent_id": "PK-BA-QTA",
        "valid_from": "2018-01-01",
    }
]
FIRST = ("put_calendar", "put_units", "put_schools", "put_targets", "put_rules", "put_officers")
THEN = ("create_key", "post_visit", "post_batch", "put_mapping", "put_adapter", "post_import")
LAST = ("delete_visit", "delete_import", "revoke_key")
"""Calls in the order that makes sense; all others come between these."""


SENT = {"period", "on", "unit", "against", "kind", "seconds"}
"""Optional parameters that an example without them would say little."""


class World:
    """Sends the document's own examples and remembers what the server called things."""

    def __init__(self, opened: Embedded, document: Document) -> None:
        self.opened = opened
        self.document = document
        self.known: dict[str, str] = {}

    def ordered(self) -> list[tuple[str, str, Document]]:
        """Path, method and operation of every call, in an order that makes sense."""
        calls = [
            (path, method, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        ]
        ranks = {name: rank for rank, name in enumerate((*FIRST, *THEN))}
        ranks |= {name: 1_000 + rank for rank, name in enumerate(LAST)}
        return sorted(calls, key=lambda call: ranks.get(call[2]["operationId"], 500))

    async def prepare(self) -> None:
        """Store what the examples take for granted: units above and below the example's."""
        client = self.opened.client
        unit = self.body_of("put_units")
        answer = await client.put("/v1/units", json=[*ABOVE, *unit, *BELOW])
        assert answer.status_code == 200, answer.text

    def body_of(self, name: str) -> Any:
        """The example body of a call."""
        [operation] = [o for _, _, o in self.ordered() if o["operationId"] == name]
        return operation["requestBody"]["content"]["application/json"]["example"]

    async def send(self, path: str, method: str, operation: Document) -> httpx.Response:
        """Send a call's example; ids that only the server gives are taken from earlier answers."""
        query: dict[str, str] = {}
        headers: dict[str, str] = {}
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            value = self.known.get(name, parameter.get("example"))
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", str("unknown" if value is None else value))
            elif parameter.get("required") or name in SENT:
                given = query if parameter["in"] == "query" else headers
                if value is not None:
                    given[name] = value[0] if isinstance(value, list) else str(value)
        if operation["operationId"] == "put_visit":
            headers["If-Match"] = '"1"'
        content: bytes | None = None
        for media, shown in operation.get("requestBody", {}).get("content", {}).items():
            if "example" in shown:
                example = shown["example"]
                content = (
                    example.encode() if isinstance(example, str) else json.dumps(example).encode()
                )
                headers["Content-Type"] = media
                break
        client = self.opened.client
        answer = await client.request(
            method.upper(), path, params=query, headers=headers, content=content
        )
        self._remember(answer)
        await self.opened.drain()
        return answer

    def _remember(self, answer: httpx.Response) -> None:
        if answer.is_success and answer.headers.get("content-type") == "application/json":
            document = answer.json()
            for name in ("key_id", "import_id", "alert_id", "message_id"):
                if isinstance(document, dict) and isinstance(document.get(name), str):
                    self.known.setdefault(name, document[name])
