"""What imports are made of, for the service that they belong to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx
from fastapi import APIRouter

from services.ingest.committer import Committer
from services.ingest.drafts import Drafter
from services.ingest.imports import tables
from services.ingest.imports.applying import Applier, UnitNames, Units
from services.ingest.imports.desk import Desk
from services.ingest.imports.export_routes import export_router
from services.ingest.imports.export_rows import ExportRows
from services.ingest.imports.officers import NotifyOfficers, Officers
from services.ingest.imports.register import Schools, UnitRows
from services.ingest.imports.routes import router
from services.ingest.imports.runner import Runner
from services.ingest.imports.target_rows import TargetRows
from services.ingest.imports.visits import Visits
from services.ingest.registry.store import Registry
from services.ingest.targets import Targets
from shared.clock import Clock
from shared.db.engine import Database

TABLES = (tables.ImportRow, tables.ImportPieceRow, tables.ImportFaultRow, tables.MappingRow)


@dataclass(frozen=True, slots=True)
class ImportParts:
    """What imports work with."""

    database: Database
    clock: Clock
    zone: ZoneInfo
    drafter: Drafter
    committer: Committer
    registry: Registry
    targets: Targets
    notify: httpx.AsyncClient
    names: UnitNames | None = None


@dataclass(frozen=True, slots=True)
class Imports:
    """The addresses, the work in the background, and that work done at once."""

    router: APIRouter
    run: Callable[[], Awaitable[None]]
    drain: Callable[[], Awaitable[int]]


def build_imports(parts: ImportParts) -> Imports:
    """Imports, on the parts of the service."""
    database, drafter = parts.database, parts.drafter
    units = Units(database, drafter, parts.names)
    notify = NotifyOfficers(parts.notify)
    appliers: dict[str, Applier] = {
        "visits": Visits(database, drafter, parts.committer),
        "schools": Schools(database, drafter, parts.registry, units),
        "units": UnitRows(database, drafter, parts.registry, units),
        "targets": TargetRows(database, drafter, parts.targets, units),
        "officers": Officers(notify, drafter, units),
    }
    runner = Runner(database, parts.clock, parts.zone, appliers)
    routes = APIRouter()
    routes.include_router(router(Desk(database, parts.clock, runner)))
    routes.include_router(export_router(ExportRows(database, drafter, parts.targets, notify)))
    return Imports(routes, runner.run, runner.drain)
