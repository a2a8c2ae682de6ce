"""The notify service in one test: real tables, real parts, a set clock, fake figures, a recorder.

Owns the assembly; nothing runs by itself: `round` evaluates, `send` sends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from services.notify import watch
from services.notify.bell import Bell
from services.notify.channels.contract import Channel, Envelope, Handover
from services.notify.desk import Desk
from services.notify.drafts import Drafts
from services.notify.links import Links
from services.notify.places import Places
from services.notify.planner import Planner
from services.notify.policy import Outcome, QuietHours
from services.notify.routes import Parts, router
from services.notify.sender import Failpoint, Sender, no_failpoint
from services.notify.tables import NotifyTable
from services.notify.telling import Timing
from shared.access import Principal
from shared.clients.indicators import IndicatorsClient
from shared.clock import SetClock
from shared.db.engine import Database, database_for
from shared.journal.tables import add_journal_tables
from shared.segments import register_segments
from shared.settings import Settings
from shared.web import install_problems
from tests.unit.notify.fake_figures import FakeFigures

ZONE = ZoneInfo("Asia/Karachi")
START = datetime(2018, 3, 7, 5, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Karachi
TODAY = date(2018, 3, 7)
ADMIN = Principal("k", "tester", "tester", frozenset({"admin"}))

RULE: dict[str, Any] = {
    "rule_id": "teachers-low",
    "indicator": "teacher_attendance",
    "level": "district",
    "window": "last-28-days",
    "below": 0.70,
    "recover_above": 0.73,
    "posts": ["DEO"],
}
OFFICER: dict[str, Any] = {
    "officer_id": "deo-kalat",
    "name": "Abdul Karim",
    "post": "DEO",
    "language": "en",
    "email": "deo.kalat@example.org",
    "phone": "+923001234567",
    "channels": ["sms", "email"],
    "postings": [{"unit_id": "KAL", "from": "2018-01-01", "to": None}],
}


class Recorder:
    """A channel that keeps what it was given and answers as a test scripts it."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.script: list[Handover] = []

    async def send(self, envelope: Envelope) -> Handover:
        self.sent.append(envelope)
        return self.script.pop(0) if self.script else Handover(Outcome.ACCEPTED, "taken")

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        return None


class House:
    """All parts of the service around one database."""

    def __init__(self, database: Database, quiet: QuietHours | None, flush: int) -> None:
        self.clock = SetClock(START)
        self.database = database
        self.figures = FakeFigures(self.clock)
        self.timing = Timing(quiet, flush, ZONE)
        self.bell = Bell()
        self.links = Links("https://rtsm.example")
        self.links.use("a secret of this test")
        self.drafts = Drafts(self.links, ZONE)
        self.indicators = IndicatorsClient(self.figures.client())
        self.planner = self.new_planner()
        self.channels: dict[str, Channel] = {"sms": Recorder(), "email": Recorder()}
        self.desk = Desk(database, self.clock, self.timing, self.bell)
        self.principal = ADMIN

    def new_planner(self) -> Planner:
        return Planner(self.database, self.indicators, self.clock, self.timing, self.bell)

    def sender(self, kind: str, failpoint: Failpoint = no_failpoint) -> Sender:
        channel = self.channels[kind]
        return Sender(
            kind, channel, self.database, self.drafts, self.clock, self.timing, self.bell, failpoint
        )

    def recorder(self, kind: str) -> Recorder:
        channel = self.channels[kind]
        assert isinstance(channel, Recorder)
        return channel

    async def round(self, *units: str) -> int:
        """Mark units as moved (default: Kalat) and evaluate."""
        async with self.database.transaction() as tx:
            await watch.mark_dirty(tx, list(units or ("KAL",)))
        return await self.planner.round()

    async def send(self) -> int:
        """Send everything that is due on both channels; the number of attempts."""
        return sum([await self.sender(kind).drain() for kind in ("sms", "email")])

    def wait(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    async def alerts(self, **asked: Any) -> list[dict[str, Any]]:
        given = {"state": None, "unit": None, "after": None, "limit": 50} | asked
        shown, _ = await self.desk.alerts(self.principal, **given)
        return shown

    async def one_alert(self) -> dict[str, Any]:
        shown = await self.alerts()
        assert len(shown) == 1
        return shown[0]

    async def messages(self, **asked: Any) -> list[dict[str, Any]]:
        given = {"state": None, "after": None, "limit": 200} | asked
        shown, _ = await self.desk.messages(self.principal, **given)
        return sorted(shown, key=lambda message: (message["step"], message["channel"] or ""))

    async def states(self, step: str) -> dict[str, str]:
        """The states of the messages of one step by channel."""
        return {m["channel"]: m["state"] for m in await self.messages() if m["step"] == step}

    async def firing(self) -> None:
        """Post weak visits, confirm them with new ones: Kalat's alert fires."""
        self.figures.post("KAL", TODAY, 5, count=20)
        await self.round()
        self.wait(minutes=1)
        self.figures.post("KAL", TODAY, 5, count=4)
        await self.round()

    def app(self) -> FastAPI:
        """The service's routes, asked by `principal`."""
        register_segments()
        app = FastAPI()
        install_problems(app)
        places = Places(self.indicators, self.clock)
        app.include_router(router(Parts(self.desk, self.links, places, self.indicators, ZONE)))
        app.state.platform = _Door(self)
        return app

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app()),
            base_url="http://rtsm",
            headers={"Authorization": "Bearer key"},
        )


class _Door:
    """Lets everybody in as the house's principal."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.access = self
        self.settings = Settings()

    async def authenticate(self, key: str) -> Principal:
        del key
        return self._house.principal


@asynccontextmanager
async def house_in(
    folder: Path, *, quiet: QuietHours | None = None, flush: int = 0, url: str | None = None
) -> AsyncIterator[House]:
    """A house on a SQLite file in `folder`, or on the PostgreSQL database at `url`."""
    add_journal_tables(NotifyTable.metadata)
    settings = Settings(data_dir=folder, database_url=url, unsafe_durability=True)
    database = database_for(settings, "notify", NotifyTable.metadata)
    await database.open()
    try:
        house = House(database, quiet, flush)
        async with house.browser() as browser:
            assert (await browser.put("/v1/rules", json=[RULE])).status_code == 200
            assert (await browser.put("/v1/officers", json=[OFFICER])).status_code == 200
        yield house
    finally:
        await database.close()


async def events(house: House) -> list[tuple[str, str, bytes]]:
    """The type, key and data of every event in the journal."""
    async with house.database.reading() as tx:
        rows = await tx.fetch("SELECT type, key, data FROM journal ORDER BY seq")
    return [(row[0], row[1], bytes(row[2])) for row in rows]
