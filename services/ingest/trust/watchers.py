"""What keeps the trust signals: consumers of visits and of the register, and a sweep by calendar.

Owns their names and sizes. All write where the ledger is, so their batches are small enough that
a visit that is being posted never waits long for one.
"""

import time
from dataclasses import dataclass

from services.ingest.drafts import Drafter
from services.ingest.load import Load
from services.ingest.trust.fold import Fold
from services.ingest.trust.rest import Rest
from services.ingest.trust.sweep import Sweep
from shared.db.engine import Database
from shared.journal.consumer import Consumer
from shared.platform import Platform

_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Watchers:
    """The consumers, and the sweep that runs beside them."""

    consumers: list[Consumer]
    sweep: Sweep


def watchers(platform: Platform, database: Database, drafter: Drafter, load: Load) -> Watchers:
    """All that keeps the signals; `load` tells when to stand back."""
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
    return Watchers(consumers, Sweep(database, drafter, fold, Rest(load, time.monotonic)))
