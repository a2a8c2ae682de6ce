"""Bugs between a visit's arrival and its fold, by the numbers of the fault plan's own list.

Owns those of the list that can touch a figure.
"""

from __future__ import annotations

from tests.mutants.bug import CONSUMER, PURE, Bug

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
        "        return []\n    await tx.lock(JOURNAL_LOCK)\n",
        "        return []\n",
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
