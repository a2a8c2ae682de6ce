"""The consumers that keep the trust signals: one of visits, one of the register.

Owns their names and sizes. Both write where the ledger is, so their batches are small enough that
a visit that is being posted never waits long for one.
"""

import time

from services.ingest.drafts import Drafter
from services.ingest.load import Load
from services.ingest.trust.fold import Fold
from services.ingest.trust.rest import Rest
from shared.db.engine import Database
from shared.journal.consumer import Consumer
from shared.platform import Platform

_AT_ONCE = 200


def watchers(
    platform: Platform, database: Database, drafter: Drafter, load: Load
) -> list[Consumer]:
    """The consumers of visits and of the register; `load` tells when to stand back."""
    fold = Fold(drafter)
    topics = {"rtsm.visits": fold.visits, "rtsm.registry": fold.registry}
    consumers = []
    for topic, handle in topics.items():
        rest = Rest(load, time.monotonic)
        consumers.append(
            platform.consumer(
                f"trust.{topic.partition('.')[2]}",
                [topic],
                database,
                rest.timed(handle),
                batch=_AT_ONCE,
                after_commit=rest.after,
            )
        )
    return consumers
