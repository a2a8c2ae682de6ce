"""How fast files are imported, and in how much memory.

`python -m tests.benchmarks.imports [--visits N] [--schools N] [--rounds R]` starts an ingest
server, sends N visits as NDJSON and N as CSV in turn, and prints both rates, their ratio, and the
server's memory over what it held idle; then a register of N schools in one file, against SQLModel
row by row (a session and a commit for each) on the same disk.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, create_engine

from services.app import create_app
from services.ingest.imports.fields import flattened, written
from services.serving import configured, spare_collections
from shared.clock import SystemClock
from shared.settings import Settings
from tests.benchmarks.intake import FORM, bodies
from tests.benchmarks.memory import resident
from tests.support.ports import free_port
from tests.support.processes import environment
from tests.support.program import Program

_PART_BYTES = 30 << 20
_ROW_BY_ROW = 2_000
_MIB_AIM, _RATE_AIM, _TIMES_AIM = 200, 0.7, 10


def visits_csv(count: int, schools: int = 500) -> list[bytes]:
    """Full forms with new ids as CSV, in files that a server takes."""
    leaves = flattened("visits", FORM | {"visit_id": "x"})
    names = list(leaves)
    place, code = names.index("visit_id"), names.index("school_code")
    cells = [written(value) for value in leaves.values()]
    counts = [
        (names.index(f"students.{sex}.present"), names.index(f"students.{sex}.enrolled"))
        for sex in ("boys", "girls")
    ]
    rng = random.Random(count)
    parts: list[bytes] = []
    text = io.StringIO()
    writer = csv.writer(text)
    for number in range(count):
        if not text.tell() or text.tell() > _PART_BYTES:
            if text.tell():
                parts.append(text.getvalue().encode())
            text.seek(0)
            text.truncate()
            writer.writerow(names)
        cells[place], cells[code] = str(uuid.uuid4()), str(1000 + number % schools)
        for present, enrolled in counts:
            cells[enrolled] = str(rng.randint(20, 90))
            cells[present] = str(rng.randint(17, int(cells[enrolled])))
        writer.writerow(cells)
    return [*parts, text.getvalue().encode()]


def schools_csv(count: int, clusters: int = 500) -> bytes:
    """A register of schools."""
    lines = ["school_code,name,unit_id,level,gender,zone,status,lat,lon"]
    lines += [
        f"{20_000 + n},GPS Killi {n},CL-{n % clusters},primary,boys,winter,open,"
        f"{28 + n % 900 / 100},{62 + n % 800 / 100}"
        for n in range(count)
    ]
    return "\n".join(lines).encode()


def serve(port: int, folder: str) -> None:
    """Ingest with imports at work and nothing else, so that both ways are measured alone."""
    settings = Settings(services=["ingest"], data_dir=Path(folder) / "data")
    app = create_app(settings, SystemClock(), background=False)
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def at_work(given: Any) -> AsyncIterator[None]:
        async with lifespan(given):
            [service] = app.state.running.services
            run = next(task for task in service.tasks if task.__qualname__ == "Runner.run")
            working = asyncio.create_task(run())
            key, _, _ = await app.state.platform.access.create_key("benchmark", ["admin"])
            (Path(folder) / "key").write_text(key)
            spare_collections()
            yield
            working.cancel()

    app.router.lifespan_context = at_work
    uvicorn.Server(configured(app, "127.0.0.1", port)).run()


class Server:
    """An ingest server on a folder, with an admin key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.program = Program(
            [sys.executable, "-m", "tests.benchmarks.imports", "--serve", str(port), str(folder)],
            folder / "log",
            env=environment(),
            cwd=folder,
        )
        self.program.start()
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=600, trust_env=False
        )
        self.program.until(self._live, "the server is live")
        self.client.headers["Authorization"] = f"Bearer {(folder / 'key').read_text()}"

    def _live(self) -> bool:
        try:
            return self.client.get("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def put(self, path: str, items: list[dict[str, object]]) -> None:
        """Store units or schools."""
        self.client.put(path, json=items).raise_for_status()

    def imported(self, kind: str, files: list[bytes]) -> float:
        """Import files, all of whose rows must be new; seconds until the last job has ended."""
        began = time.perf_counter()
        for content in files:
            answer = self.client.post(
                f"/v1/imports?kind={kind}", content=content, headers={"Content-Type": "text/csv"}
            )
            answer.raise_for_status()
            path = answer.headers["Location"]
            while (job := self.client.get(path).json())["state"] in {"queued", "running"}:
                time.sleep(0.05)
            assert job["state"] == "finished", job
            assert job["accepted"] == job["rows"], job
        return time.perf_counter() - began

    def posted(self, count: int) -> float:
        """Send NDJSON in uploads of 15,000; seconds."""
        lines = list(bodies(count))
        uploads = [b"\n".join(lines[at : at + 15_000]) for at in range(0, count, 15_000)]
        del lines
        began = time.perf_counter()
        for upload in uploads:
            answer = self.client.post(
                "/v1/visits/batch", content=upload, headers={"Content-Type": "application/x-ndjson"}
            )
            assert answer.json()["rejected"] == 0, answer.text[:300]
        return time.perf_counter() - began

    def processor(self) -> float:
        """Seconds of processor time of the server so far."""
        fields = Path(f"/proc/{self.program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB resident now; the peak counts from here on."""
        Path(f"/proc/{self.program.pid}/clear_refs").write_text("5")
        return resident(self.program.pid)[0]

    def peak(self) -> float:
        """MiB resident at most since `memory`."""
        return resident(self.program.pid)[1]


class SchoolModel(SQLModel, table=True):
    """A school, as a first version of such a system would keep it."""

    __tablename__ = "schools_orm"
    school_code: str = Field(primary_key=True)
    name: str
    unit_id: str
    level: str
    gender: str
    zone: str
    status: str
    lat: float
    lon: float


def row_by_row(folder: Path, count: int) -> float:
    """Schools a second, each with a session and a durable commit of its own."""
    engine = create_engine(f"sqlite:///{folder}/orm.db")

    @event.listens_for(engine, "connect")
    def durable(connection: object, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

    SQLModel.metadata.create_all(engine, tables=[SchoolModel.__table__])  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(schools_csv(count).decode())))
    began = time.perf_counter()
    for row in rows:
        with Session(engine) as session:
            known = session.get(SchoolModel, row["school_code"])
            if known is None:
                session.add(SchoolModel.model_validate(row))
            session.commit()
    return count / (time.perf_counter() - began)


def visits(server: Server, count: int, rounds: int) -> None:
    """Both ways in turn; the memory of the import alone.

    Each visit makes the next a little dearer, for its index grows: every second round begins with
    the other way, and all rounds together are compared.
    """
    wall: dict[str, list[float]] = {"NDJSON": [], "CSV": []}
    cpu: dict[str, list[float]] = {"NDJSON": [], "CSV": []}
    over = []
    for number in range(rounds):
        for name in reversed(wall) if number % 2 else wall:
            files = visits_csv(count) if name == "CSV" else []
            used, idle = server.processor(), server.memory()
            took = server.imported("visits", files) if files else server.posted(count)
            wall[name].append(count / took)
            cpu[name].append((server.processor() - used) / count * 1e6)
            print(f"{name:6} {wall[name][-1]:8,.0f}/s {cpu[name][-1]:5.0f} us CPU", flush=True)
            if files:
                over.append(server.peak() - idle)
                size = sum(map(len, files)) / 2**20
                print(f"  {size:.0f} MiB in {len(files)} files, {over[-1]:.0f} MiB over {idle:.0f}")
    by_clock = statistics.harmonic_mean(wall["CSV"]) / statistics.harmonic_mean(wall["NDJSON"])
    by_cpu = statistics.mean(cpu["NDJSON"]) / statistics.mean(cpu["CSV"])
    print(f"CSV / NDJSON: {by_clock:.2f} x by the clock, {by_cpu:.2f} x by the server's processor")
    print(f"  (wanted >= {_RATE_AIM}); memory over idle {max(over):.0f} MiB (aim <= {_MIB_AIM})")


def register(server: Server, count: int) -> None:
    """One file of schools, against row by row."""
    units: list[dict[str, object]] = [
        {"unit_id": f"CL-{n}", "name": f"Cluster {n}", "level": "cluster", "parent_id": "BA"}
        for n in range(500)
    ]
    server.put("/v1/units", units)
    idle = server.memory()
    rate = count / server.imported("schools", [schools_csv(count)])
    over = server.peak() - idle
    slow = row_by_row(server.folder, min(count, _ROW_BY_ROW))
    print(
        f"schools from CSV {rate:,.0f}/s, {over:.0f} MiB over {idle:.0f}; row by row {slow:,.0f}/s"
    )
    print(f"CSV / row by row: {rate / slow:.1f} x (wanted >= {_TIMES_AIM})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2)
    parser.add_argument("--visits", type=int, default=100_000)
    parser.add_argument("--schools", type=int, default=65_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", help="where the databases lie (a disk others use is slow)")
    given = parser.parse_args()
    if given.serve:
        serve(int(given.serve[0]), given.serve[1])
        return
    with serving(given.folder) as server:
        schools: list[dict[str, object]] = [
            {"school_code": str(1000 + n), "name": f"School {n}", "unit_id": "CL-1"}
            for n in range(500)
        ]
        server.put("/v1/schools", schools)
        visits(server, given.visits, given.rounds)
    # Both registers begin with nothing.
    with serving(given.folder) as server:
        register(server, given.schools)


@contextmanager
def serving(place: str | None) -> Iterator[Server]:
    """A server on an empty folder, with a province and a cluster."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        server = Server(Path(name))
        try:
            province: dict[str, object] = {"unit_id": "BA", "name": "Province", "level": "province"}
            cluster: dict[str, object] = province | {
                "unit_id": "CL-1",
                "level": "cluster",
                "parent_id": "BA",
            }
            server.put("/v1/units", [province, cluster])
            yield server
        finally:
            server.program.terminate()


if __name__ == "__main__":
    main()
