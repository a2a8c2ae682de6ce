"""How much memory the embedded process holds once the demonstration is loaded and was looked at.

`python -m tests.benchmarks.memory [--data DIR]` loads the demonstration (about two minutes; DIR may
hold one that is loaded), serves it as `rtsm demo` does, reads cards, and prints the resident set.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.support.processes import environment
from tests.support.program import Program

CARDS = ("PK-BA", "PK-BA-QTA")
LIMIT_MIB = 256


def resident(pid: int) -> tuple[float, float]:
    """MiB in memory now, and the most there ever was."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines())
    return int(found["VmRSS"].split()[0]) / 1024, int(found["VmHWM"].split()[0]) / 1024


def main() -> None:
    """Load, serve, read and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        data = given.data or Path(folder) / "data"
        program = Program(
            [
                *(sys.executable, "-m", "services.cli", "demo", "--data", str(data.resolve())),
                *("--port", str(port)),
            ],
            Path(folder) / "demo.log",
            env=environment(),
            cwd=Path(folder),
        )
        program.start()
        try:
            url = f"http://127.0.0.1:{port}"

            def live() -> bool:
                try:
                    return httpx.get(f"{url}/health/live", trust_env=False).status_code == 200
                except httpx.TransportError:
                    return False

            program.until(live, "the demonstration is served", 1800)
            print("served {:.0f} MiB, at most {:.0f} MiB".format(*resident(program.pid)))
            for number, unit in enumerate(CARDS * 10):
                path = f"/v1/cards/{unit}?format={('html', 'json')[number // 2 % 2]}"
                httpx.get(url + path, timeout=60, trust_env=False).raise_for_status()
                if number == 0:
                    print(
                        "a card was read: {:.0f} MiB, at most {:.0f} MiB".format(
                            *resident(program.pid)
                        )
                    )
            now, most = resident(program.pid)
            print(f"cards were read: {now:.0f} MiB, at most {most:.0f} MiB (aim <= {LIMIT_MIB})")
        finally:
            program.terminate()


if __name__ == "__main__":
    main()
