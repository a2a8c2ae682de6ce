"""How fast visits are taken in, against a bare FastAPI hello on the same machine in the same run.

`python -m tests.benchmarks.intake [--postgres URL] [--requests N] [--rounds R]` starts the servers,
sends the full form over 32 connections in alternating rounds, and prints rates and ratios:
durable single POSTs, NDJSON uploads, and one ORM session per request for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvloop

from tests.benchmarks.load import hammer, request
from tests.support.ports import free_port

FORM: dict[str, Any] = {
    "visit_id": "",
    "source": "pmc-tablets",
    "form_version": "1",
    "school_code": "01001",
    "visited_at": "2018-03-05T09:40:00+05:00",
    "ended_at": "2018-03-05T10:25:00+05:00",
    "visit_type": "routine",
    "monitor_id": "M-0417",
    "device_id": "T-88",
    "location": {"lat": 30.381, "lon": 67.726, "accuracy_m": 12, "mock": False},
    "status": "open",
    "students": {
        "boys": {"enrolled": 64, "present": 47},
        "girls": {"enrolled": 51, "present": 39},
        "grades": [
            {
                "grade": "3",
                "boys": {"enrolled": 20, "present": 15},
                "girls": {"enrolled": 17, "present": 13},
            }
        ],
    },
    "teachers": {
        "male": {"posted": 3, "present": 2, "on_leave": 1, "on_duty": 0, "absent": 0},
        "female": {"posted": 2, "present": 1, "on_leave": 0, "on_duty": 0, "absent": 1},
        "sanctioned": 6,
        "head_present": "yes",
        "proxies": 0,
    },
    "non_teaching": {"male": {"posted": 2, "present": 2}, "female": {"posted": 0, "present": 0}},
    "rooms": {"available": 6, "usable": 5, "classrooms_used": 5, "open_air_classes": 0},
    "toilets": {
        "boys": {"available": 1, "usable": 0},
        "girls": {"available": 1, "usable": 1},
        "shared": {"available": 0, "usable": 0},
        "staff": {"available": 1, "usable": 1},
        "handwash": True,
        "soap": False,
    },
    "facilities": {
        "water": {"available": True, "functional": True},
        "electricity": {"available": True, "functional": False},
        "boundary_wall": {"available": True, "functional": True},
    },
    "oversight": {
        "official_visit_last_30_days": True,
        "last_official_visit": "2018-02-20",
        "visitor_post": "cluster_head",
        "evidence": "log_book",
    },
    "participation": {
        "child_club_formed": True,
        "ptsmc_formed": True,
        "feeder_attended_procurement": "attended",
    },
    "environment": {
        "lesson_plan": "yes",
        "teacher_engaged": "yes",
        "teaching_aids": "no",
        "blackboard": "yes",
        "textbooks": "yes",
        "work_checked": "no",
        "seating": "yes",
        "clean": "yes",
        "timetable": "no",
        "no_corporal_punishment": "not_applicable",
    },
    "remarks": "نئی چاردیواری زیر تعمیر ہے",
}
CONNECTIONS = 32


def bodies(count: int, schools: int = 500) -> Iterator[bytes]:
    """Full forms with new ids, spread over schools."""
    template = json.dumps(FORM, ensure_ascii=False)
    for number in range(count):
        text = template.replace('"visit_id": ""', f'"visit_id": "{uuid.uuid4()}"', 1)
        yield text.replace('"01001"', f'"{1000 + number % schools}"', 1).encode()


def serve_hello(port: int) -> None:
    """A bare FastAPI hello."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def serve_orm(port: int, folder: str, url: str | None) -> None:
    """What most would write: a pydantic body, a SQLModel session, one commit a request."""
    import uvicorn
    from fastapi import FastAPI
    from sqlalchemy import create_engine, event
    from sqlmodel import Field, Session, SQLModel

    class Visit(SQLModel, table=True):
        visit_id: str = Field(primary_key=True)
        form: str

    class Announced(SQLModel, table=True):
        seq: int | None = Field(default=None, primary_key=True)
        form: str

    engine = create_engine(f"sqlite:///{folder}/orm.db")

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=20000")

    SQLModel.metadata.create_all(engine)
    app = FastAPI()

    @app.post("/v1/visits", status_code=201)
    def post(form: dict[str, Any]) -> dict[str, str]:
        with Session(engine) as session:
            text = json.dumps(form)
            session.add(Visit(visit_id=form["visit_id"], form=text))
            session.add(Announced(form=text))
            session.commit()
        return {"status": "accepted"}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def serve_ingest(port: int, folder: str, url: str | None) -> None:
    """Our ingest service alone, as `rtsm serve --services ingest` runs it."""
    from contextlib import AsyncExitStack, asynccontextmanager

    import uvicorn
    from fastapi import FastAPI

    from services.ingest.service import build
    from services.serving import configured, spare_collections
    from shared.clock import SystemClock
    from shared.platform import Platform
    from shared.settings import Settings
    from shared.web import Application, install_problems

    settings = Settings(services=["ingest"], data_dir=Path(folder), database_url=url)
    platform = Platform(settings, SystemClock())
    service = build(platform)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        async with AsyncExitStack() as stack:
            await platform.open(app, stack)
            for step in service.on_start:
                await step()
            key, _, _ = await platform.access.create_key("benchmark", ["admin"])
            (Path(folder) / "key").write_text(key)
            spare_collections()
            yield

    app = Application(service.direct, lifespan=lifespan)
    app.state.platform = platform
    install_problems(app)
    app.include_router(service.router)
    uvicorn.Server(configured(app, "127.0.0.1", port)).run()


@dataclass
class Server:
    """A server in its own process."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(kind: str, *args: str) -> Iterator[Server]:
    """A server in its own process, on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.intake", "--serve", kind, str(port), *args]
    process = subprocess.Popen(command)
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def register(port: int, key: str, schools: int = 500) -> None:
    """Make the schools that the forms name known."""
    headers = {"Authorization": f"Bearer {key}"}
    units = [
        {"unit_id": "BA", "name": "Province", "level": "province"},
        {"unit_id": "CL-1", "name": "Cluster", "level": "cluster", "parent_id": "BA"},
    ]
    items = [
        {
            "school_code": str(1000 + number),
            "name": f"School {number}",
            "unit_id": "CL-1",
            "gender": "mixed",
            "zone": "winter",
            "lat": 30.38,
            "lon": 67.726,
        }
        for number in range(schools)
    ]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as to:
        for path, given in (("/v1/units", units), ("/v1/schools", items)):
            to.put(path, json=given, timeout=60).raise_for_status()


def uploaded(port: int, key: str, lines: bytes, count: int) -> Callable[[], str]:
    """A run of one NDJSON upload."""
    return lambda: upload(port, key, lines, count)


def upload(port: int, key: str, lines: bytes, count: int) -> str:
    """Send an NDJSON upload, all of whose visits must be new.

    By a plain socket, as cheap as what sends the single visits: both share the cores with the
    server.
    """
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/x-ndjson",
        "Accept": "application/x-ndjson",
        "Connection": "close",
    }
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request("POST", "/v1/visits/batch", lines, headers))
        answer = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    head = answer.partition(b"\r\n\r\n")[0]
    assert f"accepted={count}".encode() in head, answer[:1000]
    return f"{count} lines"


@dataclass
class Rates:
    """Rates and processor times of every kind of request, a value for each round."""

    rate: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, name: str, at: Server, count: int, run: Callable[[], str]) -> None:
        """Run once; remember answers a second and processor microseconds of the server for each."""
        used, began = at.cpu(), time.perf_counter()
        told = run()
        took, used = time.perf_counter() - began, at.cpu() - used
        self.rate.setdefault(name, []).append(count / took)
        self.cpu.setdefault(name, []).append(used / count * 1e6)
        rate, each = count / took, used / count * 1e6
        print(f"{name:14} {rate:9,.0f}/s {each:7.0f} us CPU  {told}", flush=True)

    def ratio(self, one: str, other: str) -> str:
        """The median over the rounds of each round's own ratio, and the least and greatest.

        A machine that changes its pace between rounds changes both sides of a round alike; medians
        taken over all rounds first would compare one side's fast rounds with the other's slow ones.
        """
        wall = _each(self.rate[one], self.rate[other])
        cpu = _each(self.cpu[other], self.cpu[one])
        return f"{_spread(wall)} by the clock, {_spread(cpu)} by the server's processor time"


def _each(over: Sequence[float], under: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(over, under, strict=True)]


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"


def hammered(at: Server, requests: Sequence[bytes]) -> Callable[[], str]:
    """A run of requests over all connections."""

    def run() -> str:
        result = asyncio.run(hammer(at.port, requests, CONNECTIONS))
        p50, p99 = result.p50 * 1000, result.p99 * 1000
        return f"p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  {result.statuses}"

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs="+")
    parser.add_argument("--postgres")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the databases lie (a disk others use is slow)")
    given = parser.parse_args()
    if given.serve:
        kind, port, *rest = given.serve
        folder, url = [*rest, "", ""][:2]
        if kind == "hello":
            serve_hello(int(port))
        else:
            serve = {"orm": serve_orm, "ingest": serve_ingest}[kind]
            serve(int(port), folder, url or None)
        return
    uvloop.install()
    rates = Rates()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        measure(given, Path(folder), rates)
    for one, other, wanted in (
        ("durable POST", "hello POST", ">= 0.5, aim 0.7"),
        ("durable POST", "ORM session", ">= 5"),
        ("NDJSON", "durable POST", ">= 3, aim 5"),
    ):
        print(f"{one} / {other}: {rates.ratio(one, other)}  (wanted {wanted})")


def measure(given: argparse.Namespace, folder: Path, rates: Rates) -> None:
    """All rounds, alternating, so that a busy machine troubles both sides."""
    (folder / "ingest").mkdir()
    place = [str(folder / "ingest"), *([given.postgres] if given.postgres else [])]
    with (
        server("hello") as hello,
        server("orm", str(folder)) as orm,
        server("ingest", *place) as ingest,
    ):
        key = (folder / "ingest" / "key").read_text()
        register(ingest.port, key)
        plain = {"Content-Type": "application/json"}
        keyed = {"Authorization": f"Bearer {key}"} | plain
        count = given.requests
        for _ in range(given.rounds):
            sent = [request("POST", "/hello", body, plain) for body in bodies(count)]
            rates.measure("hello POST", hello, count, hammered(hello, sent))
            sent = [request("POST", "/v1/visits", body, keyed) for body in bodies(count)]
            rates.measure("durable POST", ingest, count, hammered(ingest, sent))
            few = count // 20
            sent = [request("POST", "/v1/visits", body, plain) for body in bodies(few)]
            rates.measure("ORM session", orm, few, hammered(orm, sent))
            many = min(count, 15_000)
            lines = b"\n".join(bodies(many)) + b"\n"
            rates.measure("NDJSON", ingest, many, uploaded(ingest.port, key, lines, many))


if __name__ == "__main__":
    main()
