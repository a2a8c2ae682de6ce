"""An ingest with a register and its partners' workers running, on either kind of database.

Owns the declarations and answers that tests of partners share; the servers are `partner_servers`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.embedded import Embedded, embedded
from tests.support.intake import UNITS, school
from tests.support.partner_servers import CentralServer, KoboServer, PartnerServer
from tests.support.waiting import eventually

SOURCE = "pmc-tablets"


def answers(**more: Any) -> dict[str, Any]:
    """Kobo's flat answers to the project's own form; None leaves one out."""
    given = {
        "school_code": "01001",
        "visited_at": "2019-03-05T09:40:00.000+05:00",
        "status": "open",
        "students/students_boys/students_boys_enrolled": "64",
        "students/students_boys/students_boys_present": "47",
    } | more
    return {name: value for name, value in given.items() if value is not None}


def nested(boys_present: int = 47, **more: Any) -> dict[str, Any]:
    """The same answers as ODK Central nests them."""
    students = {
        "students_boys": {"students_boys_enrolled": 64, "students_boys_present": boys_present}
    }
    return {
        "school_code": "01001",
        "visited_at": "2019-03-05T04:40:00.000Z",
        "status": "open",
        "students": students,
        "students@odata.navigationLink": "Submissions('x')/students",
    } | more


@dataclass
class Partnership:
    """A running ingest and what a test asks it about partners."""

    house: Embedded

    @property
    def client(self) -> httpx.AsyncClient:
        """A client with an admin key."""
        return self.house.client

    async def declare(self, name: str, server: PartnerServer | None, **more: Any) -> None:
        """Declare a partner for a server double, or one that only calls its hook."""
        kind = "odk" if isinstance(server, CentralServer) else "kobo"
        form = server.form if isinstance(server, KoboServer | CentralServer) else "aVisitForm1"
        given: dict[str, Any] = {"kind": kind, "source": SOURCE, "forms": [{"form": form}]}
        if server is not None:
            given |= {"url": server.url, "login": {"token": KoboServer.token}}
        if isinstance(server, CentralServer):
            login = {"username": server.username, "password": server.password}
            given |= {"project": 7, "login": login}
        answer = await self.client.put(f"/v1/adapters/{name}", json=given | more)
        assert answer.status_code == 200, answer.text

    async def poll(self, name: str, **more: Any) -> dict[str, Any]:
        """Read a partner's server to the end; the state of its first form."""
        asked = {"wait": "true"} | more
        answer = await self.client.post(f"/v1/adapters/{name}/poll", params=asked)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()["state"][0]
        return state

    async def settled(self, name: str) -> None:
        """Wait until nothing of a partner waits, photos included."""

        async def nothing_waits() -> bool:
            return not await self.submissions(name, state="waiting")

        await eventually(nothing_waits, f"nothing of {name} waits")

    async def visits(self, source: str = SOURCE) -> dict[str, dict[str, Any]]:
        """All visits of a source by their ids."""
        answer = await self.client.get("/v1/visits", params={"source": source, "limit": 500})
        return {one["visit_id"]: one for one in answer.json()["visits"]}

    async def visit(self, visit_id: str, source: str = SOURCE) -> httpx.Response:
        """One visit."""
        return await self.client.get(f"/v1/visits/{visit_id}", params={"source": source})

    async def submissions(self, name: str, **asked: Any) -> list[dict[str, Any]]:
        """A partner's submissions."""
        answer = await self.client.get(f"/v1/adapters/{name}/submissions", params=asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["submissions"]
        return found

    async def hook(self, name: str, form: str, body: Any, **more: Any) -> httpx.Response:
        """Call a hook with JSON, and let what waits be applied."""
        answer = await self.client.post(f"/v1/hooks/{name}/{form}", json=body, **more)
        await self.house.drain()
        return answer


@asynccontextmanager
async def partnership(folder: Path, **settings: Any) -> AsyncIterator[Partnership]:
    """Open an ingest with its workers on a folder, with school 1001 registered."""
    services = ["ingest", "indicators"]
    async with embedded(folder, background=True, services=services, **settings) as house:
        for path, items in (("/v1/units", UNITS), ("/v1/schools", [school("1001")])):
            answer = await house.client.put(path, json=items)
            assert answer.status_code == 200, answer.text
        yield Partnership(house)


@pytest.fixture(params=["sqlite", "postgresql"])
async def partners(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Partnership]:
    """A running ingest on either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with partnership(tmp_path, database_url=url) as opened:
        yield opened


@pytest.fixture
def kobo() -> Any:
    """A new KoboToolbox double, listening."""
    server = KoboServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def central() -> Any:
    """A new ODK Central double, listening."""
    server = CentralServer()
    server.start()
    yield server
    server.stop()
