"""A thin client of the indicators service.

Answers are plain dictionaries as they came, typed by `figure_answers`; a refusal is raised as the
Problem that it is. Which process answers is the platform's business.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, Literal
from urllib.parse import quote

import httpx
import msgspec

from shared.clients.change_answers import AllChanges
from shared.clients.figure_answers import (
    AllSeries,
    AsOf,
    Catalogue,
    Children,
    ChildrenAnswer,
    ChildrenFigures,
    FiguresAnswer,
    School,
    Schools,
    SealCheck,
    UnitDetail,
    Units,
    View,
)
from shared.errors import FieldError, Problem

_MOST_SCHOOLS = 2_000
_LOOKING_BACK = httpx.Timeout(300.0, connect=2.0)


def refusal(answer: httpx.Response) -> Problem:
    """The Problem in an answer that is none of 2xx."""
    try:
        document: dict[str, Any] = msgspec.json.decode(answer.content)
        code = str(document["type"]).rpartition("/")[2]
        errors = [
            FieldError(str(e["pointer"]), str(e["code"]), str(e["detail"]))
            for e in document.get("errors", [])
        ]
        return Problem(answer.status_code, code, str(document["detail"]), errors=errors)
    except (msgspec.DecodeError, KeyError, TypeError):
        return Problem(502, "bad_answer", "A service gave an answer that makes no sense.")


class IndicatorsClient:
    """Asks the indicators service over an httpx client (`platform.client("indicators")`)."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def _get(self, path: str, params: Mapping[str, object | None]) -> Any:
        return msgspec.json.decode((await self._ask(path, params)).content)

    async def _ask(self, path: str, params: Mapping[str, object | None]) -> httpx.Response:
        asked = {name: str(value) for name, value in params.items() if value is not None}
        # What was known at an instant is computed from visits: a country's take their time.
        patience: Any = _LOOKING_BACK if "known_at" in asked else httpx.USE_CLIENT_DEFAULT
        try:
            answer = await self._client.get(path, params=asked, timeout=patience)
        except httpx.HTTPError as error:
            detail = "The indicators service does not answer."
            raise Problem(503, "indicators_away", detail, headers={"Retry-After": "1"}) from error
        if not answer.is_success:
            raise refusal(answer)
        return answer

    async def catalogue(self) -> Catalogue:
        """All indicators with labels and definitions."""
        found: Catalogue = await self._get("/v1/indicators", {})
        return found

    async def units(self, *, q: str | None = None, level: str | None = None) -> Units:
        """Units by part of a name and by level (first page)."""
        found: Units = await self._get("/v1/search", {"q": q, "level": level})
        return found

    async def unit(self, unit_id: str, *, known_at: str | None = None) -> UnitDetail:
        """One unit, by what was known at an instant (RFC 3339) or now; raises Problem 404."""
        found: UnitDetail = await self._get(_unit(unit_id), {"known_at": known_at})
        return found

    async def children(self, unit_id: str) -> Children:
        """The units directly under a unit."""
        found: Children = await self._get(f"{_unit(unit_id)}/children", {})
        return found

    async def every_school(self, unit_id: str) -> AsyncIterator[School]:
        """All schools under a unit today, by code, asked page by page."""
        cursor: str | None = None
        while True:
            answer = await self._ask(
                f"{_unit(unit_id)}/schools", {"limit": _MOST_SCHOOLS, "cursor": cursor}
            )
            page: Schools = msgspec.json.decode(answer.content)
            for school in page["schools"]:
                yield school
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            cursor = httpx.URL(following).params["cursor"]

    async def figures(
        self,
        unit_id: str,
        period: str,
        *,
        ending: date | None = None,
        view: View = "as_was",
        confidence: float | None = None,
        since: str | None = None,
        received_until: str | None = None,
        indicators: str | None = None,
        split_by: str | None = None,
        known_at: str | None = None,
    ) -> FiguresAnswer:
        """All figures of a unit over a period, or those named; times are RFC 3339."""
        found: FiguresAnswer = await self._get(
            f"{_unit(unit_id)}/figures",
            {
                "period": period,
                "ending": ending,
                "view": view,
                "confidence": confidence,
                "since": since,
                "received_until": received_until,
                "indicators": indicators,
                "split_by": split_by,
                "known_at": known_at,
            },
        )
        return found

    async def check_seal(
        self, unit_id: str, period: str, *, view: View, known_at: str, seal: str
    ) -> SealCheck:
        """What a printed seal is worth, with the figures as known at its instant (RFC 3339)."""
        found: SealCheck = await self._get(
            f"{_unit(unit_id)}/seal",
            {"period": period, "view": view, "known_at": known_at, "seal": seal},
        )
        return found

    async def children_figures(
        self,
        unit_id: str,
        period: str,
        *,
        ending: date | None = None,
        view: View = "as_was",
        depth: int = 1,
        splits: Literal["all", "totals"] = "all",
        known_at: str | None = None,
        seal: bool = False,
    ) -> ChildrenFigures:
        """All figures of a unit and, down to `depth` levels, of those below it, in one answer.

        `seal` asks for a seal of the unit's own figures.
        """
        found: ChildrenFigures = await self._get(
            f"{_unit(unit_id)}/children/figures",
            {
                "period": period,
                "ending": ending,
                "view": view,
                "depth": depth,
                "splits": splits,
                "known_at": known_at,
                "seal": "true" if seal else None,
            },
        )
        return found

    async def all_series(
        self,
        unit_id: str,
        period: str,
        *,
        ending: date | None = None,
        view: View = "as_was",
        by: Literal["month", "quarter", "year", "school-year"] = "month",
        splits: Literal["all", "totals"] = "totals",
        known_at: str | None = None,
    ) -> AllSeries:
        """All indicators of a unit over the months (quarters, years) of a period."""
        found: AllSeries = await self._get(
            f"{_unit(unit_id)}/series",
            {
                "period": period,
                "ending": ending,
                "view": view,
                "by": by,
                "splits": splits,
                "known_at": known_at,
            },
        )
        return found

    async def ranked(
        self,
        unit_id: str,
        indicator: str,
        period: str,
        *,
        ending: date | None = None,
        view: View = "as_was",
        split: str | None = None,
        known_at: str | None = None,
    ) -> ChildrenAnswer:
        """One indicator of the units directly under a unit, with ranks."""
        found: ChildrenAnswer = await self._get(
            f"{_unit(unit_id)}/figures/{quote(indicator, safe='')}/children",
            {
                "period": period,
                "ending": ending,
                "view": view,
                "split": split,
                "rank": "true",
                "known_at": known_at,
            },
        )
        return found

    async def changes(
        self,
        unit_id: str,
        period: str,
        *,
        against: str = "previous",
        ending: date | None = None,
        view: View = "as_was",
        most_visits: int | None = None,
        indicators: str | None = None,
        known_at: str | None = None,
    ) -> AllChanges:
        """The changes of all totals, or of those named, split into same schools and the rest."""
        found: AllChanges = await self._get(
            f"{_unit(unit_id)}/change",
            {
                "period": period,
                "against": against,
                "ending": ending,
                "view": view,
                "most_visits": most_visits,
                "indicators": indicators,
                "known_at": known_at,
            },
        )
        return found

    async def version(self) -> AsOf:
        """How fresh figures are, and the version that changes whenever any answer may."""
        found: AsOf = await self._get("/v1/figures/version", {})
        return found

    async def visit_applied(self, source: str, visit_id: str, revision: int) -> bool:
        """Whether this revision (or a newer one) of a visit is in the figures."""
        asked = {"source": source, "visit_id": visit_id, "revision": revision}
        return bool((await self._get("/v1/applied", asked))["applied"])

    async def register_applied(self, registry_version: int) -> bool:
        """Whether the register is applied up to this version."""
        asked = {"registry_version": registry_version}
        return bool((await self._get("/v1/applied", asked))["applied"])


def _unit(unit_id: str) -> str:
    return f"/v1/units/{quote(unit_id, safe='')}"
