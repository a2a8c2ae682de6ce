"""The visits behind a figure, and those left out, each with its reason (04 §5).

Owns the reasons and the paging, school by school in the order of codes. For flows these are the
visits of the window's days; for stocks those whose answer may stand on D, and since when it does,
and the last answers that are too old to. Whatever another visit took the place of names it.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.indicators import gather, read_store, strata, sums
from services.indicators.asking import Question
from services.indicators.catalogue import Definitions
from services.indicators.contributions import whole_pieces
from services.indicators.figures import parts_of
from services.indicators.measures import DERIVED, GROUP_COLUMNS, GROUPS, S
from services.indicators.pieces import FlowPieces, flow_pieces, standing_ends
from services.indicators.read_store import Seen
from services.indicators.register import Register
from services.indicators.snapshots import Place, Snapshot
from services.indicators.spans import Span
from services.indicators.traits import KINDS, OF_VISITS, Part, Traits
from services.indicators.visits import Visits
from shared.clients.figure_answers import Evidence
from shared.clock import rfc3339
from shared.domain.days import day_date, day_number

_SCHOOLS_AT_ONCE = 100
_REPLACED = frozenset(("superseded", "answered_again_later"))
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Page:
    """Some evidence; `after` is the code of the last school when there is more."""

    rows: list[Evidence]
    after: str | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """For each visit: shown at all, counted, why not, its parts, and how long it stands.

    `instead` is the row of the visit that took its place, -1 for none.
    """

    shown: Flags
    reason: list[str | None]
    numerator: NDArray[np.int64]
    denominator: NDArray[np.int64] | None
    stands: list[tuple[int, int] | None]
    instead: NDArray[np.intp]


async def evidence(
    snapshot: Snapshot,
    place: Place,
    question: Question,
    line: int,
    after: str | None,
    most: int,
    part: Part | None = None,
) -> Page:
    """About `most` rows of evidence from the schools whose codes come after `after`.

    A page ends with a school: its visits are never on two pages. Of a part, the visits of the
    schools, or of the type, that it is made of, whether its sums are stored or made when asked.
    """
    part = part or _stored_part(snapshot.definitions.lines[line].split)
    register = snapshot.register
    asked = snapshot.asked((question.span,), question.view)
    if place.unit is None:
        placed = gather.each_school(register)
        grouping = sums.by_schools(len(register.school_codes), [place.school or 0])
        schools = [place.school or 0]
    else:
        placed, grouping = asked.placed, sums.by_units(register, [place.unit])
        schools = gather.ever_under(register, grouping).tolist()
    codes = {register.school_codes[school]: school for school in schools}
    left = [code for code in sorted(codes) if after is None or code > after]
    judge = _Judge(
        snapshot.definitions,
        placed,
        grouping.layers[0] >= 0,
        question.span,
        snapshot.look_back,
        line,
    )
    first, last = asked.days
    rows: list[Evidence] = []
    for begin in range(0, len(left), _SCHOOLS_AT_ONCE):
        chunk = left[begin : begin + _SCHOOLS_AT_ONCE]
        seen = await read_store.visits_seen(
            snapshot.tx,
            [codes[code] for code in chunk],
            first - judge.before,
            last,
            known_at=asked.known_at,
        )
        found = await asyncio.to_thread(judge.rows, seen)
        if part is not None:
            traits = await strata.traits_of(snapshot.tx, asked, sorted(found), part.kind)
            on = None if judge.is_flow else question.span.state_on
            found = {school: _of(part, traits, school, found[school], on) for school in found}
        for code in chunk:
            rows += found.get(codes[code], [])
            if len(rows) >= most:
                return Page(await _coded(snapshot, rows), None if code == left[-1] else code)
    return Page(await _coded(snapshot, rows), None)


def _stored_part(split: str | None) -> Part | None:
    """The part that a stored split of schools or of visits' types is."""
    kind, _, word = (split or "").partition(":")
    return Part(kind, word) if kind in KINDS else None


def _of(
    part: Part, traits: Traits, school: int, rows: list[Evidence], on: int | None
) -> list[Evidence]:
    """The rows that belong to a part: by what the school is on D (`on`), or on the visit's day."""
    if part.kind in OF_VISITS:
        return [row for row in rows if row["visit_type"] == part.word]
    days = [on if on is not None else day_number(date.fromisoformat(row["day"])) for row in rows]
    codes = traits.at(np.full(len(rows), school, np.int32), np.array(days, np.int32))
    words = [traits.words[code] for code in codes.tolist()]
    return [row for row, word in zip(rows, words, strict=True) if word == part.word]


async def _coded(snapshot: Snapshot, rows: list[Evidence]) -> list[Evidence]:
    """The rows with school codes as they are registered."""
    known = await snapshot.schools(list({row["school_code"] for row in rows}))
    for row in rows:
        dated = known.get(row["school_code"])
        if dated is not None:
            row["school_code"] = dated.on(snapshot.day).school_code
            row["unit"] = f"school:{row['school_code']}"
    return rows


class _Judge:
    """Says of every visit whether it is behind one line in one window, and why not."""

    def __init__(
        self,
        definitions: Definitions,
        placed: Register,
        inside: Flags,
        span: Span,
        look_back: int,
        line: int,
    ) -> None:
        self._definitions = definitions
        self._placed = placed
        self._inside = inside
        self._span = span
        self._look_back = look_back
        self._line = line
        self._basis = definitions.of(line).basis
        self.before = look_back if self._basis == "stock" else 0
        """Days before those of the question: an answer that is too old is shown as well."""

    @property
    def is_flow(self) -> bool:
        """Whether a visit counts on its own day; the others are looked at on D."""
        return self._basis == "flow"

    def rows(self, seen: Seen) -> dict[int, list[Evidence]]:
        """The rows of each school, in order of the visits."""
        visits = seen.visits
        if len(visits) == 0:
            return {}
        verdicts = self._stock(seen) if self._basis == "stock" else self._flow(seen)
        found: dict[int, list[Evidence]] = {}
        for row in visits.order().tolist():
            if verdicts.shown[row]:
                found.setdefault(int(visits.school[row]), []).append(_row(seen, row, verdicts))
        return found

    def _flow(self, seen: Seen) -> Verdicts:
        visits, span = seen.visits, self._span
        everything = np.arange(len(visits))
        counted = visits.counted()
        pieces = flow_pieces(visits, everything, self._placed)
        here = self._inside[pieces.path]
        in_window = (visits.day >= span.first) & (visits.day <= span.last)
        denominator = np.zeros(len(visits), np.int64)
        if self._basis is None:
            belongs = self._belongs_on_d(seen)
            numerator = _first_of_each(visits, counted & in_window & belongs)
            answered = np.ones(len(visits), np.bool_)
            shown = in_window & (here | belongs)
            elsewhere = ~belongs
        else:
            numerator, denominator, answered = parts_of(
                self._definitions, self._line, pieces.values(visits)
            )
            shown = in_window & here
            elsewhere = np.zeros(len(visits), np.bool_)
        reasons = [
            left_out(seen, row, counted=bool(counted[row]))
            or ("not_in_unit_on_d" if elsewhere[row] else None)
            or (None if answered[row] else "not_answered")
            for row in range(len(visits))
        ]
        nothing: list[tuple[int, int] | None] = [None] * len(visits)
        shares = bool(self._definitions.lines[self._line].denominators) and self._basis is not None
        return Verdicts(
            shown, reasons, numerator, denominator if shares else None, nothing, _winners(visits)
        )

    def _belongs_on_d(self, seen: Seen) -> Flags:
        """Whether each visit's school is active on D and belongs to the unit then."""
        school = seen.visits.school
        at = self._placed.segment_at(school, np.full(school.size, self._span.state_on, np.int32))
        found: Flags = self._inside[self._placed.seg_path[at]] & (self._placed.seg_active[at] == 1)
        return found

    def _stock(self, seen: Seen) -> Verdicts:
        visits, on = seen.visits, self._span.state_on
        group = _group(self._definitions.lines[self._line].answered)
        counted = visits.counted()
        ends = standing_ends(visits, visits.order(), counted, self._placed, self._look_back)
        end = ends[:, group]
        pieces = whole_pieces(visits, self._placed, self._look_back).stock
        mine = pieces.groups >> group & 1 == 1
        standing = np.zeros(len(visits), np.bool_)
        here = (pieces.start <= on) & (on < pieces.end) & mine & self._inside[pieces.path]
        standing[pieces.row[here]] = True
        answers = sums.answers_of(visits, self._placed_on_d(seen))
        numerator, denominator, answered = parts_of(self._definitions, self._line, answers)
        if self._definitions.lines[self._line].answered == "known":
            denominator = np.ones(len(visits), np.int64)
        given = visits.groups >> group & 1 == 1
        at_visit = flow_pieces(visits, np.arange(len(visits)), self._placed)
        was_here = self._inside[at_visit.path]
        belongs = self._belongs_on_d(seen)
        recent = (visits.day <= on) & (visits.day > on - self._look_back)
        too_old = counted & given & (visits.day + self._look_back == end) & (end <= on)
        shown = (recent | too_old) & (was_here | belongs)
        reasons: list[str | None] = []
        for row in range(len(visits)):
            reason = left_out(seen, row, counted=bool(counted[row]))
            if reason is None and not given[row]:
                reason = "not_answered"
            if reason is None and not standing[row]:
                reason = (
                    "too_old"
                    if too_old[row]
                    else _not_standing(int(end[row]), int(visits.day[row]), on)
                )
            if reason is None and not answered[row]:
                reason = "not_answered"
            reasons.append(reason)
        stands = [
            (int(visits.day[row]), int(end[row])) if end[row] > visits.day[row] else None
            for row in range(len(visits))
        ]
        instead = _winners(visits)
        again = np.array([reason == "answered_again_later" for reason in reasons])
        instead[again] = _successors(visits, np.flatnonzero(counted & given))[again]
        return Verdicts(shown, reasons, numerator, denominator, stands, instead)

    def _placed_on_d(self, seen: Seen) -> FlowPieces:
        """Every visit with the gender that its school has on D."""
        visits = seen.visits
        day = np.full(len(visits), self._span.state_on, np.int32)
        pieces = flow_pieces(visits, np.arange(len(visits)), self._placed)
        at = self._placed.segment_at(visits.school, day)
        return replace(pieces, gender=self._placed.seg_gender[at])


def _first_of_each(visits: Visits, chosen: Flags) -> NDArray[np.int64]:
    """1 for the first of the chosen visits of each school, 0 for all others."""
    found = np.zeros(len(visits), np.int64)
    order = visits.order()
    order = order[chosen[order]]
    _, first = np.unique(visits.school[order], return_index=True)
    found[order[first]] = 1
    return found


def _winners(visits: Visits) -> NDArray[np.intp]:
    """For each visit the one that counts of its school, monitor and day; -1 for itself or none."""
    best = {
        (int(visits.school[row]), int(visits.day[row]), visits.monitor[row]): row
        for row in np.flatnonzero(visits.counted()).tolist()
        if visits.monitor[row] is not None
    }
    found = np.full(len(visits), -1, np.intp)
    for row in np.flatnonzero(visits.eligible).tolist():
        key = int(visits.school[row]), int(visits.day[row]), visits.monitor[row]
        winner = best.get(key, row)
        found[row] = -1 if winner == row else winner
    return found


def _successors(visits: Visits, answers: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each visit the next of these answers (rows) of the same school; -1 for none."""
    answering = np.zeros(len(visits), np.bool_)
    answering[answers] = True
    found = np.full(len(visits), -1, np.intp)
    following: dict[int, int] = {}
    for row in reversed(visits.order().tolist()):
        school = int(visits.school[row])
        found[row] = following.get(school, -1)
        if answering[row]:
            following[school] = row
    return found


def _group(answered: str) -> int:
    """The stock group of an answer; a derived one is of the group it is taken from."""
    column = S[DERIVED[answered][0] if answered in DERIVED else answered]
    return next(place for place, name in enumerate(GROUPS) if column in GROUP_COLUMNS[name])


def left_out(seen: Seen, row: int, *, counted: bool) -> str | None:
    """Why a visit counts for nothing; None when it counts."""
    if seen.standing[row] != "standing":
        return seen.standing[row]
    if seen.kind[row] == "verification":
        return "verification"
    return None if counted else "superseded"


def _not_standing(end: int, day: int, on: int) -> str:
    """Why an answer does not stand for the unit on D though its visit counts."""
    if end <= day:
        return "not_active_on_the_day"
    return "answered_again_later" if end <= on else "not_in_unit_on_d"


def _row(seen: Seen, row: int, verdicts: Verdicts) -> Evidence:
    visits, stands = seen.visits, verdicts.stands[row]
    reason = verdicts.reason[row]
    plain = reason in {None, "not_answered"}
    instead = int(verdicts.instead[row]) if reason in _REPLACED else -1
    numerator, denominator = verdicts.numerator, verdicts.denominator
    return {
        "source": visits.source[row],
        "visit_id": visits.visit_id[row],
        "revision": seen.revision[row],
        "school_code": seen.school_code[row],
        "unit": f"school:{seen.school_code[row]}",
        "day": day_date(int(visits.day[row])).isoformat(),
        "visited_at": rfc3339(int(visits.at[row])),
        "monitor_id": visits.monitor[row],
        "visit_type": seen.kind[row],
        "status": seen.status[row],
        "numerator": None if reason == "not_answered" else int(numerator[row]),
        "denominator": (
            None if reason == "not_answered" or denominator is None else int(denominator[row])
        ),
        "counted": reason is None,
        "reason": reason,
        "stands_since": _day(stands[0]) if stands and plain else None,
        "stands_until": _day(stands[1]) if stands and (plain or reason == "too_old") else None,
        "replaced_by": (
            None
            if instead < 0
            else {"source": visits.source[instead], "visit_id": visits.visit_id[instead]}
        ),
    }


def _day(number: int) -> str:
    return day_date(number).isoformat()
