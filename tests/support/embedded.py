"""All four services in this process on SQLite files: nothing consumes until a test says `drain`.

Owns opening and closing, the clock that stands on 2019-06-03, and a client with an admin key. Time
and background work are the test's, so that what is waited for in other tests is simply done here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from services.app import Running, create_app
from services.indicators.rebuild import rebuild
from services.indicators.verify import verify
from shared.clock import SetClock
from shared.platform import Platform
from shared.settings import Settings

NOW = datetime(2019, 6, 3, 4, 0, tzinfo=UTC)
_LOCAL = ZoneInfo("Asia/Karachi")
SOURCE = "own"  # sorts before the histories' other source, as no source does in the oracle


@dataclass
class Embedded:
    """A whole deployment in this process."""

    app: FastAPI
    client: httpx.AsyncClient
    clock: SetClock
    settings: Settings
    key: str

    @property
    def platform(self) -> Platform:
        """The process's things."""
        platform: Platform = self.app.state.platform
        return platform

    @property
    def today(self) -> date:
        """The local day on which the clock stands."""
        return self.clock.now().astimezone(_LOCAL).date()

    def set_day(self, day: date) -> None:
        """Set the clock to the morning of a local day."""
        self.clock.at = datetime.combine(day, time(9), _LOCAL)

    async def drain(self) -> None:
        """Let every consumer handle all that is waiting."""
        running: Running = self.app.state.running
        await running.drain()

    async def verified(self) -> list[str]:
        """What `rtsm verify` finds."""
        return await verify(
            self.platform.database("indicators"),
            self.platform.database("ingest"),
            self.settings,
            lambda done, total: None,
        )

    async def rebuild(self) -> None:
        """What `rtsm rebuild` does."""
        await rebuild(
            self.platform.database("indicators"),
            self.platform.database("ingest"),
            self.settings,
            lambda done, total: None,
        )


@asynccontextmanager
async def embedded(
    folder: Path, *, background: bool = False, **settings: object
) -> AsyncIterator[Embedded]:
    """Open all four services on a data folder; a folder used before goes on where it was left."""
    chosen = Settings(data_dir=folder, **settings)
    clock = SetClock(NOW)
    app = create_app(chosen, clock, background=background)
    async with app.router.lifespan_context(app):
        key, _, _ = await app.state.platform.access.create_key("test", ["admin"], source=SOURCE)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://rtsm.example",
            headers={"Authorization": f"Bearer {key}"},
        ) as client:
            yield Embedded(app, client, clock, chosen, key)
