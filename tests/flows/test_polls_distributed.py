"""Two ingest processes, of which the one that polls a partner's server is killed in the middle.

The other goes on with the reading, nothing is lost and nothing twice; and the flags that both
compute together are those of brute force.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.intake import UNITS, school
from tests.support.kafka import Kafka
from tests.support.partner_servers import CentralServer
from tests.support.partners import nested
from tests.support.ports import is_local_end
from tests.support.processes import Deployment, Processes, Served
from tests.support.waiting import eventually
from tests.trust.brute import expected
from tests.trust.test_signals import shown
from tests.trust.worlds import World

pytestmark = pytest.mark.distributed
ROWS, PAGE, KILLED_AT = 240, 20, 4
SOURCE = "pmc-tablets"


@pytest.fixture
def deployment(
    tmp_path: Path, postgres_url: str, kafka: Kafka, redis_url: str
) -> Iterator[Deployment]:
    """Two ingest processes and one of indicators."""
    started = Processes(tmp_path)
    yield started.distributed(postgres_url, kafka.bootstrap, redis_url, ingest=2, others=0)
    started.close()


@pytest.fixture
def central() -> Iterator[CentralServer]:
    """ODK Central whose pages are small, listening."""
    server = CentralServer(page=PAGE)
    for place in range(ROWS):
        server.submit(**nested(place % 60), remarks=f"number {place}")
    server.start()
    yield server
    server.stop()


class Killer:
    """Kills whichever process asks for a certain page, once, and remembers which it was."""

    def __init__(self, partner: CentralServer, processes: list[Served]) -> None:
        self.killed: Served | None = None
        self._partner, self._processes = partner, processes
        self._lock = threading.Lock()
        partner.before = self.before

    def before(self, path: str) -> None:
        """Kill whoever asks now, if it is time for it."""
        with self._lock:
            asking = self._partner.asking
            if self.killed is None and len(self._partner.calls) >= KILLED_AT and asking is not None:
                [served] = [one for one in self._processes if is_local_end(asking, one.program.pid)]
                served.kill()
                self.killed = served


@dataclass
class Front:
    """A running deployment as worlds see it."""

    client: httpx.AsyncClient


async def test_polls_and_flags_of_two_processes_of_which_one_is_killed(
    deployment: Deployment, central: CentralServer
) -> None:
    world = World(Random(7), "d")
    killer = Killer(central, deployment.ingest)
    async with deployment.client() as client:
        await told(client.put("/v1/units", json=UNITS))
        await told(client.put("/v1/schools", json=[school("1001")]))
        await play(world, client, 40, begin=True)
        partner = {
            "kind": "odk",
            "source": SOURCE,
            "project": 7,
            "url": central.url,
            "login": {"username": central.username, "password": central.password},
            "forms": [{"form": central.form}],
        }
        await told(client.put("/v1/adapters/pmc", json=partner))

    async def dead() -> Served | None:
        return killer.killed

    killed = await eventually(dead, "a process dies in the middle of a poll", 30)
    assert killed is not None
    [other] = [served for served in deployment.ingest if served is not killed]
    async with httpx.AsyncClient(
        base_url=other.url,
        headers={"Authorization": f"Bearer {deployment.key}"},
        timeout=30,
        trust_env=False,
    ) as client:
        assert len(await visits(client)) < ROWS
        await play(world, client, 40)
        # The other process goes on alone: the killed one is not there.
        done = await eventually(lambda: applied(client), "everything is applied", 60)
        assert done is not None
        assert (done["unapplied"], done["gone"]) == (0, 0)
        found = await visits(client)
    assert len(found) == ROWS
    assert {one["revision"] for one in found} == {1}
    assert {one["form"]["remarks"] for one in found} == {f"number {n}" for n in range(ROWS)}
    # Each page once, and those again that were under way when the process died.
    pages = [call for call in central.calls if "attachments" not in call]
    assert len(pages) <= ROWS // PAGE + 4, len(pages)

    killed.start()
    async with deployment.client() as client:
        await play(world, client, 40)
        await eventually(lambda: counted(client), "each visit is counted once", 60)
        wanted = expected(list(world.visits.values()), world.points)
        assert sum(map(bool, wanted.values())) > 10
        await eventually(lambda: flagged(client, wanted), "the flags are those of brute force", 60)


async def play(world: World, client: httpx.AsyncClient, steps: int, *, begin: bool = False) -> None:
    """Let a world go on for some steps."""
    front: Any = Front(client)
    if begin:
        await world.begin(front)
    for _ in range(steps):
        await world.step(front)


async def told(asked: Any) -> Any:
    """The document of an answer that must be a good one."""
    answer: httpx.Response = await asked
    assert answer.is_success, answer.text
    return answer.json()


async def applied(client: httpx.AsyncClient) -> dict[str, Any] | None:
    """What became of the partner's submissions, once all were applied."""
    [state] = (await told(client.get("/v1/adapters/pmc")))["state"]
    done: dict[str, Any] = state["submissions"]
    return done if done["applied"] == ROWS and state["finished_at"] else None


async def visits(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All visits of the partner's source."""
    found: list[dict[str, Any]] = []
    url: str | None = f"/v1/visits?source={SOURCE}&limit=500"
    while url:
        answer = await client.get(url)
        assert answer.is_success, answer.text
        found += answer.json()["visits"]
        url = answer.links.get("next", {}).get("url")
    return found


async def counted(client: httpx.AsyncClient) -> bool:
    """Whether the school's figures hold each submission once."""
    answer = await client.get("/v1/units/school:1001/figures?period=2019-03")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return False  # the register is still on its way
    assert answer.is_success, answer.text
    figures = answer.json()
    [attendance] = [
        one
        for one in figures["figures"]
        if (one["indicator"], one["split"]) == ("student_attendance", None)
    ]
    shown_now = (figures["visits"], attendance["numerator"], attendance["denominator"])
    return shown_now == (ROWS, sum(n % 60 for n in range(ROWS)), 64 * ROWS)


async def flagged(client: httpx.AsyncClient, wanted: Mapping[tuple[str, str], set[str]]) -> bool:
    """Whether both processes, asked in turn, show exactly these flags."""
    front: Any = Front(client)
    both = (await shown(front), await shown(front))
    return all(flags.get(key) == codes for flags in both for key, codes in wanted.items())
