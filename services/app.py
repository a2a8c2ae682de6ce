"""Puts services into a process: the one place that sees more than one of them.

Owns the order of opening, starting and stopping. `include_router` is used because mounted
applications would not get their lifespan run.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module

import structlog
from fastapi import FastAPI

from services import interface
from shared import health
from shared.clock import Clock
from shared.db.errors import Transient
from shared.journal import topics
from shared.journal.relay import Relay
from shared.platform import Platform
from shared.security import refuse_undeclared
from shared.service import Check, Service
from shared.settings import Settings
from shared.web import Application, install_problems


def _building(name: str) -> Callable[[Platform], Service]:
    """What builds a service; its modules are loaded only where it runs, which halves a start."""

    def build(platform: Platform) -> Service:
        built: Service = import_module(f"services.{name}.service").build(platform)
        return built

    return build


BUILDERS: dict[str, Callable[[Platform], Service]] = {
    name: _building(name) for name in ("ingest", "indicators", "reports", "notify")
}
_LOG = structlog.get_logger("rtsm.app")
_OPEN_TRIES = 60


@dataclass
class Running:
    """What runs in a process beside the requests."""

    services: list[Service]
    relays: list[Relay]
    failed: list[str] = field(default_factory=list)
    on_failure: Callable[[BaseException], None] | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Start every consumer, relay and task."""
        for service in self.services:
            for consumer in service.consumers:
                self._begin(f"{service.name}:{consumer.name}", consumer.run())
            for number, task in enumerate(service.tasks):
                self._begin(f"{service.name}:{number}", task())
        for relay in self.relays:
            self._begin("relay", relay.run())

    def _begin(self, name: str, work: Awaitable[None]) -> None:
        async def watched() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - the unforeseen stops us, loudly
                _LOG.critical("stopped", part=name, exc_info=error)
                self.failed.append(f"{name}: {type(error).__name__}")
                if self.on_failure is not None:
                    self.on_failure(error)

        self.tasks.append(asyncio.create_task(watched(), name=name))

    async def stop(self) -> None:
        """Cancel everything and wait until it has ended."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for service in self.services:
            for consumer in service.consumers:
                await consumer.close()

    async def drain(self) -> None:
        """Handle all that is waiting, until nothing moves: for tests and for loading."""
        drains = [drain for service in self.services for drain in service.drains]
        drains += [c.drain for service in self.services for c in service.consumers]
        while sum([await drain() for drain in drains]):
            continue


def create_app(settings: Settings, clock: Clock, *, background: bool = True) -> FastAPI:
    """The application of the services that `settings` names.

    With `background` false nothing consumes by itself: call `app.state.running.drain()`.
    Raises RuntimeError when a route does not declare who may call it.
    """
    platform = Platform(settings, clock)
    # In this order whatever the setting's: ingest's /v1/units/candidates is no unit of indicators.
    services = [build(platform) for name, build in BUILDERS.items() if name in settings.services]
    relays = [relay for service in services if (relay := platform.relay(service.name))]
    running = Running(services, relays)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(platform, app, stack)
            for service in services:
                for step in service.on_start:
                    await step()
            stack.push_async_callback(running.stop)
            if background:
                running.start()
            yield

    app = Application(
        title="RTSM",
        summary="Real Time School Monitoring",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.platform = platform
    app.state.running = running
    app.state.problem_page = next((s.problem_page for s in services if s.problem_page), None)
    install_problems(app)
    checks: dict[str, Check] = {"cache": platform.cache.check}
    if settings.kafka.bootstrap:
        checks["kafka"] = partial(topics.check, settings.kafka.bootstrap)
    common = health.router(services, relays, checks, running.failed)
    app.include_router(common)
    app.include_router(
        interface.router(partial(interface.every_service, BUILDERS, settings, clock), common)
    )
    for service in services:
        app.include_router(service.router)
    refuse_undeclared(app)
    for service in services:
        app.direct |= service.direct
    return app


async def _open(platform: Platform, app: FastAPI, stack: AsyncExitStack) -> None:
    """Open the databases, waiting a minute for a server that is still starting."""
    for attempt in range(_OPEN_TRIES):
        try:
            await platform.open(app, stack)
        except Transient as error:
            if attempt == _OPEN_TRIES - 1:
                raise
            _LOG.warning("waiting for the database", error=str(error))
            await asyncio.sleep(1.0)
        else:
            return
