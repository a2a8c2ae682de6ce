"""An application of this process on a real socket, for tests of connections themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from services.serving import configured
from tests.support.ports import free_port
from tests.support.waiting import eventually


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[int]:
    """Serve an application that is already open as `rtsm serve` would; the port it has."""
    port = free_port()
    config = configured(app, "127.0.0.1", port)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def ready() -> bool:
        return server.started or serving.done()

    try:
        await eventually(ready, "the server listens", pause=0.005)
        if serving.done():
            serving.result()
        yield port
    finally:
        server.should_exit = True
        await serving
