"""The journal itself as the feed: read where it was written, woken by commits of this process.

Where the writer is another process, a short pause between looks stands in for the wake-up.
"""

from collections.abc import Mapping, Sequence

from shared.db.engine import Database
from shared.journal import journal
from shared.journal.feed import Load
from shared.journal.records import Batch


class JournalFeed:
    """Reads the topics of one service's journal as a single partition."""

    def __init__(self, database: Database, service: str, topics: Sequence[str]) -> None:
        self._database = database
        self._topics = list(topics)
        self.partition = f"{service}.journal"
        self._load: Load | None = None
        self._next: int | None = None

    async def open(self, load: Load) -> None:
        """Open the journal's database; the position is asked for at the first fetch."""
        await self._database.open()
        self._load = load

    async def close(self) -> None:
        """The database belongs to the platform: nothing to let go."""

    def forget(self, partition: str) -> None:
        """Ask for the position again."""
        if partition == self.partition:
            self._next = None

    def healed(self) -> None:
        """A journal never loses its past: nothing to do."""

    async def fetch(self, limit: int, wait: float) -> Batch | None:
        """The next records, waiting up to `wait` seconds for a commit."""
        if self._next is None:
            if self._load is None:
                raise RuntimeError("the feed is not open")
            self._next = await self._load(self.partition) or 1
        rings = self._database.committed.rings
        async with self._database.reading() as tx:
            records = await journal.read(tx, self.partition, self._next, self._topics, limit)
        if not records:
            await self._database.committed.wait(rings, wait)
            return None
        self._next = records[-1].position + 1
        return Batch(self.partition, records, self._next)

    async def lag(self) -> int | None:
        """Records of the journal not yet read."""
        async with self._database.reading() as tx:
            return max(0, await journal.end(tx) - (self._next or 1))

    async def ends(self) -> Mapping[str, int] | None:
        """The end of the journal."""
        async with self._database.reading() as tx:
            return {self.partition: await journal.end(tx)}
