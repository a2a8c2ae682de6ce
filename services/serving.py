"""Runs an application on a port until it is told to stop.

Owns the server, the first key, and the end within seconds of a signal.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import typer
import uvicorn
from fastapi import FastAPI

from services.app import Running, create_app
from services.folder import sole_owner
from services.http_protocol import WholeAnswers
from shared.clock import Clock
from shared.platform import Platform
from shared.settings import Settings

_GRACE_SECONDS = 10


_COLLECT_AFTER = 20_000


def spare_collections() -> None:
    """Tell the collector that what lives now lives long, and to come less often.

    A request leaves no cycles behind; a collection every 700 objects would look at those of all
    requests in flight again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def configured(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """How an application is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=WholeAnswers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        backlog=1024,
    )


class _Server(uvicorn.Server):
    """A server that ends with 0 when it is told to stop: that is its work well done."""

    def __init__(self, config: uvicorn.Config, ending: asyncio.Event) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, having told answers that never end by themselves that they must."""
        self._ending.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear SIGTERM and SIGINT; the default would raise them again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def serve_app(
    settings: Settings,
    clock: Clock,
    *,
    started: Callable[[FastAPI], Awaitable[None]] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean end, 1 when a part had to stop.

    `started` runs once the port is open. Raises Refused when the data folder is in use.
    """
    if settings.database_url is not None:
        return await _serve(settings, clock, started)
    with sole_owner(settings.data_dir):
        return await _serve(settings, clock, started)


async def _serve(
    settings: Settings, clock: Clock, started: Callable[[FastAPI], Awaitable[None]] | None
) -> int:
    app = create_app(settings, clock)
    running: Running = app.state.running
    platform: Platform = app.state.platform
    server = _Server(configured(app, settings.host, settings.port), platform.ending)

    def stop(_: BaseException) -> None:
        server.should_exit = True

    running.on_failure = stop
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if server.started:
        await _greet(settings, app.state.platform, server)
        spare_collections()
        if started is not None:
            await started(app)
    await serving
    return 1 if running.failed or not server.started else 0


async def _greet(settings: Settings, platform: Platform, server: uvicorn.Server) -> None:
    port = server.servers[0].sockets[0].getsockname()[1]
    typer.echo(f"RTSM serves {', '.join(settings.services)} on http://{settings.host}:{port}")
    if settings.embedded and not settings.public_read and not await platform.access.keys.listed():
        key, _, _ = await platform.access.create_key("admin", ["admin"])
        typer.echo(f"First start. This key may do everything and is shown only now: {key}")
