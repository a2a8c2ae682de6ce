"""Who is to be told that figures moved, and what: the listeners of this process (07, Live).

Owns the looking at the service's own journal, which every process that folds writes to, so that it
does not matter which of them did; what each listener has yet to be told, merged into one notice
that never grows, however slow its reader is; and resuming after a notice. How a notice is worded
is `stream_routes`'.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog

from services.indicators.lasting import Lasting
from services.indicators.snapshots import Snapshot, Snapshots
from shared.clients.figure_answers import AsOf
from shared.db.engine import Database
from shared.db.errors import Transient
from shared.db.signal import Signal
from shared.errors import Problem
from shared.journal import journal

MOST_LISTENERS = 1_000
MOST_OF_ONE = 100
_MOST_NAMED = 200
_MOST_BEHIND = 2_000
_TOPIC = "rtsm.figures"
_PACE_SECONDS = 0.2
"""Between two looks, however often is committed: a listener is told at most five times a second."""
_POLL_SECONDS = 0.5
"""How long another process's commit may go unseen: a commit of this one is heard at once."""
_REST_SECONDS = 2.0
"""After a look that failed."""
_LOOK_SECONDS = 10.0
"""A look that takes longer is given up: a connection may have died without a word."""
_LOG = structlog.get_logger("rtsm.indicators.stream")


_VERSION = re.compile(r"\d+-\d+-(\d{1,16})(\.[\w.-]+)?", re.ASCII)
"""The versions of answers: the third number is where the journal ended."""


class Moved(msgspec.Struct, frozen=True):
    """The data of an event of the journal: the units that moved, over which days (ISO)."""

    units: list[str]
    first_day: str
    last_day: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a listener is told; `units` and days are None when anything may have moved."""

    position: int
    units: list[str] | None
    first_day: str | None
    last_day: str | None
    fresh: AsOf


@dataclass(slots=True, eq=False)
class Listener:
    """What one caller watches, and what it has yet to be told.

    `watched` gives for a unit of the journal the ids that the caller asked for; None watches
    everything, and is told districts. `position` is the last record that is taken account of.
    """

    who: str
    watched: Mapping[str, frozenset[str]] | None
    position: int
    fresh: AsOf
    _units: set[str] = field(default_factory=set)
    _days: tuple[str, str] | None = None
    _anything: bool = False

    def hear(self, position: int, district: str, moved: Moved) -> None:
        """Take account of one record, once."""
        if position <= self.position:
            return
        self.position = position
        if self.watched is None:
            self._units.add(district)
        else:
            named = [ids for unit in moved.units if (ids := self.watched.get(unit))]
            if not named:
                return
            self._units.update(*named)
        first, last = self._days or (moved.first_day, moved.last_day)
        self._days = min(first, moved.first_day), max(last, moved.last_day)
        if len(self._units) > _MOST_NAMED:
            self.lose(position)

    def lose(self, position: int) -> None:
        """Give up on saying what moved: too much did."""
        self.position = max(position, self.position)
        self._anything = True
        self._units.clear()

    def take(self) -> Notice | None:
        """All that there is to tell, as one notice; None when nothing moved."""
        if self._anything:
            notice = Notice(self.position, None, None, None, self.fresh)
        elif self._days is not None:
            notice = Notice(self.position, sorted(self._units), *self._days, self.fresh)
        else:
            return None
        self._units.clear()
        self._days, self._anything = None, False
        return notice


class Stream:
    """The listeners of this process."""

    def __init__(
        self,
        database: Database,
        snapshots: Snapshots,
        ending: asyncio.Event,
        patience: float = _LOOK_SECONDS,
    ) -> None:
        """`ending` is set when the process begins to stop; `patience` (seconds) is a look's."""
        self._patience = patience
        self._given_up: set[asyncio.Task[int]] = set()
        self._database = database
        self._snapshots = snapshots
        self._ending = ending
        self._listeners: set[Listener] = set()
        self._position = 0
        self._following = Lasting("the stream of moved figures")
        self.bell = Signal()
        """Rung when some listener may have something to be told, and when all is over."""

    @property
    def over(self) -> bool:
        """Whether the process is stopping: listeners come back elsewhere, or later."""
        return self._ending.is_set()

    def admit(self, who: str | None) -> None:
        """Raise Problem 503 or 429 when there are too many listeners, of all or of one caller."""
        if len(self._listeners) >= MOST_LISTENERS or self.over:
            detail = "This process has no room for another listener. Try again in a moment."
            raise Problem(503, "too_many_listeners", detail, headers={"Retry-After": "10"})
        if who is not None and sum(each.who == who for each in self._listeners) >= MOST_OF_ONE:
            detail = f"This key listens {MOST_OF_ONE} times already."
            raise Problem(429, "too_many_listeners", detail, headers={"Retry-After": "10"})

    async def join(
        self,
        snapshot: Snapshot,
        who: str,
        watched: Mapping[str, frozenset[str]] | None,
        after: int | None,
    ) -> Listener:
        """A listener from this snapshot on, or from after the record `after`: see `leave`."""
        # No lock: the snapshot holds one of a few connections, which a look may be waiting for.
        # What a look told meanwhile is told to this listener by the next: see `_told_up_to`.
        last = await journal.end(snapshot.tx) - 1
        start = last if after is None else after
        listener = Listener(who, watched, min(start, last), snapshot.freshness())
        if start > last:
            listener.lose(last)  # another journal's position: it was restored, or made anew
        else:
            await _heard(snapshot, [listener], start, last)
            listener.position = last
        if not self._listeners:
            self._position = last
        self._listeners.add(listener)
        self.bell.ring()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    async def run(self) -> None:
        """Look for records as long as somebody listens."""
        while True:
            heard, rings = self.bell.rings, self._database.committed.rings
            if not self._listeners:
                await self.bell.wait(heard, 60.0)
                continue
            looked = await self._following.attempt(self._look_in_time)
            await asyncio.sleep(_PACE_SECONDS if looked else _REST_SECONDS)
            await self._database.committed.wait(rings, _POLL_SECONDS)

    async def _look_in_time(self) -> int:
        """Look, or raise Transient: then the next look tells of all that this one would have.

        What is given up is not waited for: to roll back on a dead connection may take minutes.
        """
        looking = asyncio.create_task(self.look())
        try:
            await asyncio.wait([looking], timeout=self._patience)
        except asyncio.CancelledError:
            looking.cancel()
            await asyncio.wait([looking], timeout=self._patience)
            raise
        if looking.done():
            return looking.result()
        self._given_up.add(looking)
        looking.add_done_callback(self._ended)
        looking.cancel()
        raise Transient(f"nothing was heard of the journal for {self._patience} s")

    def _ended(self, looking: asyncio.Task[int]) -> None:
        """Forget a look that was given up, and tell what became of it."""
        self._given_up.discard(looking)
        error = None if looking.cancelled() else looking.exception()
        if error is not None:
            _LOG.warning("a look that was given up failed", error=str(error))

    async def trouble(self) -> str | None:
        """Say why listeners are told nothing, for readiness; None: they are, or there are none."""
        return await self._following.trouble() if self._listeners else None

    async def until_over(self) -> None:
        """Wake every listener when the process begins to stop."""
        await self._ending.wait()
        self.bell.ring()

    async def look(self) -> int:
        """Tell the listeners of what was written since the last look; how many there are."""
        followed = self._position
        async with self._database.reading() as tx:
            if await journal.end(tx) - 1 == self._told_up_to():
                return len(self._listeners)
        async with self._snapshots.open() as snapshot:
            await self._tell(snapshot, list(self._listeners), followed)
        self.bell.ring()
        return len(self._listeners)

    def _told_up_to(self) -> int:
        """The last record that every listener has heard: one may have joined during a look."""
        return min([self._position, *(listener.position for listener in self._listeners)])

    async def _tell(self, snapshot: Snapshot, listeners: list[Listener], followed: int) -> None:
        last = await journal.end(snapshot.tx) - 1
        if last < followed:  # another journal stands in the place of the one we followed
            for listener in listeners:
                listener.position = 0
                listener.lose(last)
        start = min([followed, last, *(listener.position for listener in listeners)])
        await _heard(snapshot, listeners, start, last)
        for listener in listeners:
            listener.position = max(listener.position, last)
            listener.fresh = snapshot.freshness()
        self._position = last


async def _heard(snapshot: Snapshot, listeners: Iterable[Listener], start: int, last: int) -> None:
    """Let listeners hear the records after `start` up to `last`; of too many, that there are."""
    records = (
        await journal.read(snapshot.tx, _TOPIC, start + 1, [_TOPIC], _MOST_BEHIND + 1)
        if start < last
        else []
    )
    if len(records) > _MOST_BEHIND:
        for listener in listeners:
            listener.lose(last)
        return
    decoder = msgspec.json.Decoder(Moved)
    for record in records:
        try:
            moved = decoder.decode(record.event.data)
        except msgspec.DecodeError as error:
            # To stop at it would be to stop for ever: anything may have moved.
            _LOG.error("a record cannot be read", position=record.position, error=str(error))
            for listener in listeners:
                listener.lose(record.position)
            continue
        for listener in listeners:
            listener.hear(record.position, record.event.key, moved)


def position_of(version: str) -> int | None:
    """The last record of the journal when an answer of that version was made; None: it is none."""
    found = _VERSION.fullmatch(version)
    return None if found is None else int(found[1])
