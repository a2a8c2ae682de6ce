"""Folds that take one word of a visit or of what stands in a wrong meaning.

Owns the bugs of visits and of stocks; those of the register are `placing`'s.
"""

from __future__ import annotations

from tests.mutants.bug import FIGURES, WRITE, Bug

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
        f"{WRITE}/store.py",
        "    if short:\n",
        "    if False:\n",
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
