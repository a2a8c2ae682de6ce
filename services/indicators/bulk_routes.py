"""Routes of the bulk reads: all figures, or all visits, of a unit and a period in one answer.

Owns parameters, formats, and who may read whose visits. What is read is `bulk`'s and
`bulk_figures`', how it is sent `sending`'s.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from services.indicators.asking import By, Question, read_by, read_flag, read_number
from services.indicators.bulk import VISIT_COLUMNS, Batch, Column, visits
from services.indicators.bulk_figures import FIGURE_COLUMNS, Reach, figures
from services.indicators.bulk_formats import MEDIA, writer
from services.indicators.parameters import Asked, Parameters
from services.indicators.replies import known_by, lag, periods_of
from services.indicators.sending import Patience, PieceByPiece, Places
from services.indicators.snapshots import Place, Snapshot, Snapshots
from services.indicators.unit_routes import Reader
from shared.access import Principal
from shared.errors import invalid
from shared.security import require

_LOG = structlog.get_logger("rtsm.bulk")
_DEEPEST = 9
VisitReader = Annotated[Principal, Depends(require("visits:read"))]
FormatOf = Annotated[
    str | None, Query(alias="format", description="ndjson (default, or by Accept), csv or parquet")
]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, as they are made",
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in (
                ("As-Of", "every visit recorded by then is in"),
                ("Lag-Seconds", "how long before the answer that was"),
                ("Figures-Version", "the version of the figures"),
            )
        },
        "content": {
            media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA.values()
        },
    }
}
Read = Callable[[Snapshot, Place, Question], AsyncGenerator[Batch, None]]


@dataclass(frozen=True, slots=True)
class Bulk:
    """One bulk read: what is read of what, by whom, in which format."""

    kind: str
    unit_id: str
    principal: Principal
    form: str
    columns: Sequence[Column]
    read: Read
    asked: Asked
    known_at: int | None
    periods: tuple[str | None, ...]


@dataclass(slots=True)
class Desk:
    """Answers bulk reads, a few at a time: each holds a connection to the database."""

    snapshots: Snapshots
    places: Places
    patience: Patience

    async def answer(self, bulk: Bulk) -> Response:
        """The answer to a bulk read, checked before anything is sent."""
        self.places.admit(bulk=True)
        async with self.snapshots.open(bulk.known_at, bulk.periods) as snapshot:
            await snapshot.find(bulk.unit_id, bulk.principal)
            bulk.asked.question(snapshot)
            fresh = lag(snapshot)
        headers = {
            **fresh,
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Disposition": f'attachment; filename="{bulk.kind}.{bulk.form}"',
        }
        pieces = partial(self._pieces, bulk)
        return PieceByPiece(pieces, MEDIA[bulk.form], headers, self.patience)

    @asynccontextmanager
    async def _pieces(self, bulk: Bulk) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        # Unit after unit is asked for: what the country recorded since would be read as often.
        opened = self.snapshots.open(
            bulk.known_at, bulk.periods, own_place=True, without_cells=True
        )
        with self.places.taken(bulk=True):
            async with opened as snapshot:
                place = await snapshot.find(bulk.unit_id, bulk.principal)
                question = bulk.asked.question(snapshot)
                about = {"unit": bulk.unit_id, "period": question.period.text}
                about |= {name: str(value) for name, value in snapshot.freshness().items()}
                async with aclosing(bulk.read(snapshot, place, question)) as batches:
                    yield _written(bulk, batches, about)


async def _written(
    bulk: Bulk, batches: AsyncIterator[Batch], about: dict[str, str]
) -> AsyncGenerator[bytes, None]:
    made = await asyncio.to_thread(writer, bulk.form, bulk.columns, about)
    rows = 0
    async for batch in batches:
        rows += batch.rows
        if piece := await asyncio.to_thread(made.batch, batch):
            yield piece
    if piece := await asyncio.to_thread(made.end):
        yield piece
    _LOG.info(
        "bulk read",
        key=bulk.principal.key_id,
        what=bulk.kind,
        unit=bulk.unit_id,
        period=about["period"],
        rows=rows,
    )


def add_bulk(router: APIRouter, snapshots: Snapshots, places: Places, patience: Patience) -> None:
    """Add the routes of bulk reads."""
    desk = Desk(snapshots, places, patience)

    @router.get(
        "/v1/units/{unit_id:segment}/bulk/figures", responses=_ANSWERS, response_class=Response
    )
    async def bulk_figures(
        request: Request,
        principal: Reader,
        unit_id: str,
        asked: Parameters,
        by: Annotated[
            str | None, Query(description="month, quarter or year; default the whole period")
        ] = None,
        depth: Annotated[str | None, Query(description="levels below, 1 to 9, default all")] = None,
        schools: Annotated[
            str | None, Query(description="true for a cluster's schools too, default false")
        ] = None,
        file_format: FormatOf = None,
    ) -> Response:
        """All figures of a unit and of all units below it, a row each, as NDJSON, CSV, Parquet."""
        pieces_by: By | None = None if by is None else read_by(by)
        reach = Reach(
            read_number(depth, "/query/depth", _DEEPEST, _DEEPEST),
            read_flag(schools, "/query/schools"),
        )

        def read(
            snapshot: Snapshot, place: Place, question: Question
        ) -> AsyncGenerator[Batch, None]:
            return figures(snapshot, place, question, pieces_by, reach)

        bulk = Bulk(
            "figures",
            unit_id,
            principal,
            _form(file_format, request),
            FIGURE_COLUMNS,
            read,
            asked,
            known_by(request),
            periods_of(request),
        )
        return await desk.answer(bulk)

    @router.get(
        "/v1/units/{unit_id:segment}/bulk/visits", responses=_ANSWERS, response_class=Response
    )
    async def bulk_visits(
        request: Request,
        principal: VisitReader,
        unit_id: str,
        asked: Parameters,
        file_format: FormatOf = None,
    ) -> Response:
        """All visits of a unit and a period with what they measured, and whether they count.

        A key sees the visits of its own source; one that reviews, or is an admin's, those of all.
        """
        everybody = principal.has("visits:review")
        source = None if everybody else principal.source

        def read(
            snapshot: Snapshot, place: Place, question: Question
        ) -> AsyncGenerator[Batch, None]:
            return visits(snapshot, place, question, source)

        bulk = Bulk(
            "visits",
            unit_id,
            principal,
            _form(file_format, request),
            VISIT_COLUMNS,
            read,
            asked,
            known_by(request),
            periods_of(request),
        )
        return await desk.answer(bulk)


def _form(asked: str | None, request: Request) -> str:
    if asked is not None:
        if asked not in MEDIA:
            detail = "A bulk read comes as ndjson, csv or parquet."
            raise invalid("/query/format", "unknown_format", detail)
        return asked
    accept = request.headers.get("accept", "").partition(";")[0].strip().lower()
    named = (form for form, media in MEDIA.items() if media.partition(";")[0] == accept)
    return next(named, "ndjson")
