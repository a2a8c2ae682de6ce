"""Free loopback ports that stay free while a service is down.

Ports come from below the kernel's ephemeral range: a port taken from inside it could be picked as
the local end of somebody's connection while the service is being restarted, and a client that
retries against a closed ephemeral port can even connect to itself.
"""

import contextlib
import random
import socket
from pathlib import Path

_chance = random.SystemRandom()  # pytest-randomly seeds the ordinary generator alike in every test
_given: set[int] = set()


def free_port() -> int:
    """A loopback TCP port nothing listens on, never given twice in this process."""
    for _ in range(1000):
        port = _chance.randrange(15000, 32000)
        if port not in _given and not listening(port) and _can_bind(port):
            _given.add(port)
            return port
    raise RuntimeError("no free loopback port between 15000 and 32000")


def listening(port: int) -> bool:
    """Whether something accepts connections on that loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  # fakesmsc's port binds every interface
        except OSError:
            return False
    return True


def is_local_end(port: int, pid: int) -> bool:
    """Whether a connection with that local IPv4 port belongs to a process we started."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wanted = {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    held = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):  # it was closed between the listing and the look
            held.add(str(link.readlink()))
    return bool(wanted & held)
