"""What the reports service is made of: cards and pages over the figures of indicators.

It keeps nothing: figures are asked from indicators, targets from ingest, rendered bytes lie in the
cache.
"""

from fastapi import APIRouter

from services.reports import pages, routes, sessions
from services.reports.cards import Cards
from services.reports.formats.html import Pages
from services.reports.home import Home
from services.reports.tables import ReportsTable
from services.reports.targets import Targets
from shared.clients.indicators import IndicatorsClient
from shared.platform import Platform
from shared.service import Service


def build(platform: Platform) -> Service:
    """The service, with everything it needs taken from the platform."""
    settings = platform.settings
    indicators = IndicatorsClient(platform.client("indicators"))
    targets = Targets(platform.client("ingest"))
    rendering = Pages(settings.zone, settings.demo_notice)
    cards = Cards(indicators, targets, platform.cache, rendering, platform.clock, settings)
    home = Home(indicators, targets, cards, platform.cache, rendering)
    secure = (settings.public_url or "").startswith("https://")
    router = APIRouter()
    for part in (
        routes.router(cards, rendering),
        pages.router(home, rendering),
        sessions.router(rendering, platform.access, secure=secure),
    ):
        router.routes.extend(part.routes)

    async def offer_problem_pages() -> None:
        # shared.web asks the application's state for this; only the platform holds the application.
        platform._app.state.render_problem = pages.problem_page(rendering)  # noqa: SLF001

    return Service(
        name="reports",
        router=router,
        tables=ReportsTable.metadata,
        on_start=[offer_problem_pages],
    )
