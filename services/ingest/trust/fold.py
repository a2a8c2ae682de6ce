"""The fold of trust signals: from events to flags, in the consumer's transaction.

An event only says which visit or school to look at: what is flagged follows from the ledger and the
register as they are now, so that any order of arrival, twice or late, ends in the same flags.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.ingest.drafts import Draft, Drafter
from services.ingest.flags import Flag, SchoolFacts
from services.ingest.intake import refresh
from services.ingest.reading import CORRECTION
from services.ingest.review.decisions import TRUST_LOCK, last_decisions
from services.ingest.review.states import codes_of, state_of
from services.ingest.schemas import VisitForm
from services.ingest.trust import store
from services.ingest.trust.lines import MONITORS, SCHOOLS, Line
from services.ingest.trust.reach import Result, again
from services.ingest.trust.rows import Key, Place, Row
from services.ingest.trust.signals import stored_text
from services.ingest.trust.traits import answers_of, marks_of, minutes_of, on_a_half_hour, spot_of
from shared.clock import from_micros
from shared.db.transaction import Tx
from shared.domain.codes import SCHOOL_PREFIX
from shared.journal.records import InvalidEvent, Record

_AT_ONCE = 1_000
_EPOCH = from_micros(0)
_MICROSECOND = timedelta(microseconds=1)
_RESULTS = 8
"""The last columns of a row follow from the others and from other visits."""


@dataclass
class Batch:
    """Rows in work: each row once, with what is stored of it, and where signals look again."""

    rows: dict[Key, Row] = field(default_factory=dict)
    stored: dict[Key, tuple[object, ...]] = field(default_factory=dict)
    schools: dict[Line, list[Place]] = field(default_factory=dict)
    monitors: dict[Line, list[Place]] = field(default_factory=dict)

    def take(self, row: Row) -> Row:
        """The row in work for a row that was read."""
        known = self.rows.get(row.key)
        if known is None:
            known = self.rows[row.key] = row
            self.stored[row.key] = row.values()
        return known

    def touch(self, row: Row) -> None:
        """Note that the signals are to be computed again around a row."""
        if row.judged:
            self.touch_school(row)
            if row.monitor_id is not None:
                line = Line(MONITORS, (row.source, row.monitor_id))
                self.monitors.setdefault(line, []).append(row.place)

    def touch_school(self, row: Row) -> None:
        """Note that the jumps of a school are to be computed again around a row."""
        self.schools.setdefault(Line(SCHOOLS, (row.school_code,)), []).append(row.place)

    async def apply(self, tx: Tx, results: Sequence[Result]) -> None:
        """Take over what signals say, of rows that were not in work until now as well."""
        far = {result.key[0] for result in results if result.key not in self.rows}
        for row in (await store.rows_of(tx, far)).values():
            self.take(row)
        for result in results:
            setattr(self.rows[result.key], result.column, result.text)

    async def save(self, tx: Tx) -> None:
        """Store the rows that changed since they were read or stored."""
        changed = []
        for key, row in self.rows.items():
            values = row.values()
            if self.stored.get(key) != values:
                self.stored[key] = values
                changed.append(row)
        await store.save(tx, changed)


class Fold:
    """Keeps the flags of all visits as they should be."""

    def __init__(self, drafter: Drafter) -> None:
        self._drafter = drafter

    async def visits(self, tx: Tx, records: list[Record]) -> None:
        """Look again at visits that events are about."""
        keys = []
        for record in records:
            source, _, visit_id = record.event.subject.rpartition("/")
            if not source:
                raise InvalidEvent(record, "the subject names no visit")
            keys.append((visit_id, source))
        await self.begin(tx)
        await self.look(tx, keys)

    async def registry(self, tx: Tx, records: list[Record]) -> None:
        """Look again at the visits of changed schools that were judged by other facts."""
        schools = {record.event.key for record in records}
        codes = [key[len(SCHOOL_PREFIX) :] for key in schools if key.startswith(SCHOOL_PREFIX)]
        await self.begin(tx)
        if not codes:
            return
        keys = [
            key
            for key, code, day, facts in await store.judged_by(tx, sorted(codes))
            if facts != _digest(self._drafter.register.facts(code, day))
        ]
        await self.look(tx, keys)

    async def begin(self, tx: Tx) -> None:
        """Be alone, as neighbours of a visit may be in anybody's batch; know the register."""
        if tx.dialect == "postgresql":
            # Position and effects are one transaction: what a crash forgets is done again.
            await tx.execute("SET LOCAL synchronous_commit = off")
        await tx.lock(TRUST_LOCK)
        await refresh(tx, self._drafter)

    async def look(self, tx: Tx, keys: Iterable[Key]) -> None:
        """Look again at visits; `begin` came before."""
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _AT_ONCE):
            await self._some(tx, wanted[start : start + _AT_ONCE])

    async def _some(self, tx: Tx, keys: Sequence[Key]) -> None:
        ids = [visit_id for visit_id, _ in keys]
        ledger, known = await store.ledger(tx, ids), await store.rows_of(tx, ids)
        pairs: list[tuple[Row | None, Row | None]] = []
        for key in keys:
            visit, old = ledger.get(key), known.get(key)
            stands = visit is not None and visit.standing != "withdrawn"
            new = self._row(visit) if visit is not None and stands else None
            if _given(old) != _given(new):
                pairs.append((old, new))
        if not pairs:
            return
        batch = Batch()
        marks = {mark for old, new in pairs for mark in _remarked(old, new)}
        before = await store.circles(tx, marks)
        await self._write(tx, batch, pairs)
        await self._supersede(tx, batch, pairs)
        await batch.apply(tx, await again(tx, SCHOOLS, batch.schools))
        await batch.apply(tx, await again(tx, MONITORS, batch.monitors))
        await self._share(tx, batch, marks, before)
        await self._settle(tx, batch)
        await batch.save(tx)

    async def _write(
        self, tx: Tx, batch: Batch, pairs: Sequence[tuple[Row | None, Row | None]]
    ) -> None:
        """Store what the visits are now, before anything is read around them."""
        gone: list[tuple[str, Key]] = []
        for old, new in pairs:
            if old is not None:
                kept = set(new.mark_list()) if new is not None else set()
                gone += [(mark, old.key) for mark in old.mark_list() if mark not in kept]
                batch.touch(old)
            if new is not None:
                batch.rows[new.key] = new
                batch.touch(new)
        await store.forget(tx, [old.key for old, new in pairs if old is not None and new is None])
        await store.save_marks(tx, gone, [new for _, new in pairs if new is not None])
        await self._settle(tx, batch)
        await batch.save(tx)

    async def _supersede(
        self, tx: Tx, batch: Batch, pairs: Sequence[tuple[Row | None, Row | None]]
    ) -> None:
        """Decide again which visits count where one monitor reported one school-day twice."""
        touched = {
            (row.school_code, row.day, row.monitor_id)
            for pair in pairs
            for row in pair
            if row is not None and row.monitor_id is not None
        }
        if not touched:
            return
        codes, days, monitors = (sorted(set(column)) for column in zip(*touched, strict=True))
        last: dict[tuple[object, ...], Row] = {}
        mates = [batch.take(row) for row in await store.circle_mates(tx, codes, days, monitors)]
        for row in mates:
            group = (row.school_code, row.day, row.monitor_id)
            rival = last.setdefault(group, row)
            if _received(rival) < _received(row):
                last[group] = row
        for row in mates:
            counted = int(last[row.school_code, row.day, row.monitor_id] is row)
            if counted != row.counted:
                row.counted = counted
                batch.touch_school(row)
        await batch.save(tx)

    async def _share(
        self, tx: Tx, batch: Batch, marks: set[str], before: dict[str, tuple[str, str]]
    ) -> None:
        """Flag visits whose photographs or answers are found in another circle too."""
        after = await store.circles(tx, marks)
        moved = [mark for mark in marks if not (_shared(before, mark) and _shared(after, mark))]
        for row in (await store.rows_of(tx, await store.holders(tx, moved))).values():
            batch.take(row)
        concerned = [row for row in batch.rows.values() if not marks.isdisjoint(row.mark_list())]
        rest = {mark for row in concerned for mark in row.mark_list()} - marks
        after |= await store.circles(tx, rest)
        for row in concerned:
            found = {
                mark.partition(":")[0]
                for mark in row.mark_list()
                if row.judged and after.get(mark, (row.circle,) * 2) != (row.circle,) * 2
            }
            flags = []
            if "photo" in found:
                flags.append(Flag("repeated_photo", "/photos"))
            if found - {"photo"}:
                flags.append(Flag("copied_answers", ""))
            row.shared = stored_text(flags)

    async def _settle(self, tx: Tx, batch: Batch) -> None:
        """Put each row's flags together and say where it stands in the queue."""
        last = await last_decisions(tx, [visit_id for visit_id, _ in batch.rows])
        for key, row in batch.rows.items():
            row.merge()
            codes = codes_of(row.flags)
            row.state = state_of(row.standing, codes, row.form_revision, last.get(key))

    def _row(self, visit: store.Ledger) -> Row:
        """What a visit in the ledger tells the signals, judged by the register as it is."""
        form = CORRECTION.decode(visit.form.encode())
        register, drafter = self._drafter.register, self._drafter
        facts = register.facts(visit.school_code, visit.day)
        standing = visit.standing
        if standing == "standing" and not register.knows(visit.school_code):
            standing = "waiting"
        kind = form.visit_type or "routine"
        draft = _draft(form, visit, drafter)
        drafter.judge(draft)
        spot = spot_of(form, facts)
        return Row(
            visit_id=visit.visit_id,
            source=visit.source,
            revision=visit.revision,
            form_revision=visit.form_revision,
            school_code=visit.school_code,
            monitor_id=form.monitor_id,
            at=(form.visited_at - _EPOCH) // _MICROSECOND,
            day=visit.day,
            received_at=visit.received_at,
            standing=standing,
            kind=kind,
            status=form.status,
            counted=int(standing == "standing" and kind != "verification"),
            rounded=int(on_a_half_hour(draft.local)),
            minutes=minutes_of(form),
            lat=spot.lat if spot else None,
            lon=spot.lon if spot else None,
            accuracy_m=spot.accuracy_m if spot else None,
            answers=stored_text(answers_of(form)),
            marks=stored_text(marks_of(form, visit.source, visit.school_code)),
            facts=_digest(facts),
            own=stored_text(draft.flags),
        )


def _draft(form: VisitForm, visit: store.Ledger, drafter: Drafter) -> Draft:
    """The stored visit as it was judged when it came."""
    return Draft(
        visit=form,
        visit_id=visit.visit_id,
        source=visit.source,
        actor="",
        digest=b"",
        text=visit.form.encode(),
        measured=b"",
        code=visit.school_code,
        local=form.visited_at.astimezone(drafter.zone),
        day=visit.day,
        received=visit.received_at,
        received_at="",
        standing="standing" if visit.day >= drafter.first_day else "quarantined",
    )


def _received(row: Row) -> tuple[int, str, str]:
    """Of one monitor's reports about one school-day, the last one received counts."""
    return row.received_at, row.visit_id, row.source


def _digest(facts: SchoolFacts | None) -> str:
    """A short digest of what the register says of a school on a day; empty when nothing."""
    if facts is None:
        return ""
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _given(row: Row | None) -> tuple[object, ...] | None:
    """What of a row follows from its visit and the register alone."""
    if row is None:
        return None
    values = list(row.values()[:-_RESULTS])
    return (*values, row.own)


def _remarked(old: Row | None, new: Row | None) -> set[str]:
    """The marks whose holders change when a visit's row does."""
    was = {(m, old.circle, old.standing) for m in old.mark_list()} if old else set()
    now = {(m, new.circle, new.standing) for m in new.mark_list()} if new else set()
    return {mark for mark, _, _ in was | now}


def _shared(circles: dict[str, tuple[str, str]], mark: str) -> bool:
    first, last = circles.get(mark, ("", ""))
    return first != last
