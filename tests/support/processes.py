"""Real `rtsm` processes for tests: one embedded, or a distributed deployment of several.

Owns starting `python -m services.cli` in process groups of their own with exactly the environment
given, waiting until they answer, and signalling them. What the settings mean is the product's; the
servers a deployment stands on come from the fixtures.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.gateway import Gateway
from tests.support.ports import free_port
from tests.support.program import Program
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("ingest", "indicators", "reports", "notify")


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without its RTSM_ names, plus the given; our code importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RTSM_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | dict(settings or {})


class Served:
    """One `rtsm serve` process on a fixed loopback port; startable again after its end."""

    def __init__(
        self,
        directory: Path,
        name: str,
        settings: Mapping[str, str],
        words: Sequence[str] = (),
        wrapper: Sequence[str] = (),
        entry: str = "services.cli",
    ) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = Program(
            [
                *(*wrapper, sys.executable, "-m", entry, "serve"),
                *("--host", "127.0.0.1", "--port", str(self.port), *words),
            ],
            directory / f"{name}.log",
            env=environment(settings),
            cwd=directory,
        )

    def start(self, *, wait: bool = True) -> "Served":
        """Start it; with `wait`, return when `/health/live` answers."""
        self.program.start()
        if wait:
            self.until_live()
        return self

    def until_live(self, seconds: float = 90.0) -> None:
        """Wait for `/health/live`; an early end raises with the tail of its log."""
        self.program.until(self.live, f"{self.name} is live", seconds)

    def live(self) -> bool:
        """Whether `/health/live` answers 200 now."""
        try:
            answer = httpx.get(f"{self.url}/health/live", timeout=2, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def until_ready(self, seconds: float = 60.0) -> None:
        """Wait until `/health/ready` answers 200: everything it needs is there."""

        def ready() -> bool:
            answer = httpx.get(f"{self.url}/health/ready", timeout=10, trust_env=False)
            return answer.status_code == 200

        self.program.until(ready, f"{self.name} is ready", seconds)

    def log(self) -> str:
        """What it wrote since its last start."""
        return self.program.output()

    def memory(self) -> int:
        """Bytes of memory it holds now (resident set)."""
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def terminate(self, seconds: float = 20.0) -> int | None:
        """SIGTERM, and its exit code; TimeoutError when it takes longer than `seconds`."""
        return self.program.terminate(seconds)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        self.program.kill()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing."""
        self.program.pause()

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self.program.resume()

    def restart(self) -> "Served":
        """Start it again on the same port after it was ended or killed (ends it if it runs)."""
        self.program.terminate()
        return self.start()


@dataclass
class Deployment:
    """All processes of one deployment, and the key its tests use."""

    settings: dict[str, str]
    """The RTSM_ names every process and command of it runs with."""
    key: str
    """An API key of scope admin, its source is `test`."""
    ingest: list[Served] = field(default_factory=list)
    indicators: list[Served] = field(default_factory=list)
    reports: list[Served] = field(default_factory=list)
    notify: list[Served] = field(default_factory=list)

    @property
    def all(self) -> list[Served]:
        """Every process once (an embedded one is all four services)."""
        found = [*self.ingest, *self.indicators, *self.reports, *self.notify]
        return list(dict.fromkeys(found))

    @property
    def url(self) -> str:
        """The first ingest's address; the one origin of an embedded deployment."""
        return self.ingest[0].url

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client of the one origin: calls go where `deploy/routes.toml` sends them, in turn.

        Sends this deployment's key, or the one given ("" for none).
        """
        bearer = self.key if key is None else key
        return httpx.AsyncClient(
            transport=Gateway({name: self.urls(name) for name in SERVICES}),
            base_url="http://rtsm.example",
            headers={"Authorization": f"Bearer {bearer}"} if bearer else {},
            timeout=30,
        )

    def urls(self, service: str) -> list[str]:
        """The addresses of a service's instances."""
        instances: list[Served] = getattr(self, service)
        return [served.url for served in instances]


class Processes:
    """Everything one test starts; `close` kills what still runs.

    `entry` is the module that serves: the command line, or `tests.support.dated` on another date.
    """

    def __init__(self, directory: Path, entry: str = "services.cli") -> None:
        self.directory = directory
        self.entry = entry
        self._started: list[Served] = []

    def serve(
        self,
        name: str,
        settings: Mapping[str, str],
        *words: str,
        wrapper: Sequence[str] = (),
        wait: bool = True,
    ) -> Served:
        """One `rtsm serve` with these RTSM_ names and further words; `wrapper` goes before it."""
        served = Served(self.directory, name, settings, words, wrapper, self.entry)
        self._started.append(served)
        return served.start(wait=wait)

    def command(
        self, *words: str, settings: Mapping[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run another `rtsm` command to its end; with `check` a failure raises with its output."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *words],
            env=environment(settings),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(
                f"rtsm {' '.join(words)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def key(
        self, settings: Mapping[str, str] | None = None, *words: str, name: str = "test"
    ) -> str:
        """A new API key, of scope admin unless `words` say otherwise (`--scope visits:write`)."""
        scope = words or ("--scope", "admin")
        done = self.command("keys", "create", "--name", name, *scope, "--json", settings=settings)
        key: str = json.loads(done.stdout)["key"]
        return key

    def embedded(
        self,
        data: Path | None = None,
        settings: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> Deployment:
        """All four services in one process on a data folder (default: a new one), with a key."""
        folder = data or self.directory / "data"
        all_settings = {"RTSM_DATA_DIR": str(folder), **(settings or {})}
        key = self.key(all_settings)
        served = self.serve(f"rtsm-{len(self._started)}", all_settings, wrapper=wrapper)
        return Deployment(all_settings, key, [served], [served], [served], [served])

    def distributed(
        self,
        database_url: str,
        bootstrap: str,
        redis_url: str,
        *,
        ingest: int = 1,
        indicators: int = 1,
        others: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> Deployment:
        """Services as processes of their own on real servers, with a key; all are live.

        `others` is the number of reports and of notify processes.
        """
        counts = {"ingest": ingest, "indicators": indicators, "reports": others, "notify": others}
        common = {
            "RTSM_DATABASE_URL": database_url,
            "RTSM_KAFKA__BOOTSTRAP": bootstrap,
            "RTSM_REDIS_URL": redis_url,
            "RTSM_DATA_DIR": str(self.directory / "unused"),
            **(settings or {}),
        }
        self.command("migrate", settings=common)
        deployment = Deployment(common, key="")
        for service, count in counts.items():
            getattr(deployment, service).extend(
                Served(self.directory, f"{service}-{number}", {}, entry=self.entry)
                for number in range(count)
            )
        common |= {
            f"RTSM_{name.upper()}_URL": deployment.urls(name)[0]
            for name, count in counts.items()
            if count
        }
        for served in deployment.all:
            service = served.name.rsplit("-", 1)[0]
            served.program.env = environment(common | {"RTSM_SERVICES": service})
            self._started.append(served)
            served.start(wait=False)
        deployment.key = self.key(common)
        for served in deployment.all:
            served.until_live()
        return deployment

    def close(self) -> None:
        """Kill what still runs."""
        for served in self._started:
            served.program.resume()
            served.kill()


def until_log(served: Served, text: str, seconds: float = 30.0) -> None:
    """Wait until the process has written `text` since its last start."""
    until(lambda: text in served.log(), f"{served.name} writes {text!r}", seconds)
