"""The ingest service alone, in this process: an application, a key, and the journal to look into.

Owns opening and closing; indicators are a double that says `applied` when told to.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Depends, FastAPI

from services.ingest.service import build
from shared.clock import SetClock
from shared.platform import Platform
from shared.security import public
from shared.settings import Settings
from shared.web import Application, install_problems

NOW = datetime(2019, 6, 3, 7, 0, tzinfo=UTC)
DAY = "2018-03-05T09:40:00+05:00"  # a Monday


def visit(**more: Any) -> dict[str, Any]:
    """A small valid visit of school 1001 on a Monday morning; None leaves a field out."""
    form: dict[str, Any] = {
        "visit_id": str(uuid4()),
        "school_code": "1001",
        "visited_at": DAY,
        "status": "open",
    }
    form |= more
    return {name: value for name, value in form.items() if value is not None}


def unit(unit_id: str, level: str, parent: str | None, **more: Any) -> dict[str, Any]:
    """A unit as PUT /v1/units takes it."""
    return {"unit_id": unit_id, "name": unit_id, "level": level, "parent_id": parent, **more}


def school(code: str, cluster: str = "CL-01", **more: Any) -> dict[str, Any]:
    """A school as PUT /v1/schools takes it."""
    return {"school_code": code, "name": f"School {code}", "unit_id": cluster, **more}


UNITS = [
    unit("CL-01", "cluster", "QTA"),
    unit("CL-02", "cluster", "PSN"),
    unit("QTA", "district", "BA"),
    unit("PSN", "district", "BA"),
    unit("BA", "province", None),
]


@dataclass
class House:
    """A running ingest."""

    app: FastAPI
    platform: Platform
    client: httpx.AsyncClient
    clock: SetClock
    key: str
    applied: set[tuple[str, ...]] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Call with the admin key (or `key=`); `body` is sent as JSON."""
        headers = {"Authorization": f"Bearer {more.pop('key', self.key)}"} | more.pop("headers", {})
        if body is not None:
            more["content"] = json.dumps(body, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        return await self.client.request(method, path, headers=headers, **more)

    async def post(self, form: dict[str, Any], path: str = "/v1/visits", **more: Any) -> Any:
        """Post a visit."""
        return await self.call("POST", path, form, **more)

    async def put(self, form: dict[str, Any], revision: int | str, **more: Any) -> httpx.Response:
        """Correct a visit."""
        headers = {"If-Match": f'"{revision}"'}
        return await self.call(
            "PUT", f"/v1/visits/{form['visit_id']}", form, headers=headers, **more
        )

    async def register(self) -> None:
        """Put two clusters in two districts, and school 1001 in the first."""
        for path, items in (("/v1/units", UNITS), ("/v1/schools", [school("1001")])):
            answer = await self.call("PUT", path, items)
            assert answer.status_code == 200, answer.text

    async def make_key(self, name: str, *scopes: str, **more: Any) -> str:
        """A further key."""
        key, _, _ = await self.platform.access.create_key(name, list(scopes), **more)
        return key

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Look into the ledger."""
        async with self.platform.database("ingest").reading() as tx:
            return [tuple(row) for row in await tx.fetch(sql, *args)]

    async def events(self, topic: str = "rtsm.visits") -> list[dict[str, Any]]:
        """The journal's events of a topic with their types, in order."""
        rows = await self.rows(
            "SELECT type,key,data FROM journal WHERE topic = $1 ORDER BY seq", topic
        )
        return [{"type": row[0], "key": row[1], **json.loads(bytes(row[2]))} for row in rows]


@asynccontextmanager
async def house(folder: Path, database_url: str | None = None, **more: Any) -> AsyncIterator[House]:
    """Open an ingest on a folder, or on a PostgreSQL database."""
    settings = Settings(
        services=["ingest", "indicators"], data_dir=folder, database_url=database_url, **more
    )
    clock = SetClock(NOW)
    platform = Platform(settings, clock)
    service = build(platform)
    app = Application(service.direct)
    app.state.platform = platform
    install_problems(app)
    app.include_router(service.router)
    opened = House(app, platform, httpx.AsyncClient(), clock, "")

    @app.get("/v1/applied", dependencies=[Depends(public("a double"))])
    async def applied(
        source: str = "", visit_id: str = "", revision: str = "", registry_version: str = ""
    ) -> dict[str, bool]:
        asked = (source, visit_id, revision, registry_version)
        opened.asked.append(dict(zip(("source", "visit_id", "revision"), asked, strict=False)))
        return {"applied": asked in opened.applied}

    async with AsyncExitStack() as stack:
        await platform.open(app, stack)
        for step in service.on_start:
            await step()
        await opened.client.aclose()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        opened.client = await stack.enter_async_context(client)
        opened.key, _, _ = await platform.access.create_key("admin", ["admin"])
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
async def intake(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """An ingest with its register, on either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with house(tmp_path, url) as opened:
        await opened.register()
        yield opened
