"""What the indicators service is made of: its tables, consumers, routes and readiness.

The only module here that sees the platform. Folding is `projector`'s and `registry_fold`'s, reading
is `routes`'.
"""

from collections.abc import Mapping
from functools import partial
from random import SystemRandom
from secrets import token_bytes

from services.indicators import halts
from services.indicators.definition_file import load
from services.indicators.definition_log import settle
from services.indicators.event_schemas import events
from services.indicators.freshness import (
    Ends,
    Freshness,
    OfFeed,
    OfJournal,
    before_relay,
    noting,
)
from services.indicators.nightly import Nightly
from services.indicators.projector import Projector
from services.indicators.registry_fold import RegistryFold
from services.indicators.registry_store import Registers
from services.indicators.routes import routes
from services.indicators.seal_keys import Sealer, settled_by, unsettled
from services.indicators.snapshots import Snapshots
from services.indicators.stream import Stream
from services.indicators.tables import IndicatorsTable
from services.indicators.verify_watch import Watch
from shared.clients.calendar import CalendarClient
from shared.db.engine import Database
from shared.journal.consumer import Consumer
from shared.platform import Platform
from shared.service import Check, Service

VISITS, REGISTRY = "indicators.visits", "indicators.registry"
_TOPICS = {VISITS: "rtsm.visits", REGISTRY: "rtsm.registry"}
_REGISTRY_BATCH = 2_000
"""A register arrives by the thousand; while it is folded no visit can be, so it is folded fast."""


def build(platform: Platform) -> Service:
    """Put the service together; nothing is opened yet."""
    settings, clock = platform.settings, platform.clock
    definitions = load(settings.definitions)
    tables = IndicatorsTable.metadata
    database = platform.database("indicators", tables)
    registers = Registers()
    visits = Projector(registers, clock, settings.zone, settings.look_back_days)
    register = RegistryFold(registers, clock, settings.look_back_days)
    consumers = [
        platform.consumer(
            name,
            [_TOPICS[name]],
            database,
            halts.unless_halted(noting(name, handle)),
            batch=batch,
            prepare=prepare,
        )
        for name, handle, batch, prepare in (
            (REGISTRY, register.handle, _REGISTRY_BATCH, None),
            (VISITS, visits.handle, settings.fold_batch, visits.prepare),
        )
    ]
    watch = Watch(
        database, platform.database("ingest"), settings, definitions, clock, SystemRandom()
    )
    pause = settings.verify_seconds
    ends = {consumer.name: consumer.feed.ends for consumer in consumers}
    fresh = _freshness(platform, database, ends if settings.kafka.bootstrap else None)
    calendar = CalendarClient(platform.client("ingest"))
    ledger = platform.database("ingest")
    nightly = Nightly(
        database, ledger, registers, definitions, clock, settings.zone, settings.look_back_days
    )
    snapshots = Snapshots(
        database,
        registers,
        clock,
        settings.zone,
        settings.look_back_days,
        fresh,
        definitions,
        calendar,
    )
    settled = unsettled if settings.kafka.bootstrap else settled_by(ledger, "ingest", _TOPICS)
    sealer = Sealer(database, clock, settings.zone, settled, token_bytes)
    stream = Stream(database, snapshots, platform.ending)
    return Service(
        name="indicators",
        router=routes(snapshots, database, sealer, stream, settings.sending),
        tables=tables,
        consumers=consumers,
        on_start=[
            partial(settle, database, definitions, clock),
            snapshots.warm,
            sealer.ready,
        ],
        tasks=[
            stream.run,
            stream.until_over,
            nightly.run,
            *([partial(watch.run, pause)] if pause else []),
        ],
        drains=[nightly.drain],
        checks={
            "figures": watch.trouble,
            "estimates": nightly.trouble,
            "stream": stream.trouble,
            **{consumer.name: _check(consumer) for consumer in consumers},
        },
        events=events(),
    )


def _freshness(
    platform: Platform, database: Database, ends: Mapping[str, Ends] | None
) -> Freshness:
    ingest = platform.database("ingest")
    if ends is None:
        return OfJournal(platform.clock, ingest, "ingest", _TOPICS)
    return OfFeed(platform.clock, database, before_relay(platform.clock, ingest), ends)


def _check(consumer: Consumer) -> Check:
    async def trouble() -> str | None:
        return consumer.trouble

    return trouble
