"""The reports service as an application, over fake services and a real access store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI
from sqlalchemy import MetaData

from services.reports.figures import Place
from services.reports.projector import project
from services.reports.service import build
from shared.access import TABLES, Access
from shared.cache import Cache, MemoryCache
from shared.clock import SetClock
from shared.db.engine import database_for
from shared.db.sqlite import SqliteDatabase
from shared.platform import Platform
from shared.security import needs_of
from shared.segments import register_segments
from shared.settings import Settings
from shared.web import Application, install_problems
from tests.unit.reports.fake_services import CHAINS, FakeServices, register_events


@dataclass
class Site:
    """A running site: its client, what stands behind it, and its keys."""

    client: httpx.AsyncClient
    app: FastAPI
    services: FakeServices
    access: Access
    clock: SetClock


@asynccontextmanager
async def a_site(
    folder: Path,
    cache: Cache | None = None,
    chains: Mapping[str, tuple[Place, ...]] = CHAINS,
    **settings: Any,
) -> AsyncIterator[Site]:
    """Reports alone, public unless told otherwise, on 2019-06-03."""
    services = FakeServices()
    clock = SetClock(datetime(2019, 6, 3, 4, 30, tzinfo=UTC))
    wanted = {"public_read": True, "default_period": "2018-01..2019-05", "data_dir": folder}
    chosen = Settings(**(wanted | settings))
    access = Access(database_for(chosen, "access", TABLES, size=2), clock)
    await access.open()
    register_segments()
    app = Application()
    database = SqliteDatabase(folder / "reports.db", MetaData())

    def own(service: str, tables: MetaData) -> SqliteDatabase:
        database.tables = tables
        return database

    platform = SimpleNamespace(
        database=own,
        consumer=lambda *_, **__: SimpleNamespace(trouble=None),
        settings=chosen,
        clock=clock,
        access=access,
        cache=cache or MemoryCache(),
        client=services.client,
    )
    service = build(cast("Platform", platform))
    for route in service.router.routes:
        assert len(set(needs_of(route))) == 1, route
    app.state.platform = platform
    app.state.problem_page = service.problem_page
    install_problems(app)
    app.include_router(service.router)
    await database.open()
    async with database.transaction() as tx:
        await project(tx, register_events(chains))
    for step in service.on_start:
        await step()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        yield Site(client, app, services, access, clock)
    await database.close()
    await access.close()
