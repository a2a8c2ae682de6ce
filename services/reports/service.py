"""What the reports service is made of: cards and pages over the figures of indicators.

Figures are asked from indicators and targets from ingest; rendered bytes lie in the cache. What it
keeps is its copy of the register's names, read from the register's events.
"""

from fastapi import APIRouter

from services.reports import (
    comparison_pages,
    import_pages,
    list_pages,
    pages,
    register_pages,
    routes,
    seal_pages,
    sessions,
    work_pages,
)
from services.reports.cards import Cards
from services.reports.comparison import Comparisons
from services.reports.finder import Finder
from services.reports.formats.html import Pages
from services.reports.home import Home
from services.reports.projector import project
from services.reports.register import Register
from services.reports.schools import Schools
from services.reports.sign_in import SignIn
from services.reports.tables import ReportsTable
from services.reports.targets import Targets
from services.reports.visits import Visits
from shared.clients.calendar import CalendarClient
from shared.clients.indicators import IndicatorsClient
from shared.clients.ingest import IngestClient
from shared.clients.lists import ListsClient
from shared.clients.notify import NotifyClient
from shared.platform import Platform
from shared.service import Service

# Names are kept a thousand at a time: a register arrives whole.
_BATCH = 1_000


def build(platform: Platform) -> Service:
    """The service, with everything it needs taken from the platform."""
    settings = platform.settings
    indicators = IndicatorsClient(platform.client("indicators"))
    targets = Targets(platform.client("ingest"))
    rendering = Pages(settings.zone, {"en": settings.demo_notice, "ur": settings.demo_notice_ur})
    calendar = CalendarClient(platform.client("ingest"))
    cards = Cards(
        indicators, targets, calendar, platform.cache, rendering, platform.clock, settings
    )
    tables = ReportsTable.metadata
    database = platform.database("reports", tables)
    finder = Finder(database, cards.today)
    home = Home(indicators, targets, cards, platform.cache, rendering, finder)
    ingest = IngestClient(platform.client("ingest"))
    visits = Visits(ingest, platform.access, cards)
    browser = Register(indicators, ingest, cards, finder, platform.clock)
    register = platform.consumer(
        "reports.registry", ["rtsm.registry"], database, project, batch=_BATCH
    )
    sign_in = SignIn(
        database,
        NotifyClient(platform.client("notify")),
        platform.access,
        platform.clock,
        settings.zone,
    )
    secure = (settings.public_url or "").startswith("https://")
    router = APIRouter()
    for part in (
        comparison_pages.router(Comparisons(indicators, targets, cards), rendering),
        routes.router(cards, rendering),
        pages.router(home, rendering),
        work_pages.router(visits, finder, rendering),
        import_pages.router(ingest, rendering),
        list_pages.router(
            list_pages.Lists(ListsClient(platform.client("indicators")), cards), rendering
        ),
        seal_pages.router(seal_pages.Seals(indicators, cards), rendering),
        register_pages.router(browser, Schools(ingest, cards, visits), rendering),
        sessions.router(sessions.Door(rendering, platform.access, sign_in, secure)),
    ):
        router.routes.extend(part.routes)

    async def trouble() -> str | None:
        return register.trouble

    return Service(
        name="reports",
        router=router,
        tables=tables,
        consumers=[register],
        tasks=[sign_in.run],
        drains=[sign_in.drain],
        on_start=[sign_in.take_secret],
        checks={"register": trouble},
        problem_page=pages.problem_page(rendering),
    )
