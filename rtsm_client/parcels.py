"""Visits as lines of JSON, packed into parcels that the server takes in one request.

Owns encoding and packing: below 32 MiB by a wide margin, and smaller while the network is bad.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from rtsm_client.errors import NotSendable

MOST_BYTES = 32 * 1024 * 1024
"""What the server takes in one NDJSON request."""
PARCEL_BYTES = 4 * 1024 * 1024
PARCEL_LINES = 2_000
LINE_BYTES = 1024 * 1024
"""A longer line is refused here: no visit comes near, the server takes a quarter of it."""

Sendable = Mapping[str, Any] | bytes
"""A visit as a mapping, or as the bytes of one line of JSON."""


def line_of(visit: Sendable) -> bytes:
    """A visit as one line of JSON without its end; raises NotSendable."""
    if isinstance(visit, bytes):
        line = visit.strip(b" \t\r\n")
    else:
        try:
            text = json.dumps(
                visit,
                ensure_ascii=False,
                allow_nan=False,
                separators=(",", ":"),
                default=_plain,
            )
            line = text.encode()
        except (TypeError, ValueError) as error:
            raise NotSendable(f"The visit is no JSON: {type(error).__name__}.") from error
    if not line:
        raise NotSendable("An empty line is no visit.")
    if b"\n" in line:
        raise NotSendable("A visit is one line.")
    if len(line) > LINE_BYTES:
        raise NotSendable(f"A visit has at most {LINE_BYTES} bytes.")
    return line


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant needs its offset from UTC")
        return value.isoformat()
    if isinstance(value, date | UUID):
        return value.isoformat() if isinstance(value, date) else str(value)
    raise TypeError("not a JSON value")


class Parcels:
    """Takes lines off an iterable in parcels; what was not delivered stays at the front."""

    def __init__(
        self, lines: Iterable[bytes], most_bytes: int = PARCEL_BYTES, most_lines: int = PARCEL_LINES
    ) -> None:
        if not 0 < most_bytes <= MOST_BYTES or most_lines < 1:
            raise ValueError(f"a parcel has 1..{MOST_BYTES} bytes and at least one line")
        self._lines = iter(lines)
        self._ahead: deque[bytes] = deque()
        self._bytes = most_bytes
        self._most = most_lines
        self._size = most_lines

    def parcel(self) -> list[bytes]:
        """The next lines to send, empty at the end; the same again until `delivered`."""
        chosen: list[bytes] = []
        size = 0
        while len(chosen) < self._size:
            if len(chosen) == len(self._ahead):
                line = next(self._lines, None)
                if line is None:
                    break
                self._ahead.append(line)
            line = self._ahead[len(chosen)]
            size += len(line) + 1
            if chosen and size > self._bytes:
                break
            chosen.append(line)
        return chosen

    def delivered(self, count: int) -> None:
        """Forget the first `count` lines, and dare a larger parcel next time."""
        for _ in range(count):
            self._ahead.popleft()
        self._size = min(self._most, self._size * 2)

    def smaller(self, than: int) -> bool:
        """Make the next parcel half of one of `than` lines; False when it is one line already."""
        self._size = max(1, than // 2)
        return than > 1
