"""One operating-system process a test started: its log, its signals, its end.

Owns starting in an own process group, dying with the test run, running as nobody where a server
refuses root, and signalling the whole group. Never touches a process it did not start. Leaves what
is run, and when it is ready, to the class of each service.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.waiting import until

# The kernel ends a child with the thread that made it: this one lives as long as the test run.
_maker = ThreadPoolExecutor(1, "programs")


def scratch_directory(name: str) -> Path:
    """A new temporary directory that an unprivileged server may enter and write.

    Removes those of earlier test runs that were killed before they could.
    """
    for old in Path(tempfile.gettempdir()).glob("rtsm-test-*"):
        if not Path(f"/proc/{old.name.split('-')[2]}").exists():
            shutil.rmtree(old, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=f"rtsm-test-{os.getpid()}-{name}-"))
    path.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")
    return path


class Program:
    """A process in its own group, with its output kept in a file; startable again after its end."""

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        unprivileged: bool = False,
    ) -> None:
        self.words = list(words)
        self.log = log
        self.env = dict(env) if env is not None else None
        self.cwd = cwd
        self._prefix = ["setpriv", "--pdeathsig", "KILL"]
        if unprivileged and os.geteuid() == 0:
            self._prefix += ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._process: subprocess.Popen[bytes] | None = None
        self._seen = 0

    @property
    def pid(self) -> int:
        """The process id, which is also its group's; RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.words[0]} was never started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended (a paused one runs)."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """How it ended: exit code, or minus the signal's number; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; returns at once. A program that still runs is an error."""
        if self.running:
            raise RuntimeError(f"{self.words[0]} runs already")
        self.forget()
        with self.log.open("ab") as output:
            making = _maker.submit(
                subprocess.Popen,
                [*self._prefix, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
            )
            self._process = making.result()

    def output(self) -> str:
        """What it wrote since its last start (or `forget`)."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as written:
            written.seek(self._seen)
            return written.read().decode("utf-8", "replace")

    def forget(self) -> None:
        """Let `output` begin at what it writes from now on."""
        self._seen = self.log.stat().st_size if self.log.exists() else 0

    def until(self, ready: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        """Wait until `ready` is true; an early end or a timeout raises with the log's tail."""

        def look() -> object:
            found = ready()
            if not found and not self.running:
                raise RuntimeError(f"{what}: ended with {self.returncode}\n{self.tail()}")
            return found

        try:
            until(look, what, seconds)
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self.tail()}") from None

    def tail(self, lines: int = 30) -> str:
        """The last lines it wrote, for an error's text."""
        return "\n".join(self.output().splitlines()[-lines:])

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens when it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def terminate(self, seconds: float = 20.0, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Ask it to end and wait; after `seconds` it is killed and TimeoutError raised."""
        if self._process is None:
            return None
        self.resume()
        self.send(by)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(
                f"{self.words[0]} did not end within {seconds:g} s\n{self.tail()}"
            ) from None

    def kill(self) -> None:
        """SIGKILL to the group, and wait for its end."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait(30)

    def pause(self) -> None:
        """SIGSTOP: it keeps its sockets and answers nothing until `resume`."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after a `pause`."""
        self.send(signal.SIGCONT)


def children(pid: int) -> list[int]:
    """The ids of the direct children of a process we started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended between the listing and the look
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid:
                found.append(int(stat.parent.name))
    return found


def signal_children(pid: int, number: signal.Signals) -> None:
    """Signal the direct children of a process we started, which may lead groups of their own."""
    for child in children(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
