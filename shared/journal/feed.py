"""What a consumer reads from, whatever carries it: the contract that both feeds keep.

- Records of a partition come in order; each partition is read from the position that `load` names
  (None: from its beginning) whenever the feed meets it anew, and again after `forget`.
- A batch may come again, and a record may come twice in different positions: consumers
  count by key.
- `LostPast` is raised when the records that should come next are gone.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from shared.journal.records import Batch

Load = Callable[[str], Awaitable[int | None]]


class Feed(Protocol):
    """A source of batches."""

    async def open(self, load: Load) -> None:
        """Get ready; `load` tells where a partition was left."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...

    async def fetch(self, limit: int, wait: float) -> Batch | None:
        """The next batch of at most `limit` records, or None after `wait` seconds without any."""
        ...

    def forget(self, partition: str) -> None:
        """Ask `load` again before reading more of this partition."""
        ...

    def healed(self) -> None:
        """The records that were lost have been taken from elsewhere: go on with what is there."""
        ...

    async def lag(self) -> int | None:
        """How many records are waiting to be read, where that is known."""
        ...

    async def ends(self) -> Mapping[str, int] | None:
        """The position after the last record of every partition, whoever reads it, where known."""
        ...
