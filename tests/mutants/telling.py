"""Wrong answers from right sums: comparisons, the past, verification, rebuilds, estimates.

Owns the bugs of reading and of keeping figures true.
"""

from __future__ import annotations

from tests.mutants.bug import COMPARISONS, ESTIMATES, EVERYTHING, PAST, VERIFICATION, WRITE, Bug

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
        "what replaced a visit since is taken back, and the visit that stood then is forgotten",
        f"{WRITE}/as_known.py",
        "for row in since.replaced.get(each.school, ())]",
        "for row in ()]",
        PAST,
    ),
    Bug(
        "a school that has moved since is taken for one that stands where it stood",
        f"{WRITE}/as_known.py",
        "grouping, grouping_now, schools, moved)",
        "grouping, grouping_now, schools, moved[:0])",
        PAST,
    ),
    Bug(
        "who was visited since was visited before",
        f"{WRITE}/as_known.py",
        "each.where(~(taken | _among(each.school, each.day, since.places)))",
        "each.where(~taken)",
        PAST,
    ),
    Bug(
        "what a clock that is ahead dated later was not known",
        f"{WRITE}/as_known.py",
        "    if since.ahead:\n",
        "    if False:\n",
        PAST,
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
    Bug(
        "an answer passes over estimates that came while it was read",
        f"{WRITE}/freshness.py",
        "        return min(told, max(looked, newest))\n",
        "        return told\n",
        ESTIMATES,
    ),
    Bug(
        "another version of a definition takes the estimates of the old one",
        f"{WRITE}/figures.py",
        "alike.of.get((line.indicator, line.version))",
        "dict((key[0], each) for key, each in alike.of.items()).get(line.indicator)",
        ESTIMATES,
    ),
)
