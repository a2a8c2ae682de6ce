"""The home page: search results, a level's units, and the top of the tree with its figures.

Owns what stands on it and its cache; finding is left to `finder`, rendering to `formats.html`.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import date

from services.reports.card import Gathered, assemble
from services.reports.cards import Cards
from services.reports.figures import Place
from services.reports.finder import Branch, Finder, Found
from services.reports.formats.html import Pages, desk_of, has_signed_in
from services.reports.formats.links import card_link
from services.reports.formats.view import Row, card_view
from services.reports.reading import figure_set, read_catalogue
from services.reports.targets import Targets
from services.reports.texts import LANGUAGES
from shared.access import ANONYMOUS, Principal
from shared.cache import Cache
from shared.clients.indicators import IndicatorsClient
from shared.errors import Problem

_KEEP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Top:
    """A unit at the top of the caller's tree, with its figures and what lies below."""

    place: Place
    first: date
    last: date
    as_of: str
    visits: int
    rows: tuple[Row, ...]
    branches: list[Branch]


class Home:
    """Makes the home page."""

    def __init__(
        self,
        indicators: IndicatorsClient,
        targets: Targets,
        cards: Cards,
        cache: Cache,
        pages: Pages,
        finder: Finder,
    ) -> None:
        self._indicators = indicators
        self._targets = targets
        self._cards = cards
        self._cache = cache
        self._pages = pages
        self._finder = finder

    async def page(
        self, lang: str, path: str, query: str, level: str, principal: Principal
    ) -> bytes:
        """The page; the plain one of callers without limits is cached by version."""
        if query or level or principal.units is not None:
            return await self._made(lang, path, query, level, principal)
        fresh, book, register = await asyncio.gather(
            self._indicators.version(), self._targets.read(), self._finder.version()
        )
        period = await self._cards.read_period(None)
        parts = (
            lang,
            fresh["version"],
            book.version,
            str(register),
            period.text,
            str(self._cards.today()),
            str(has_signed_in(principal)),
            *(name for name, _ in desk_of(principal)),
        )
        key = "home:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
        content = await self._cache.get(key)
        if content is None:
            content = await self._made(lang, path, query, level, principal)
            await self._cache.set(key, content, _KEEP_SECONDS)
        return content

    async def _made(
        self, lang: str, path: str, query: str, level: str, principal: Principal
    ) -> bytes:
        nothing = Found((), more=False)
        found = await self._finder.named(query, principal) if query else nothing
        listed = await self._finder.of_level(level, principal) if level else nothing
        tops: list[Top] = []
        if not query and not level:
            places = await self._finder.tops(principal)
            made = await asyncio.gather(*(self._top(place.unit_id, lang) for place in places))
            tops = [top for top in made if top is not None]
        return self._pages.render(
            "home.html",
            lang,
            path,
            # The page is kept for all who may do the same: it names nobody.
            principal=replace(principal, key_id=ANONYMOUS.key_id),
            signed_in=has_signed_in(principal),
            query=query,
            level=level,
            found=found.places,
            listed=listed.places,
            more=found.more or listed.more,
            tops=tops,
            levels=_levels(tops),
            link=lambda unit_id: card_link(unit_id, lang=lang),
        )

    async def _top(self, unit_id: str, lang: str) -> Top | None:
        """A unit with its figures; None for one that indicators does not know yet."""
        period = await self._cards.read_period(None)
        try:
            answer, branches, catalogue, book = await asyncio.gather(
                self._indicators.figures(unit_id, period.text),
                self._finder.branches(unit_id),
                self._indicators.catalogue(),
                self._targets.read(),
            )
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        own = figure_set(answer)
        card = assemble(
            Gathered(
                own=own,
                chain=(own.place,),
                parent=None,
                previous=None,
                siblings=(),
                children=(),
                trends={},
                targets=book.targets,
                catalogue=read_catalogue(catalogue),
            )
        )
        view = card_view(card, LANGUAGES[lang])
        return Top(
            place=own.place,
            first=own.first,
            last=own.last,
            as_of=self._pages.moment(own.as_of, lang),
            visits=own.visits,
            rows=(*view.flow, *view.stock),
            branches=branches,
        )


def _levels(tops: list[Top]) -> list[str]:
    """The levels that the tree on the page shows, from the top down."""
    seen: dict[str, None] = {}
    for top in tops:
        for branch in top.branches:
            seen[branch.place.level] = None
        for branch in top.branches:
            for place in branch.below:
                seen[place.level] = None
    return [level for level in seen if level != "school"]
