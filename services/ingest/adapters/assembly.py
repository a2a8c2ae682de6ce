"""What the adapters are made of, put together for the ingest service.

Owns the wiring only.
"""

from dataclasses import dataclass

from fastapi import APIRouter

from services.ingest.adapters.applying import Applier
from services.ingest.adapters.declared import Adapters
from services.ingest.adapters.hooks import Hooks
from services.ingest.adapters.listing import Standing
from services.ingest.adapters.photos import Photos
from services.ingest.adapters.polling import Poller
from services.ingest.adapters.routes import AdapterParts, router
from services.ingest.adapters.workers import Parts, Workers
from services.ingest.changes import Changes
from services.ingest.committer import Committer
from services.ingest.drafts import Drafter
from shared.db.engine import Database

_LAST = (
    "SELECT max(at) FROM (SELECT max(seq) AS at FROM adapter_payloads "
    "UNION ALL SELECT max(version) AS at FROM adapter_submissions) AS latest"
)


@dataclass(frozen=True, slots=True)
class Partners:
    """The adapters as the ingest service takes them in."""

    router: APIRouter
    workers: Workers
    database: Database
    drafter: Drafter
    adapters: Adapters
    applier: Applier

    async def begin(self) -> None:
        """Give no time of receipt that was given before."""
        async with self.database.reading() as tx:
            row = await tx.fetch_one(_LAST)
        self.drafter.stamps.after(row[0] or 0)

    async def drain(self) -> int:
        """Apply what waits of every partner; how many submissions that were."""
        done = 0
        for adapter in await self.adapters.all():
            while step := await self.applier.step(adapter):
                done += step
        return done


def build_partners(
    database: Database,
    drafter: Drafter,
    committer: Committer,
    changes: Changes,
    patience: float = 60.0,
) -> Partners:
    """The adapters; `patience` is how many seconds a partner's server may take for an answer."""
    stamps = drafter.stamps
    adapters = Adapters(database, drafter)
    photos = Photos(database, stamps)
    applier = Applier(database, drafter, committer, changes, photos)
    workers = Workers(Parts(adapters, applier, Poller(database, stamps), photos, stamps, patience))
    routes = router(
        AdapterParts(
            adapters=adapters,
            standing=Standing(database, stamps),
            hooks=Hooks(database, adapters, stamps, workers, photos),
            workers=workers,
            drafter=drafter,
        )
    )
    return Partners(routes, workers, database, drafter, adapters, applier)
