"""The page of one indicator in depth: `/units/{unit_id}/indicators/{indicator}`.

Owns query parameters and what the template is given; what is compared is `comparison`'s.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.reports.beside import Comparison
from services.reports.comparison import Comparisons, Wanted
from services.reports.formats.comparison import comparison_view
from services.reports.formats.html import Pages
from services.reports.formats.links import card_link, comparison_link
from services.reports.listening import LISTENING, Heard, of_comparison
from services.reports.negotiation import FORMS, lang_of
from services.reports.routes import view_of
from services.reports.texts import LANGUAGES
from shared.access import Principal
from shared.domain.codes import canonical_unit
from shared.queries import read_instant
from shared.security import require

Text = Annotated[str | None, Query(max_length=100)]


def router(comparisons: Comparisons, pages: Pages) -> APIRouter:
    """The route of the page; it must stand before the one of a unit's card."""
    routes = APIRouter(tags=["pages"], include_in_schema=False)

    @routes.get("/units/{unit_id:segments}/indicators/{indicator}")
    async def comparison_page(
        request: Request,
        principal: Annotated[Principal, Depends(require("cards:read"))],
        unit_id: str,
        indicator: str,
        period: Text = None,
        ending: Text = None,
        view: Text = None,
        known_at: Text = None,
        lang: Text = None,
    ) -> Response:
        """An indicator beside its past, its parent, its siblings and its target."""
        wanted = Wanted(
            unit_id=canonical_unit(unit_id),
            indicator=indicator,
            period=period or None,
            ending=ending or None,
            view=view_of(view),
            known_at=read_instant(known_at or None, "/query/known_at"),
        )
        language = lang_of(lang, request.headers.get("accept-language", ""))
        found = await comparisons.of(wanted, principal)
        heard = of_comparison(found, comparisons.look_back)
        content = _rendered(found, heard, pages, language, principal)
        headers = {"Vary": "Accept-Language, Authorization, Cookie", "Cache-Control": "no-cache"}
        if heard is not None:
            headers["Content-Security-Policy"] = LISTENING
        return Response(content, media_type=FORMS["html"], headers=headers)

    return routes


def _rendered(
    found: Comparison, heard: Heard | None, pages: Pages, lang: str, principal: Principal
) -> bytes:
    window, texts = found.window, LANGUAGES[lang]
    asked = {
        "period": window["period"],
        "ending": window["last"] if window["period"].startswith("last-") else "",
        "view": window["view"] if window["view"] != "as_was" else "",
        "known_at": window["known_at"] or "",
    }
    code = found.indicator.code
    return pages.render(
        "comparison.html",
        lang,
        comparison_link(window["unit"], code, **asked),
        principal=principal,
        v=comparison_view(found, texts),
        heard=heard,
        chain=found.chain,
        place=found.chain[0],
        as_of=pages.moment(window["as_of"], lang),
        known_at=pages.moment(window["known_at"], lang) if window["known_at"] else None,
        now_link=comparison_link(window["unit"], code, **asked | {"known_at": ""}, lang=lang),
        resemblance=window["resemblance"],
        resemblance_day=date.fromisoformat(window["resemblance"] or "1970-01-01"),
        restated=window["view"] == "restated",
        card=card_link(window["unit"], **asked, lang=lang),
        link=lambda unit_id: comparison_link(unit_id, code, **asked, lang=lang),
    )
