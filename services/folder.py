"""A data folder and who may use it: one process at a time.

Owns the lock, and the refusal that the command line shows.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Refused(Exception):  # noqa: N818 - a kind with a fate
    """What was asked for cannot be done now; the text says why."""


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Hold a data folder alone; raises Refused when another process holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(f"{folder} is in use by another rtsm process.") from error
        yield
    finally:
        os.close(handle)
