"""Folds that are wrong about the register: who belonged where, and when that was known.

Owns the bugs of units, schools and their dates.
"""

from __future__ import annotations

from tests.mutants.bug import HAND, WRITE, Bug

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
