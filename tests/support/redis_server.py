"""A real Redis of our own on a free port, without persistence: 64 numbered databases for tests.

Owns its one server process. Leaves what is stored, and the client's time limits, to the product.
"""

import itertools
import shutil
import socket

from tests.support.available import system_program
from tests.support.ports import free_port
from tests.support.program import Program, scratch_directory

DATABASES = 64


class RedisServer:
    """One redis-server on a loopback port; `new_url` hands out emptied databases in turn."""

    def __init__(self) -> None:
        self.directory = scratch_directory("redis")
        self.port = free_port()
        self._numbers = itertools.cycle(range(DATABASES))
        self._program = Program(
            [
                *(system_program("redis-server"), "--port", str(self.port)),
                *("--bind", "127.0.0.1", "--databases", str(DATABASES)),
                *("--save", "", "--appendonly", "no", "--dir", str(self.directory)),
            ],
            self.directory / "redis.log",
            unprivileged=True,
        )

    def start(self) -> None:
        """Start it and return when it answers PING."""
        self._program.start()
        self._program.until(lambda: self._ask("PING") == "+PONG", "Redis answers", 30)

    def new_url(self) -> str:
        """The redis:// address of the next database, emptied."""
        number = next(self._numbers)
        self._ask(f"SELECT {number}", "FLUSHDB")
        return f"redis://127.0.0.1:{self.port}/{number}"

    def stop(self) -> None:
        """End it in order; what it held is gone."""
        self._program.terminate(10)

    def kill(self) -> None:
        """SIGKILL."""
        self._program.kill()

    def restart(self) -> None:
        """`stop` (if it runs) and `start` on the same port, empty."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections open and nothing answers (a black hole)."""
        self._program.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._program.resume()

    def ensure(self) -> None:
        """Make it run again after a test that froze or ended it."""
        if self._program.running:
            self.resume()
        else:
            self.start()

    def close(self) -> None:
        """Stop it and remove its directory."""
        self._program.terminate(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _ask(self, *commands: str) -> str:
        """The answer to the last of some inline commands, or "" when nobody listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                answers = line.makefile("rw", newline="\r\n")
                answer = ""
                for command in commands:
                    answers.write(command + "\r\n")
                    answers.flush()
                    answer = answers.readline().strip()
                return answer
        except OSError:
            return ""
