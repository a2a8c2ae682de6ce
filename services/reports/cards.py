"""The answer to a request for a card: scope, version, cache, gathering, rendering.

Owns the cache's key and the ETag. The key holds everything that a card depends on (unit, period,
view, language, form, the version of all figures, of the targets, of the register and today's
date), so nothing is ever evicted for being wrong, and callers share what they may see.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import date

from services.reports.card import Gathered, assemble
from services.reports.formats.html import Pages, has_signed_in
from services.reports.formats.json import card_bytes
from services.reports.formats.view import Order
from services.reports.gather import EARLIEST, LATEST, Question, gather
from services.reports.targets import Targets
from shared.access import Principal
from shared.cache import Cache
from shared.clients import figure_answers as wire
from shared.clients.calendar import CalendarClient
from shared.clients.indicators import IndicatorsClient
from shared.clock import Clock, from_micros, rfc3339
from shared.domain.codes import canonical_unit
from shared.domain.days import today
from shared.domain.periods import Period, parse_day, parse_period
from shared.errors import Problem, invalid, not_found
from shared.settings import Settings

DEFAULT_PERIOD = "last-365-days"
# How long rendered bytes are kept: their as_of stays true, but need not grow old.
_KEEP_SECONDS = 300
_LAYOUT = "3"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a card as it came; `known_at` in microseconds."""

    unit_id: str
    period: str | None = None
    ending: str | None = None
    view: wire.View = "as_was"
    known_at: int | None = None
    lang: str = "en"
    form: str = "json"
    sort: str = "name"
    order: Order = "asc"


@dataclass(frozen=True, slots=True)
class Answer:
    """Rendered bytes (None: the caller has them already) and their ETag."""

    content: bytes | None
    etag: str


class Cards:
    """Answers requests for cards."""

    def __init__(
        self,
        indicators: IndicatorsClient,
        targets: Targets,
        calendar: CalendarClient,
        cache: Cache,
        pages: Pages,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._indicators = indicators
        self._targets = targets
        self._calendar = calendar
        self._cache = cache
        self._pages = pages
        self._clock = clock
        self._settings = settings

    def today(self) -> date:
        """The local date."""
        return today(self._clock.now(), self._settings.zone)

    @property
    def period(self) -> str:
        """The period of a card for which none is asked."""
        return self._settings.default_period or DEFAULT_PERIOD

    @property
    def look_back(self) -> int:
        """For how many days a stock's answer stands."""
        return self._settings.look_back_days

    async def read_period(
        self, text: str | None, ending: str | None = None, known_at: int | None = None
    ) -> Period:
        """The period asked for, else the default; raises Problem 422.

        Of what was known at an instant (microseconds), its day is today.
        """
        anchor = parse_day(ending, "/query/ending") if ending else None
        now = self.today() if known_at is None else self._day_of(known_at)
        asked = text or self.period
        years = await self._calendar.years_for([asked], known_at)
        period = parse_period(asked, now, anchor, years)
        if period.first < EARLIEST or period.last > LATEST:
            detail = f"A period lies between {EARLIEST.year} and {LATEST.year}."
            raise invalid("/query/period", "invalid_period", detail)
        return period

    def _day_of(self, instant: int) -> date:
        return today(from_micros(instant), self._settings.zone)

    async def unit_for(self, unit_id: str, principal: Principal) -> wire.UnitDetail:
        """The unit, if it lies within the caller's units; raises Problem 404 otherwise."""
        try:
            unit = await self._indicators.unit(unit_id)
        except Problem as problem:
            if problem.status != 404:
                raise
            # The very words of the other 404: what is absent and what is hidden look alike.
            raise not_found("unit") from problem
        if not within(principal, unit):
            raise not_found("unit")
        return unit

    async def answer(self, asked: Asked, principal: Principal, known: str | None) -> Answer:
        """The card, from the cache if it is there; `known` is the caller's If-None-Match.

        Raises Problem 404 outside the caller's units, 422 for a malformed period, 503 while
        figures cannot be had.
        """
        known_at = None if asked.known_at is None else rfc3339(asked.known_at)
        period = await self.read_period(asked.period, asked.ending, asked.known_at)
        # Who may see a unit is asked of today's tree, whatever was known when.
        unit = await self.unit_for(asked.unit_id, principal)
        fresh, book = await asyncio.gather(self._indicators.version(), self._targets.read(known_at))
        parts = (
            _LAYOUT,
            unit["unit_id"],
            period.text,
            period.first.isoformat(),
            period.last.isoformat(),
            str(period.years or ""),
            self.today().isoformat(),
            fresh["version"],
            book.version,
            asked.view,
            known_at or "",
            asked.form,
            asked.lang,
            *(_of_page(asked, principal) if asked.form == "html" else ()),
        )
        digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
        # Weak: the words as_of and lag_seconds of a card rendered later differ, its figures do not.
        etag = f'W/"{digest}"'
        if known is not None and matches(known, etag):
            return Answer(None, etag)
        key = f"card:{digest}"
        content = await self._cache.get(key)
        if content is None:
            if known_at is not None:
                unit = await self._indicators.unit(asked.unit_id, known_at=known_at)
            wanted = Question(unit, period, asked.view, known_at)
            gathered = await gather(self._indicators, wanted, book)
            # Some tens of milliseconds for a district of sixty clusters: not on the event loop.
            content = await asyncio.to_thread(self._rendered, gathered, asked, principal)
            await self._cache.set(key, content, _KEEP_SECONDS)
        return Answer(content, etag)

    def _rendered(self, gathered: Gathered, asked: Asked, principal: Principal) -> bytes:
        card = assemble(gathered)
        if asked.form == "json":
            return card_bytes(card, asked.lang)
        return self._pages.card(
            card,
            asked.lang,
            asked.sort,
            asked.order,
            asked.ending or "",
            signed_in=has_signed_in(principal),
        )


def _of_page(asked: Asked, principal: Principal) -> tuple[str, ...]:
    """What a page shows otherwise for some than for others."""
    return asked.sort, asked.order, asked.ending or "", str(has_signed_in(principal))


def within(principal: Principal, unit: wire.UnitDetail) -> bool:
    """Whether a unit is one of the caller's, or lies under one of them."""
    if principal.units is None:
        return True
    own = {unit["unit_id"], *(above["unit_id"] for above in unit["chain"])}
    return not {canonical_unit(held) for held in principal.units}.isdisjoint(
        {canonical_unit(unit_id) for unit_id in own}
    )


def matches(known: str, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag (compared weakly)."""
    offered = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in offered or etag.removeprefix("W/") in offered
