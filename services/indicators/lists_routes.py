"""Routes of the named lists: all of a unit with their sizes, and one of them as JSON or CSV.

Owns parameters and formats; what is on a list is `lists`' and `lists_answers`'.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.indicators import lists_answers
from services.indicators.asking import Question, question, read_known_at, read_number
from services.indicators.lists import MONTHS, MOST_MONTHS, NAMES, Lister
from services.indicators.parameters import CursorOf, EndingOf, KnownAtOf, ViewOf
from services.indicators.replies import cursor as made_cursor
from services.indicators.replies import lag, read_cursor, reply, tag, unchanged
from services.indicators.sending import Patience, PieceByPiece, Pieces, Places
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.unit_routes import Reader
from shared.access import Principal
from shared.clients.list_answers import ListAnswer, ListName, ListSizes
from shared.errors import invalid

_CSV = "text/csv"
_PERIOD = "last-30-days"
_CSV_TOO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The list", "content": {_CSV: {"schema": {"type": "string"}}}},
}


class _Asked:
    """The day that a list is about, and how schools are placed."""

    def __init__(
        self,
        period: Annotated[
            str | None,
            Query(description="the list is about its last day, or today; default last-30-days"),
        ] = None,
        ending: EndingOf = None,
        view: ViewOf = None,
        known_at: KnownAtOf = None,
        months: Annotated[
            str | None,
            Query(description=f"of not_visited: months without a visit, default {MONTHS}"),
        ] = None,
    ) -> None:
        self.months = months
        self.known_at = read_known_at(known_at)
        self.periods = (period,)
        self._asked = (period or _PERIOD, ending, view)

    def question(self, snapshot: Snapshot) -> Question:
        """The question, checked; raises Problem 422."""
        return question(snapshot.today, *self._asked, years=snapshot.years)

    def lister(self, name: ListName, asked: Question, look_back: int) -> Lister:
        """One list, checked; raises Problem 422."""
        months = read_number(self.months, "/query/months", MONTHS, MOST_MONTHS)
        return Lister(name, asked.span.state_on, look_back, months)


Asked = Annotated[_Asked, Depends()]


def add_lists(router: APIRouter, snapshots: Snapshots, places: Places, patience: Patience) -> None:
    """Add the routes of the named lists."""

    @router.get("/v1/units/{unit_id:segment}/lists", response_model=ListSizes)
    async def lists(request: Request, principal: Reader, unit_id: str, asked: Asked) -> Response:
        """The named lists of a unit, each with its size."""
        opened = snapshots.open(asked.known_at, asked.periods, from_visits=True)
        async with opened as snapshot:
            place = await snapshot.find(unit_id, principal)
            wanted = asked.question(snapshot)
            listers = [asked.lister(name, wanted, snapshot.look_back) for name in NAMES]
            if (same := unchanged(request, snapshot)) is not None:
                return same
            document = await lists_answers.sizes(snapshot, place, wanted, listers)
            return reply(request, snapshot, document)

    @router.get(
        "/v1/units/{unit_id:segment}/lists/{list_name}",
        response_model=ListAnswer,
        responses=_CSV_TOO,
    )
    async def one_list(
        request: Request,
        principal: Reader,
        unit_id: str,
        list_name: str,
        asked: Asked,
        file_format: Annotated[
            str | None, Query(alias="format", description="json (default, or by Accept) or csv")
        ] = None,
        limit: Annotated[str | None, Query(description="1 to 1,000 a page, default 200")] = None,
        cursor: CursorOf = None,
    ) -> Response:
        """The schools on one list, unit by unit, with the visits that put them there; CSV has all.

        Units and codes come in order with numbers as numbers.
        """
        name = _name(list_name)
        if asked.months is not None and name != "not_visited":
            raise invalid("/query/months", "invalid_months", "Only not_visited asks for months.")
        most = read_number(limit, "/query/limit", 200, 1000)
        after = read_cursor(cursor)
        as_csv = _as_csv(file_format, request.headers.get("accept", ""))
        if as_csv:
            places.admit(bulk=False)
        opened = snapshots.open(asked.known_at, asked.periods, from_visits=not as_csv)
        async with opened as snapshot:
            place = await snapshot.find(unit_id, principal)
            wanted = asked.question(snapshot)
            lister = asked.lister(name, wanted, snapshot.look_back)
            if (same := unchanged(request, snapshot)) is not None:
                return same
            if not as_csv:
                found = await lists_answers.found(snapshot, place, wanted, lister)
                document = await lists_answers.answer(snapshot, place, wanted, found, after, most)
                following = None if document["next"] is None else made_cursor(document["next"])
                return reply(request, snapshot, document | {"next": following}, following=following)
            headers = {
                "ETag": tag(request, snapshot),
                **lag(snapshot),
                "Cache-Control": "private, no-cache",
                "Vary": "Accept",
                "Content-Disposition": f'attachment; filename="{name}.csv"',
            }

        def pieces() -> Pieces:
            return _csv(snapshots, places, unit_id, principal, asked, name)

        return PieceByPiece(pieces, f"{_CSV}; charset=utf-8", headers, patience)


@asynccontextmanager
async def _csv(
    snapshots: Snapshots,
    places: Places,
    unit_id: str,
    principal: Principal,
    asked: _Asked,
    name: ListName,
) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """A list as CSV, from a snapshot that is open as long as it is sent."""
    opened = snapshots.open(asked.known_at, asked.periods, own_place=True)
    with places.taken(bulk=False):
        async with opened as snapshot:
            place: Place = await snapshot.find(unit_id, principal)
            wanted = asked.question(snapshot)
            lister = asked.lister(name, wanted, snapshot.look_back)
            found = await lists_answers.found(snapshot, place, wanted, lister)
            yield lists_answers.csv_pieces(snapshot, found)


def _name(text: str) -> ListName:
    if text not in NAMES:
        detail = f"There is no such list: they are {', '.join(NAMES)}."
        raise invalid("/path/list_name", "unknown_list", detail)
    return text


def _as_csv(asked: str | None, accept: str) -> bool:
    if asked is not None:
        if asked not in {"json", "csv"}:
            raise invalid("/query/format", "unknown_format", "A list comes as json or csv.")
        return asked == "csv"
    return accept.partition(";")[0].strip().lower() == _CSV
