"""How much memory bulk reads cost: a served process before, while and after it sends everything.

`python -m tests.benchmarks.bulk [--visits N] [--schools N]` loads synthetic visits into a folder,
serves it, reads all visits and all figures in every format over a socket, and prints bytes, rows a
second and the resident set: what counts is that it does not grow with what is read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx

from demo import synthetic
from shared.settings import Settings
from tests.benchmarks.house import (
    FIRST,
    LAST,
    REGISTER_SEED,
    VISITS_SEED,
    application,
    client_of,
    fold,
    upload,
)
from tests.benchmarks.memory import resident
from tests.support.processes import Processes

READS = (
    ("visits", {"period": f"{FIRST}..{LAST}"}),
    ("figures", {"period": "2018-01..2019-05", "by": "month"}),
)
FORMATS = ("ndjson", "csv", "parquet")


async def load(folder: Path, schools: int, visits: int) -> str:
    """Fill a folder; returns the id of the unit above everything."""
    register = synthetic.register(schools, REGISTER_SEED)
    async with application(Settings(data_dir=folder, services=["ingest", "indicators"])) as app:
        async with client_of(app) as client:
            made = synthetic.visits(register, visits, VISITS_SEED, FIRST, LAST, False)
            await upload(client, register, (body for _, body in made))
        await fold(app, register, visits)
    units = register.unit_bodies()
    return next(str(unit["unit_id"]) for unit in units if unit.get("parent_id") is None)


def read(url: str, key: str, params: dict[str, str], pid: int) -> tuple[int, float, float]:
    """Read an answer and throw it away; its bytes, the seconds, the most MiB seen meanwhile."""
    started, size, most = time.perf_counter(), 0, 0.0
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.stream(
        "GET", url, params=params, headers=headers, timeout=600, trust_env=False
    ) as answer:
        answer.raise_for_status()
        for number, piece in enumerate(answer.iter_raw()):
            size += len(piece)
            if number % 50 == 0:
                most = max(most, resident(pid)[0])
    return size, time.perf_counter() - started, max(most, resident(pid)[0])


def main() -> None:
    """Load, serve, read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=200_000)
    parser.add_argument("--schools", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        top = asyncio.run(load(data, given.schools, given.visits))
        processes = Processes(Path(folder))
        try:
            house = processes.embedded(data)
            served = house.all[0]
            pid = served.program.pid
            print(f"{given.visits:,} visits, {given.schools:,} schools")
            print(f"served {resident(pid)[0]:.0f} MiB")
            for what, asked in READS:
                for form in FORMATS:
                    url = f"{served.url}/v1/units/{top}/bulk/{what}"
                    size, seconds, most = read(url, house.key, asked | {"format": form}, pid)
                    print(
                        f"{what} {form}: {size / 2**20:.1f} MiB in {seconds:.1f} s, "
                        f"at most {most:.0f} MiB resident"
                    )
        finally:
            processes.close()


if __name__ == "__main__":
    sys.exit(main())
