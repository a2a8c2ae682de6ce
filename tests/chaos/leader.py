"""Which process carries a journal to Kafka just now: the one whose connection holds the lock.

Owns the way from PostgreSQL's lock to the process's socket; the lock itself is the product's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from shared.db.postgres import lock_number
from tests.support.postgres import Postgres
from tests.support.processes import Served

_HOLDER = """
SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
AND (l.classid::bigint << 32 | l.objid::bigint) = {number}
AND a.datname = '{database}'
"""


def relay_of(
    service: str, postgres: Postgres, url: str, processes: Iterable[Served]
) -> Served | None:
    """The process that holds the relay's lock of this service's journal, if any does."""
    number, database = lock_number(f"{service}:relay"), url.rsplit("/", 1)[1]
    port = postgres.execute(_HOLDER.format(number=number, database=database))
    if not port:
        return None
    sockets = _sockets(int(port.splitlines()[0]))
    for served in processes:
        if served.program.running and sockets & _inodes(served.program.pid):
            return served
    return None


def _sockets(port: int) -> set[str]:
    """The inodes of the sockets whose own end is this port."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].split(":")[1], 16) == port:
            found.add(words[9])
    return found


def _inodes(pid: int) -> set[str]:
    """The inodes of the sockets that a process holds open."""
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed between the listing and the look
            target = str(handle.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found
