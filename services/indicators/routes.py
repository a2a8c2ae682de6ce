"""The service's routes.

Figures and lists are their modules'; here is what other services ask: whether a write is in.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.indicators import read_store
from services.indicators.asking import read_number
from services.indicators.bulk_routes import add_bulk
from services.indicators.change_routes import add_changes
from services.indicators.figure_routes import add_figures
from services.indicators.lists_routes import add_lists
from services.indicators.seal_keys import Sealer
from services.indicators.seal_routes import add_seals
from services.indicators.sending import Patience, Places
from services.indicators.snapshots import Snapshots
from services.indicators.stream import Stream
from services.indicators.stream_routes import add_stream
from services.indicators.unit_routes import add_units
from shared.access import Principal
from shared.clients.figure_answers import Applied
from shared.db.engine import Database
from shared.errors import invalid
from shared.security import require
from shared.settings import Sending

_MOST = 2**31 - 1


def routes(
    snapshots: Snapshots, database: Database, sealer: Sealer, stream: Stream, sending: Sending
) -> APIRouter:
    """All routes of indicators."""
    router = APIRouter(tags=["indicators"])
    places = Places()
    patience = Patience(sending.stall_seconds, sending.whole_seconds)
    endless = Patience(sending.stall_seconds, None)
    add_figures(router, snapshots, sealer)
    add_seals(router, snapshots, sealer)
    add_changes(router, snapshots)
    add_units(router, snapshots)
    add_lists(router, snapshots, places, patience)
    add_bulk(router, snapshots, places, patience)
    add_stream(router, snapshots, stream, endless)
    _add_applied(router, database)
    return router


def _add_applied(router: APIRouter, database: Database) -> None:
    @router.get("/v1/applied", response_model=Applied)
    async def applied(
        _: Annotated[Principal, Depends(require("visits:read"))],
        source: Annotated[str | None, Query(description="of the visit")] = None,
        visit_id: Annotated[str | None, Query(description="the visit's id")] = None,
        revision: Annotated[str | None, Query(description="its revision, default 1")] = None,
        registry_version: Annotated[
            str | None, Query(description="instead of a visit: a version of the register")
        ] = None,
    ) -> Any:
        """Whether a visit's revision (or a newer one), or a register version, is in the figures."""
        async with database.reading() as tx:
            if registry_version is not None:
                version = read_number(registry_version, "/query/registry_version", 1, 2**53)
                return {"applied": await read_store.register_version(tx) >= version}
            if not source or not visit_id:
                raise invalid("/query/visit_id", "missing", "Name source and visit_id.")
            wanted = read_number(revision, "/query/revision", 1, _MOST)
            if "\0" in source + visit_id:
                return {"applied": False}
            held = await read_store.revision_of(tx, source, visit_id.lower())
            return {"applied": held is not None and held >= wanted}
