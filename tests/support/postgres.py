"""A real PostgreSQL server of our own: Debian's programs, a temporary cluster, a free port.

Owns its one cluster (fsync on, as in production) and the databases made in it. Leaves schemas and
tables to the product.
"""

import itertools
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.available import postgres_program
from tests.support.ports import free_port
from tests.support.program import Program, children, scratch_directory, signal_children
from tests.support.waiting import until


class Postgres:
    """One PostgreSQL cluster on a loopback port; databases are made by `new_database`."""

    def __init__(self, directory: Path | None = None, settings: Sequence[str] = ()) -> None:
        """Of `directory` the cluster outlives `close`; `settings` are more of `name=value`."""
        self._kept = directory is not None
        self.directory = directory or scratch_directory("postgres")
        self.port = free_port()
        self._numbers = itertools.count(1)
        self._program = Program(
            [
                *(_program("postgres"), "-D", str(self.directory / "data")),
                *("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}"),
                *("-c", f"unix_socket_directories={self.directory}", "-c", "fsync=on"),
                *("-c", "max_connections=200", "-c", "shared_buffers=128MB"),
                *("-c", "log_min_messages=warning", "-c", "timezone=UTC"),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            self.directory / "postgres.log",
            unprivileged=True,
        )

    def start(self) -> None:
        """Make the cluster at the first start; return when the server takes connections."""
        data = self.directory / "data"
        if not data.exists():
            made = Program(
                [
                    *(_program("initdb"), "-D", str(data), "-U", "rtsm", "-A", "trust"),
                    *("-E", "UTF8", "--locale=C.UTF-8"),
                ],
                self.directory / "initdb.log",
                unprivileged=True,
            )
            made.start()
            until(lambda: not made.running, "initdb", 120)
            if made.returncode != 0:
                raise RuntimeError(f"initdb ended with {made.returncode}\n{made.tail()}")
        self._program.start()
        self._program.until(self._answers, "PostgreSQL takes connections")

    def url(self, database: str = "postgres") -> str:
        """The plain postgresql:// address of a database of this cluster."""
        return f"postgresql://rtsm@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str | None = None) -> str:
        """The address of a new database, empty or a copy of the one whose address is given."""
        name = f"test_{next(self._numbers)}"
        source = template.rsplit("/", 1)[1] if template else "template1"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database made by `new_database`, ending the connections it still has."""
        name = url.rsplit("/", 1)[1]
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, sql: str, url: str | None = None) -> str:
        """Run SQL through psql and return what it printed; RuntimeError on an SQL error."""
        done = subprocess.run(
            [
                *("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
                *("-d", url or self.url(), "-c", sql),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{sql}: {done.stderr.strip()}")
        return done.stdout.strip()

    def stop(self) -> None:
        """A fast, orderly shutdown; data stay for the next `start`."""
        self._program.terminate(30, by=signal.SIGINT)

    def kill(self) -> None:
        """A crash: SIGKILL to the server and to every backend of it."""
        backends = children(self._program.pid)
        self._program.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in backends), "backends end")

    def restart(self) -> None:
        """`stop` (if it runs) and `start` on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the postmaster and its backends: connections stay open and nothing answers."""
        self._program.pause()
        signal_children(self._program.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        signal_children(self._program.pid, signal.SIGCONT)
        self._program.resume()

    def ensure(self) -> None:
        """Make it run again after a test that froze or ended it."""
        if self._program.running:
            self.resume()
        else:
            self.start()

    def close(self) -> None:
        """Stop it and remove its directory, unless that was given."""
        if self._kept:
            self._program.terminate(300, by=signal.SIGINT)
            return
        self._program.terminate(30, by=signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        question = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(question, check=False)
        return done.returncode == 0


def _program(name: str) -> str:
    found = postgres_program(name)
    if found is None:
        raise FileNotFoundError(name)
    return found
