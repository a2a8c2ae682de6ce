"""What the ingest service is made of.

Owns the wiring: register in memory, drafter, committer, stores and routes, in one straight
function. The journal's consumers live in the other services.
"""

import sys

from fastapi import APIRouter

from services.ingest.adapters.assembly import build_partners
from services.ingest.batches import PostBatch
from services.ingest.calendar import Dated
from services.ingest.calendar_form import balochistan, calendar_of
from services.ingest.calendar_routes import router as calendar_router
from services.ingest.calendar_store import CalendarStore, Fixed
from services.ingest.changes import Changes
from services.ingest.committer import Committer
from services.ingest.drafts import Drafter
from services.ingest.event_schemas import events
from services.ingest.imports.service import ImportParts, build_imports
from services.ingest.intake import Intake, refresh
from services.ingest.listing import Listing
from services.ingest.posting import PostVisit
from services.ingest.registry.book import Book
from services.ingest.registry.chronicle import Chronicle
from services.ingest.registry.lookup import Lookup
from services.ingest.registry.pages import Pages
from services.ingest.registry.register import Register
from services.ingest.registry.routes import RegisterParts
from services.ingest.registry.routes import router as register_router
from services.ingest.registry.store import Registry
from services.ingest.review.routes import router as review_router
from services.ingest.routes import VisitParts
from services.ingest.routes import router as visit_router
from services.ingest.stamps import Stamps
from services.ingest.tables import IngestTable
from services.ingest.targets import Targets
from services.ingest.trust.watchers import watchers
from services.ingest.waiting import Figures
from shared.access_routes import router as key_router
from shared.db.errors import Transient
from shared.db.sqlite import SqliteDatabase
from shared.domain.days import day_number
from shared.platform import Platform
from shared.service import Service

_CHECKPOINT_PAGES = 16_000
_CACHE_KIB = 32_000
_SWITCH_SECONDS = 0.0001


def build(platform: Platform) -> Service:
    """The ingest service of a process."""
    settings = platform.settings
    tables = IngestTable.metadata
    database = platform.database("ingest", tables)
    stamps = Stamps(platform.clock)
    calendars = Dated(calendar_of(balochistan()), day_number(settings.first_day))
    drafter = Drafter(Register(), stamps, settings.zone, calendars, settings.first_day)
    committer = Committer(Intake(database, drafter).store)
    figures = Figures(platform.client("indicators"))
    lookup = Lookup(database, drafter, Book("units"), Book("schools"))
    posting = PostVisit(platform.access, drafter, committer, figures)
    router = APIRouter()
    router.include_router(key_router(platform.access, platform.clock))
    fixed = Fixed(settings.first_day, settings.look_back_days)
    router.include_router(calendar_router(CalendarStore(database, drafter, fixed)))
    router.include_router(
        visit_router(
            VisitParts(
                posting=posting,
                batches=PostBatch(platform.access, drafter, committer, figures),
                drafter=drafter,
                changes=Changes(database, drafter),
                listing=Listing(database, drafter),
                figures=figures,
            )
        )
    )
    router.include_router(
        register_router(
            RegisterParts(
                pages=Pages(database, drafter),
                registry=Registry(database, drafter),
                targets=Targets(database, drafter),
                figures=figures,
                lookup=lookup,
                chronicle=Chronicle(database, drafter, lookup.units),
            )
        )
    )

    imports = build_imports(
        ImportParts(
            database=database,
            clock=platform.clock,
            zone=settings.zone,
            drafter=drafter,
            committer=committer,
            registry=Registry(database, drafter),
            targets=Targets(database, drafter),
            notify=platform.client("notify"),
            names=lookup,
        )
    )
    router.include_router(imports.router)
    partners = build_partners(database, drafter, committer, Changes(database, drafter))
    router.include_router(partners.router)
    router.include_router(review_router(database, drafter))
    trust = watchers(platform, database, drafter, committer.load)

    async def begin() -> None:
        """Read the register, and give no time of receipt that was given before."""
        if isinstance(database, SqliteDatabase):
            # A checkpoint each 8 MB rewrites the same index pages again and again: half of all
            # the work of a commit under load. The log stays below 128 MB. Ids come in no order:
            # every visit meets other pages of their index, which must be at hand.
            async with database.transaction() as tx:
                await tx.fetch(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
                await tx.fetch(f"PRAGMA cache_size=-{_CACHE_KIB}")
            # The writer's thread waits for a busy event loop as long as this, once a statement;
            # with Python's 5 ms a commit takes several times what SQLite needs for it.
            sys.setswitchinterval(_SWITCH_SECONDS)
        async with database.reading() as tx:
            await refresh(tx, drafter)
            row = await tx.fetch_one("SELECT recorded FROM journal ORDER BY seq DESC LIMIT 1")
        stamps.after(row[0] if row is not None else 0)

    async def ledger() -> str | None:
        try:
            async with database.reading() as tx:
                await tx.fetch_one("SELECT 1")
        except Transient:
            return "the ledger's database does not answer"
        return None

    return Service(
        name="ingest",
        router=router,
        tables=tables,
        consumers=trust.consumers,
        tasks=[imports.run, partners.workers.run, trust.sweep.run],
        drains=[imports.drain, partners.drain, trust.sweep.drain],
        on_start=[begin, partners.begin],
        checks={"ledger": ledger},
        direct={("POST", "/v1/visits"): posting},
        events=events(),
    )
