"""One value that holds a process's things: settings, clock, databases, feeds, clients, cache.

Built without I/O, opened once, closed once, passed to each service's `build`. Which feed a consumer
reads, and whether another service is in this process or elsewhere, is decided here and only here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import structlog
from sqlalchemy import MetaData

from shared.access import TABLES as ACCESS_TABLES
from shared.access import Access
from shared.cache import Cache, MemoryCache, RedisCache
from shared.clock import Clock
from shared.db.engine import Database, database_for
from shared.journal.consumer import Consumer, Handle, Prepare
from shared.journal.feed import Feed
from shared.journal.journal_feed import JournalFeed
from shared.journal.kafka_feed import KafkaFeed
from shared.journal.relay import Relay
from shared.journal.tables import add_journal_tables
from shared.journal.topics import PRODUCER
from shared.limits import Limit, Limits
from shared.segments import register_segments
from shared.settings import Settings

_LOG = structlog.get_logger("rtsm.platform")


class Platform:
    """The things of one process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        register_segments()
        self.settings = settings
        self.clock = clock
        self.ending = asyncio.Event()
        """Set when the process begins to stop: what never ends by itself ends then."""
        self.access = Access(
            database_for(settings, "access", ACCESS_TABLES, size=2),
            clock,
            Limits(settings.redis_url),
            Limit(settings.rate_limit, 60) if settings.rate_limit else None,
        )
        self.cache: Cache = RedisCache(settings.redis_url) if settings.redis_url else MemoryCache()
        self._databases: dict[str, Database] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._app: Any = None

    def database(self, service: str, tables: MetaData | None = None) -> Database:
        """The database of a service: its own (with `tables`) or, to read its journal, another's."""
        database = self._databases.get(service)
        if database is None:
            declared = MetaData() if tables is None else tables
            add_journal_tables(declared)
            database = self._databases[service] = database_for(self.settings, service, declared)
        elif tables is not None and database.tables is not tables:
            add_journal_tables(tables)
            database.tables = tables
        return database

    def consumer(
        self,
        name: str,
        topics: Sequence[str],
        database: Database,
        handle: Handle,
        *,
        batch: int = 2_000,
        after_commit: Callable[[], Awaitable[None]] | None = None,
        prepare: Prepare | None = None,
    ) -> Consumer:
        """A consumer of topics that one service writes, on whichever feed carries them here."""
        producer = PRODUCER[topics[0]]
        if any(PRODUCER[topic] != producer for topic in topics):
            raise ValueError("a consumer reads the topics of one service")
        source = self.database(producer)

        def ledger() -> JournalFeed:
            return JournalFeed(source, producer, topics)

        kafka = self.settings.kafka
        feed: Feed = (
            KafkaFeed(kafka.bootstrap, name, topics, kafka.partitions, kafka.session_ms)
            if kafka.bootstrap
            else ledger()
        )
        return Consumer(
            name,
            feed,
            database,
            handle,
            self.clock,
            batch=batch,
            after_commit=after_commit,
            ledger=ledger,
            prepare=prepare,
        )

    def relay(self, service: str) -> Relay | None:
        """What carries a service's journal to Kafka; None where the journal is the feed."""
        kafka = self.settings.kafka
        if not kafka.bootstrap:
            return None
        return Relay(service, self.database(service), kafka.bootstrap, kafka.partitions)

    def client(self, service: str) -> httpx.AsyncClient:
        """An HTTP client for a service, in this process or at its URL, with the services' key."""
        client = self._clients.get(service)
        if client is None:
            url: str | None = getattr(self.settings, f"{service}_url")
            here = service in self.settings.services
            if not here and url is None:
                url = f"http://{service}:{self.settings.port}"
            client = self._clients[service] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=self._here) if here else None,
                base_url="http://rtsm.internal" if here else str(url),
                timeout=httpx.Timeout(15.0, connect=2.0),
                trust_env=False,
                auth=self._authenticated,
            )
        return client

    async def _here(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def _authenticated(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._service_key}"
        return request

    async def open(self, app: Any, stack: AsyncExitStack) -> None:
        """Open the access store and every database asked for; `stack` closes them."""
        self._app = app
        await self.access.open()
        stack.push_async_callback(self.access.close)
        self._service_key = await self.access.service_key()
        stack.push_async_callback(self.cache.close)
        for database in self._databases.values():
            await database.open()
            stack.push_async_callback(database.close)
        for client in self._clients.values():
            stack.push_async_callback(client.aclose)
