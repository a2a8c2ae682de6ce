"""An ingest with a register and its partners' workers running, on either kind of database.

Owns the declarations and answers that tests of partners share; the servers are `partner_servers`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.embedded import Embedded, embedded
from tests.support.intake import UNITS, school
from tests.support.partner_servers import CentralServer, KoboServer, PartnerServer
from tests.support.postgres import Postgres
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
    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    """Behind every name and source, so that tests share a deployment and nothing else."""

    @property
    def client(self) -> httpx.AsyncClient:
        """A client with an admin key."""
        return self.house.client

    def name(self, name: str) -> str:
        """A partner's name in the deployment."""
        return f"{name}-{self.mark}"

    def source(self, source: str = SOURCE) -> str:
        """A source's name in the deployment."""
        return f"{source}-{self.mark}"

    async def declare(self, name: str, server: PartnerServer | None, **more: Any) -> None:
        """Declare a partner for a server double, or one that only calls its hook."""
        kind = "odk" if isinstance(server, CentralServer) else "kobo"
        form = server.form if isinstance(server, KoboServer | CentralServer) else "aVisitForm1"
        given: dict[str, Any] = {"kind": kind, "source": self.source(), "forms": [{"form": form}]}
        if server is not None:
            given |= {"url": server.url, "login": {"token": KoboServer.token}}
        if isinstance(server, CentralServer):
            login = {"username": server.username, "password": server.password}
            given |= {"project": 7, "login": login}
        if "source" in more:
            more["source"] = self.source(more["source"])
        answer = await self.client.put(f"/v1/adapters/{self.name(name)}", json=given | more)
        assert answer.status_code == 200, answer.text

    async def poll(self, name: str, **more: Any) -> dict[str, Any]:
        """Read a partner's server to the end; the state of its first form."""
        asked = {"wait": "true"} | more
        answer = await self.client.post(f"/v1/adapters/{self.name(name)}/poll", params=asked)
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
        answer = await self.client.get(
            "/v1/visits", params={"source": self.source(source), "limit": 500}
        )
        return {one["visit_id"]: one for one in answer.json()["visits"]}

    async def visit(self, visit_id: str, source: str = SOURCE) -> httpx.Response:
        """One visit."""
        return await self.client.get(
            f"/v1/visits/{visit_id}", params={"source": self.source(source)}
        )

    async def submissions(self, name: str, **asked: Any) -> list[dict[str, Any]]:
        """A partner's submissions."""
        answer = await self.client.get(f"/v1/adapters/{self.name(name)}/submissions", params=asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["submissions"]
        return found

    async def hook(self, name: str, form: str, body: Any, **more: Any) -> httpx.Response:
        """Call a hook with JSON, and let what waits be applied."""
        answer = await self.client.post(f"/v1/hooks/{self.name(name)}/{form}", json=body, **more)
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def partnered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Embedded]:
    """A running ingest on either kind of database, for all tests of a module."""
    url = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        server.ensure()
        url = server.new_database()
    async with partnership(tmp_path_factory.mktemp("partners"), database_url=url) as opened:
        yield opened.house
    if url is not None:
        server.drop_database(url)


@pytest.fixture
def partners(partnered: Embedded) -> Partnership:
    """The module's ingest, with names of this test's own."""
    return Partnership(partnered)


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
