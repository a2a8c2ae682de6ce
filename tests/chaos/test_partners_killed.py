"""kill -9 in the middle of polls and hooks: the reading goes on, nothing is lost, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.partner_servers import CentralServer, KoboServer
from tests.support.partners import answers, nested
from tests.support.processes import Processes, Served
from tests.support.waiting import until

ROWS, PAGE, SEED = 200, 20, 20190603
SOURCE = "pmc-tablets"


@pytest.fixture
def partner(kind: str) -> Iterator[KoboServer | CentralServer]:
    server: KoboServer | CentralServer
    server = KoboServer(page=PAGE) if kind == "kobo" else CentralServer(page=PAGE)
    for place in range(ROWS):
        row = answers() if kind == "kobo" else nested()
        server.submit(**row | {"remarks": f"number {place}"})
    server.start()
    yield server
    server.stop()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("kind", "store", "number"), [("kobo", "sqlite", 2), ("odk", "postgresql", 1)]
)
def test_a_reading_killed_midway_goes_on(
    partner: KoboServer | CentralServer,
    store: str,
    number: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    settings = {"RTSM_SERVICES": "ingest,indicators"}
    if store == "postgresql":
        settings["RTSM_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    processes = Processes(tmp_path)
    try:
        deployment = processes.embedded(settings=settings)
        [served] = deployment.all
        client = httpx.Client(
            base_url=served.url,
            headers={"Authorization": f"Bearer {deployment.key}"},
            timeout=30,
            trust_env=False,
        )
        kills = kill_at_pages(partner, served, number)
        declare(client, partner)
        while kills:
            until(lambda: not served.program.running, "the process is killed", 60)
            served.restart()
        state = until(lambda: applied(client, partner), "everything is applied", 90)
        assert (state["unapplied"], state["gone"]) == (0, 0)
        visits = all_visits(client)
        assert len(visits) == ROWS
        assert {one["revision"] for one in visits} == {1}
        assert len({one["form"]["remarks"] for one in visits}) == ROWS
        # Each page once, and those again that were under way when it died.
        pages = [call for call in partner.calls if "attachments" not in call]
        assert len(pages) <= ROWS // PAGE + 2 * number + 4, len(pages)
    finally:
        processes.close()


def kill_at_pages(partner: KoboServer | CentralServer, served: Served, number: int) -> list[int]:
    """Kill the process while it waits for some of the pages; the calls still to come."""
    kills = sorted(Random(SEED).sample(range(2, ROWS // PAGE), number))
    lock = threading.Lock()

    def before(path: str) -> None:
        with lock:
            if kills and len(partner.calls) >= kills[0]:
                kills.pop(0)
                served.kill()

    partner.before = before
    return kills


def declare(client: httpx.Client, partner: KoboServer | CentralServer) -> None:
    given: dict[str, Any] = {"kind": "kobo", "source": SOURCE, "login": {"token": KoboServer.token}}
    if isinstance(partner, CentralServer):
        login = {"username": partner.username, "password": partner.password}
        given = {"kind": "odk", "source": SOURCE, "project": 7, "login": login}
    given |= {"url": partner.url, "forms": [{"form": partner.form}]}
    answer = client.put("/v1/adapters/pmc", json=given)
    assert answer.status_code == 200, answer.text


def applied(client: httpx.Client, partner: KoboServer | CentralServer) -> dict[str, int] | None:
    state = client.get("/v1/adapters/pmc").json()["state"][0]
    done: dict[str, int] = state["submissions"]
    return done if done["applied"] == ROWS and state["finished_at"] else None


def all_visits(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    url: str | None = f"/v1/visits?source={SOURCE}&limit=500"
    while url:
        answer = client.get(url)
        found += answer.json()["visits"]
        url = answer.links.get("next", {}).get("url")
    return found
