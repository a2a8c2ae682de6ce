"""The bugs to plant: where, what instead of what, and which tests must notice.

Owns the list. Those with a number are of the fault plan's own list of bugs that a harness must
catch, as far as they can touch a figure; the others are folds that are wrong in one meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

HAND = ("tests/flows/test_register_in_time.py", "tests/flows/test_reviews_in_figures.py")
RANDOM = ("tests/flows/test_figures_equal_the_oracle.py::test_visits_sent_in_batches[json]",)
FIGURES = (*HAND, *RANDOM)
CONSUMER = ("tests/contract/test_consumer.py",)
PURE = ("tests/unit/indicators_write", "tests/properties")
COMPARISONS = ("tests/flows/test_comparisons_equal_the_oracle.py",)
EVERYTHING = (
    "tests/flows/test_everything_equals_the_oracle.py::test_embedded_rebuilt_while_it_works",
)
VERIFICATION = ("tests/integration/test_verification.py",)
WRITE = "services/indicators"


@dataclass(frozen=True)
class Bug:
    """One change of one file: `right` must stand there exactly once."""

    name: str
    path: str
    right: str
    wrong: str
    judges: tuple[str, ...] = FIGURES


DELIVERY = (
    Bug(
        "1 the position moves in a transaction before the effects",
        "shared/journal/consumer.py",
        "            if records:\n                await self._handle(tx, records)\n\n"
        "    async def _set",
        "        async with self._database.transaction() as tx:\n            if records:\n"
        "                await self._handle(tx, records)\n\n    async def _set",
        CONSUMER,
    ),
    Bug(
        "2 a replaced instance is not noticed: what it does counts twice",
        "shared/journal/positions.py",
        "AND partition = $3 AND next = $4",
        "AND partition = $3 AND (next = $4 OR next <> $4)",
        CONSUMER,
    ),
    Bug(
        "3 the journal is read by number though numbers commit out of order",
        "shared/journal/journal.py",
        "    await tx.lock(JOURNAL_LOCK)\n",
        "",
        ("tests/contract/test_journal_order.py",),
    ),
    Bug(
        "4 the answer leaves before the commit",
        "services/ingest/committer.py",
        "        try:\n            fates = await self._attempt(",
        "        from services.ingest.outcomes import accepted\n"
        "        for drafts, future in batch:\n"
        "            if not future.done():\n"
        "                future.set_result([accepted(draft, 1) for draft in drafts])\n"
        "        await asyncio.sleep(0)\n"
        "        try:\n            fates = await self._attempt(",
        ("tests/unit/ingest/test_committer.py",),
    ),
    Bug(
        "5 commits that a power cut undoes",
        "shared/db/sqlite.py",
        '"synchronous=FULL",',
        '"synchronous=NORMAL",',
        ("tests/contract/test_durable_commits.py",),
    ),
    Bug(
        "6 sums in single precision",
        "services/indicators/contributions.py",
        "np.ascontiguousarray(values.T, np.float64)",
        "np.ascontiguousarray(values.T, np.float32)",
        PURE,
    ),
    Bug(
        "6 a value divided in floating point",
        "services/indicators/figures.py",
        "    doubled = 2 * denominator\n",
        "    return np.round(MILLION * numerator / np.maximum(denominator, 1)).astype(np.int64)\n"
        "    doubled = 2 * denominator\n",
        ("tests/unit/indicators_read/test_figures.py",),
    ),
    Bug(
        "7 the last revision to arrive wins",
        "services/indicators/projector.py",
        "            elif known[1].revision < row.revision:\n",
        "            elif known[1].revision != row.revision:\n",
        PURE,
    ),
    Bug(
        "7 of one batch the last revision wins",
        "services/indicators/arrivals.py",
        "        if rival.revision < row.revision:\n",
        "        if True:\n",
        PURE,
    ),
    Bug(
        "10 a batch that fails is passed over",
        "shared/journal/consumer.py",
        "            except BaseException:\n"
        "                # Whatever it was, nothing of this batch is in: what comes after it must"
        " not be.\n"
        "                self._forget(batch.partition)\n                raise\n",
        "            except (Transient, OSError):\n                pass\n",
        CONSUMER,
    ),
    Bug(
        "10 one event that makes no sense takes its batch along",
        "shared/journal/consumer.py",
        "records = [record for record in records if record is not error.record]\n"
        "                await self._set_aside(error)\n                continue",
        "records = []\n                await self._set_aside(error)\n                continue",
        CONSUMER,
    ),
    Bug(
        "11 today is the machine's",
        "services/indicators/snapshots.py",
        "            today = local_today(now, self._zone)\n",
        "            from datetime import datetime\n"
        "            today = datetime.now(self._zone).date()\n",
    ),
)

VISITS = (
    Bug(
        "of two submissions the later visit wins, not the later receipt",
        f"{WRITE}/visits.py",
        "        return (self.received[row], self.visit_id[row], self.source[row]) > (\n"
        "            self.received[rival],\n",
        "        return (self.at[row], self.visit_id[row], self.source[row]) > (\n"
        "            self.at[rival],\n",
    ),
    Bug(
        "a correction makes a visit later",
        f"{WRITE}/incoming.py",
        "        (visit.received_at - _EPOCH) // _MICROSECOND,\n",
        "        (visit.recorded_at - _EPOCH) // _MICROSECOND,\n",
    ),
    Bug(
        "excluded visits count",
        f"{WRITE}/visits.py",
        'standing == "standing" and kind',
        'standing in ("standing", "excluded") and kind',
    ),
    Bug(
        "verification visits count",
        f"{WRITE}/visits.py",
        'standing == "standing" and kind != "verification"',
        'standing == "standing"',
    ),
    Bug(
        "days are those of UTC",
        f"{WRITE}/incoming.py",
        "visited.astimezone(zone).toordinal()",
        "visited.astimezone(UTC).toordinal()",
    ),
    Bug(
        "a corrected visit leaves its old school as it was",
        f"{WRITE}/arrivals.py",
        "        return self.fresh, self.newer, self.replaced\n",
        "        return self.fresh, self.newer\n",
    ),
    Bug(
        "what a correction replaces is not taken out",
        f"{WRITE}/projector.py",
        "gone = {(row.source, row.visit_id) for _, row in change.replaced}",
        "gone = set[Key]()",
    ),
    Bug(
        "an excluded visit that is corrected counts again",
        "services/ingest/changes.py",
        "                standing=self._standing(visit.excluded, released, draft.day),",
        "                standing=self._standing(False, released, draft.day),",
    ),
    Bug(
        "a release outlives the date that was released",
        "services/ingest/changes.py",
        "released = visit.released and visit.day == draft.day",
        "released = visit.released",
    ),
    Bug(
        "a holiday closure counts against a school",
        f"{WRITE}/form.py",
        'form.closure_reason == "holiday"',
        'form.closure_reason == "never"',
    ),
    Bug(
        "half a pair is counted",
        f"{WRITE}/form.py",
        "    if present is None or enrolled is None:\n        return 0\n    place, bit = layout\n"
        "    flow[place] = present\n",
        "    if enrolled is None:\n        return 0\n    place, bit = layout\n"
        "    flow[place] = present or 0\n",
    ),
)

STOCKS = (
    Bug(
        "answers stand a day too long",
        f"{WRITE}/pieces.py",
        "over = day + np.int32(look_back)",
        "over = day + np.int32(look_back + 1)",
    ),
    Bug(
        "an answer stands beside the next one",
        f"{WRITE}/pieces.py",
        "limit[after] = np.minimum(limit[after], day[at[after + 1]])",
        "limit[after] = limit[after]",
    ),
    Bug(
        "what a closed school answered stands",
        f"{WRITE}/pieces.py",
        "    if shut.any():\n",
        "    if False:\n",
    ),
    Bug(
        "stocks of a closed school stand on",
        f"{WRITE}/pieces.py",
        "    if not active.all():\n",
        "    if False:\n",
    ),
    Bug(
        "the neighbours of a change are not looked at beyond two visits",
        f"{WRITE}/projector.py",
        "        if short:\n",
        "        if False:\n",
        (*FIGURES, "tests/properties"),
    ),
    Bug(
        "which groups a school ever answered is forgotten",
        f"{WRITE}/projector.py",
        "        await store.save_groups(tx, change.answered())\n",
        "",
        (*FIGURES, "tests/properties"),
    ),
)

REGISTER = (
    Bug(
        "a late register fact leaves the visits where they were",
        f"{WRITE}/registry_fold.py",
        "rows = await store.visits_of(tx, visited) if visited else []",
        "rows: list[object] = []",
    ),
    Bug(
        "visits that waited for their school wait for ever",
        f"{WRITE}/registry_fold.py",
        "        await store.attribute(tx, sorted(arrived))\n",
        "",
    ),
    Bug(
        "a parent's move does not move what is under it",
        f"{WRITE}/register.py",
        "                if child not in seen:\n",
        "                if False:\n",
    ),
    Bug(
        "a unit's chain is that of its own dates only",
        f"{WRITE}/segments.py",
        "            if parent is not None and parent not in seen:\n",
        "            if False:\n",
    ),
    Bug(
        "the first record does not serve the days before it",
        f"{WRITE}/segments.py",
        "        begin = MIN_DAY if place == 0 else version.valid_from\n",
        "        begin = version.valid_from\n",
    ),
    Bug(
        "the same key does not replace",
        f"{WRITE}/segments.py",
        "            days = {v.valid_from: v for v in known.get(version.code, ())}\n"
        "            changed[version.code] = days\n"
        "        held = days.get(version.valid_from)\n"
        "        if held is None or version.version > held.version:",
        "            days = {v.valid_from: v for v in known.get(version.code, ())}\n"
        "            changed[version.code] = days\n"
        "        held = days.get(version.valid_from)\n"
        "        if held is None:",
    ),
    Bug(
        "merged schools are active",
        f"{WRITE}/segments.py",
        'INACTIVE = frozenset(("closed", "merged"))',
        'INACTIVE = frozenset(("closed",))',
    ),
    Bug(
        "restated figures show the tree of the register's end, not of today",
        f"{WRITE}/register.py",
        "        at = self.segment_at(schools, np.full(schools.size, today, np.int32))\n"
        "        path_now",
        "        at = self.segment_at(schools, np.full(schools.size, MAX_DAY - 1, np.int32))\n"
        "        path_now",
        HAND,
    ),
    Bug(
        "restated figures forget the schools that came",
        f"{WRITE}/gather.py",
        "    for begin in range(0, parts.schools.size, _SCHOOLS_AT_ONCE):\n",
        "    for begin in range(0, 0, _SCHOOLS_AT_ONCE):\n",
    ),
    Bug(
        "a school is covered only where it was visited",
        f"{WRITE}/gather.py",
        "        wanted[register.seg_path[overlaps & inside[register.seg_school]]] = True\n",
        "",
    ),
    Bug(
        "what is said again is never told, whatever comes before it",
        "services/ingest/registry/versions.py",
        "    if place < len(versions) and versions[place].silent:\n",
        "    if False:\n",
    ),
    Bug(
        "the register's first record has the day on which it was sent",
        "services/ingest/registry/store.py",
        "day = today if versions else self._drafter.first_day",
        "day = today",
    ),
    Bug(
        "gender is that of the day of the visit for what stands, too",
        f"{WRITE}/pieces.py",
        "        register.seg_gender[segment],\n",
        "        register.seg_gender[\n"
        "            register.segment_at(school[which], visits.day[row[which]])],\n",
    ),
)

TRUTH = (
    Bug(
        "ties do not share a rank",
        "shared/domain/ranks.py",
        "position=1 + count - bisect_right(values, each.value)",
        "position=1 + count - bisect_left(values, each.value)",
        COMPARISONS,
    ),
    Bug(
        "what came later was known before",
        f"{WRITE}/read_store.py",
        '("recorded <=", known_at))',
        '("recorded <=", None))',
        EVERYTHING,
    ),
    Bug(
        "the past has the register of today",
        f"{WRITE}/snapshots.py",
        "            register=past.register,\n",
        "            register=now.register,\n",
        EVERYTHING,
    ),
    Bug(
        "schools are the same though they answered in one period only",
        f"{WRITE}/changes.py",
        "shared = np.intersect1d(now[0], then[0])",
        "shared = np.union1d(now[0], then[0])",
        COMPARISONS,
    ),
    Bug(
        "a flow's part is by what its school is on D",
        f"{WRITE}/strata.py",
        "        code = traits.at(visits.school[pieces.row], pieces.day)\n",
        "        late = np.full(pieces.row.size, pieces.day.max(initial=0), np.int32)\n"
        "        code = traits.at(visits.school[pieces.row], late)\n",
        EVERYTHING,
    ),
    Bug(
        "a difference is found and folding goes on",
        f"{WRITE}/halts.py",
        "            raise Transient(why)\n",
        "            pass\n",
        VERIFICATION,
    ),
    Bug(
        "a rebuild leaves wrong rows where right ones have the same key",
        f"{WRITE}/rebuild_exchange.py",
        '        equal = "".join(f" AND s.{name} {same} {table}.{name}" for name in rest)\n',
        '        equal = ""\n',
        VERIFICATION,
    ),
    Bug(
        "a rebuild leaves the consumers where they were",
        f"{WRITE}/rebuild.py",
        "            await replay.move_positions(tx)\n",
        "",
        VERIFICATION,
    ),
    Bug(
        "a cell that is not stored is taken for right",
        f"{WRITE}/verify_cells.py",
        "    wrong = merged([held, Sums(right.unit, right.when, -right.values)])\n",
        "    wrong = merged([held, Sums(right.unit, right.when, -right.values)])\n"
        "    both = np.isin(wrong.unit, held.unit) & np.isin(wrong.when, held.when)\n"
        "    wrong = Sums(wrong.unit[both], wrong.when[both], wrong.values[both])\n",
        (*VERIFICATION, "tests/properties/test_contributions_verify.py"),
    ),
)

BUGS = (*DELIVERY, *VISITS, *STOCKS, *REGISTER, *TRUTH)
