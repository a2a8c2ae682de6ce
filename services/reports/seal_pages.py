"""The page where somebody who holds a printed card finds out what it is worth: `/check`.

Owns the reading of the line at a card's foot, however it was typed, and what the page shows. The
judgement, and the figures beside it, are the indicators service's.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from services.reports.cards import Cards
from services.reports.formats.html import Pages
from services.reports.numbers import count, percent
from services.reports.pages import HTML, page_lang
from services.reports.register_pages import Reader
from shared.access import Principal
from shared.clients.figure_answers import Catalogue, Figure, SealCheck, View
from shared.clients.indicators import IndicatorsClient
from shared.domain.codes import canonical_unit

_LONGEST = 600
_INVISIBLE = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
_BETWEEN = r"[\s·•|,;*]+"
_LINE = re.compile(
    r"(?P<unit>\S.*?)" + _BETWEEN + r"(?P<days>\d{4}-\d\d-\d\d\s*\.\.\s*\d{4}-\d\d-\d\d)"
    # A line without a view is one of the usual view, as the command line takes it.
    rf"(?:{_BETWEEN}(?P<view>as[_ ]was|restated))?"
    rf"{_BETWEEN}(?P<known_at>\d{{4}}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    rf"{_BETWEEN}(?P<seal>[A-Z0-9][A-Z0-9\s–-]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """The parts of a card's check line."""

    unit_id: str
    days: str
    view: View
    known_at: str
    seal: str


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as it was known then: its names by language and what the sheet should say."""

    names: dict[str, str]
    text: str
    part: str
    whole: str | None
    visits: int


def read_line(text: str) -> Line | None:
    """The parts of a line as it stands on a card or was typed from it; None when it is none.

    The words before the first colon and space are the card's, and may be left out.
    """
    plain = _INVISIBLE.sub("", text).strip()
    found = _LINE.fullmatch(plain.partition(": ")[2].strip() or plain)
    if found is None:
        return None
    return Line(
        unit_id=canonical_unit(found["unit"]),
        days=re.sub(r"\s", "", found["days"]),
        view="restated" if (found["view"] or "").lower() == "restated" else "as_was",
        known_at=found["known_at"].upper(),
        seal=found["seal"].strip(),
    )


class Seals:
    """Asks what a line is worth."""

    def __init__(self, indicators: IndicatorsClient, cards: Cards) -> None:
        self._indicators = indicators
        self._cards = cards

    async def checked(self, line: Line, principal: Principal) -> tuple[SealCheck, list[Row]]:
        """The verdict and the figures of then; raises Problem 404 outside the caller's units."""
        unit = await self._cards.unit_for(line.unit_id, principal)
        found, catalogue = await asyncio.gather(
            self._indicators.check_seal(
                unit["unit_id"], line.days, view=line.view, known_at=line.known_at, seal=line.seal
            ),
            self._indicators.catalogue(),
        )
        return found, _rows(found, catalogue)


def _rows(found: SealCheck, catalogue: Catalogue) -> list[Row]:
    """The totals that say something, in the order of the catalogue."""
    names = {each["code"]: dict(each["labels"]) for each in catalogue["indicators"]}
    return [
        Row(
            names=names.get(figure["indicator"], {"en": figure["indicator"]}),
            text=_text(figure),
            part=count(figure["numerator"]),
            whole=None if figure["denominator"] is None else count(figure["denominator"]),
            visits=figure["visits"],
        )
        for figure in found["figures"]
        if figure["split"] is None and (figure["visits"] or figure["denominator"])
    ]


def _text(figure: Figure) -> str:
    if figure["denominator"] is None:
        return count(figure["numerator"])
    whole = figure["denominator"]
    return percent(Fraction(figure["numerator"], whole) if whole else None)


def router(seals: Seals, pages: Pages) -> APIRouter:
    """`/check`."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    @routes.get("/check")
    async def check_page(
        request: Request,
        principal: Reader,
        line: Annotated[str | None, Query(max_length=_LONGEST)] = None,
    ) -> Response:
        """Where a card's check line is typed, and what it is worth."""
        typed = (line or "").strip()
        read = read_line(typed) if typed else None
        found, rows = (None, []) if read is None else await seals.checked(read, principal)
        content = pages.render(
            "check.html",
            page_lang(request),
            "/check" + (f"?{urlencode({'line': typed})}" if typed else ""),
            principal=principal,
            typed=typed,
            read=read,
            found=found,
            rows=rows,
            first=None if found is None else date.fromisoformat(found["first"]),
            last=None if found is None else date.fromisoformat(found["last"]),
            longest=_LONGEST,
        )
        return Response(content, media_type=HTML, headers={"Cache-Control": "no-store"})

    return routes
