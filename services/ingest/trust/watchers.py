"""The consumers that keep the trust signals: one of visits, one of the register.

Owns their names and sizes. Both write where the ledger is, so their batches are small enough that
a visit that is being posted never waits long for one.
"""

from services.ingest.drafts import Drafter
from services.ingest.trust.fold import Fold
from shared.db.engine import Database
from shared.journal.consumer import Consumer
from shared.platform import Platform

_VISITS_AT_ONCE = 500
_RECORDS_AT_ONCE = 200


def watchers(platform: Platform, database: Database, drafter: Drafter) -> list[Consumer]:
    """The consumers of visits and of the register."""
    fold = Fold(drafter)
    return [
        platform.consumer(
            "trust.visits", ["rtsm.visits"], database, fold.visits, batch=_VISITS_AT_ONCE
        ),
        platform.consumer(
            "trust.registry", ["rtsm.registry"], database, fold.registry, batch=_RECORDS_AT_ONCE
        ),
    ]
