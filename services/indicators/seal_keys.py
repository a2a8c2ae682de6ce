"""Giving and checking seals: the deployment's key, and which answers may be sealed at all.

Owns the one row that holds the key, made when the service first starts and kept for ever, since a
printed seal must be checkable years later. What a seal says is `seals`'.
"""

from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import ZoneInfo

from services.indicators.seals import Sealed, Verdict, judged, read_seal, seal_of
from services.indicators.snapshots import Snapshot
from shared.clock import Clock, micros
from shared.db.engine import Database
from shared.db.transaction import Tx
from shared.domain.days import local_day
from shared.journal import journal, positions

Settled = Callable[[Tx], Awaitable[bool]]
"""Whether a view holds everything that has been recorded, so that nothing in it is newer than its
`as_of`."""
_BYTES = 32
_SELECT = "SELECT secret FROM seal_keys WHERE id = 0"


class Sealer:
    """Seals answers, and says what a seal is worth."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        zone: ZoneInfo,
        settled: Settled,
        random: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._settled = settled
        self._random = random
        self._secret: bytes | None = None

    async def ready(self) -> None:
        """Read the key, or make it: whoever seals holds a view, and should wait for nobody."""
        await self._key()

    async def seal(self, snapshot: Snapshot, answer: Sealed) -> str | None:
        """The seal of an answer with all figures of a unit.

        None while it cannot be said by which instant everything in it was recorded: of a past
        instant, when not all that was recorded by then has arrived here; of the present, when
        something is on its way.
        """
        known_at = await self._instant(snapshot)
        if known_at is None:
            return None
        secret = await self._key()
        version = snapshot.definitions.version
        return seal_of(answer, known_at, version, snapshot.look_back, secret).text()

    async def judged(self, snapshot: Snapshot, answer: Sealed, text: str) -> Verdict:
        """What a seal is worth beside the figures of a past instant, computed now."""
        known_at = snapshot.as_of if snapshot.known_at is None else snapshot.known_at
        version, look_back = snapshot.definitions.version, snapshot.look_back
        secret = await self._key()
        return judged(read_seal(text), answer, known_at, version, look_back, secret)

    async def _instant(self, snapshot: Snapshot) -> int | None:
        if snapshot.known_at is not None:
            return snapshot.known_at if snapshot.known_at <= snapshot.as_of else None
        if local_day(snapshot.as_of, self._zone) != snapshot.day:
            return None
        return snapshot.as_of if await self._settled(snapshot.tx) else None

    async def _key(self) -> bytes:
        if self._secret is None:
            async with self._database.reading() as tx:
                found = await tx.fetch_one(_SELECT)
            self._secret = await self._made() if found is None else bytes(found[0])
        return self._secret

    async def _made(self) -> bytes:
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO seal_keys (id, secret, made) VALUES ($1, $2, $3) "
                "ON CONFLICT (id) DO NOTHING",
                0,
                self._random(_BYTES),
                micros(self._clock.now()),
            )
            # Another instance may have been first: its key is everybody's.
            found = await tx.fetch_one(_SELECT)
        return bytes(found[0])


def settled_by(ledger: Database, service: str, topics: Mapping[str, str]) -> Settled:
    """Settled where a journal is the feed; `topics`: what each consumer (by name) reads of it."""
    partition = f"{service}.journal"

    async def settled(tx: Tx) -> bool:
        async with ledger.reading() as source:
            for name, topic in topics.items():
                following = await positions.load(tx, name, partition) or 1
                if await journal.read(source, partition, following, [topic], 1):
                    return False
        return True

    return settled


async def unsettled(_: Tx) -> bool:
    """Never settled: where a feed is between, a view cannot tell what is on its way."""
    return False
