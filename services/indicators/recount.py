"""Everything the cells should hold, computed again from the visits, school by school.

Owns the pass over all schools in bounded memory: schools of one cluster follow each other, and
what is known about a unit is given out and forgotten as soon as its last school has passed.
Comparing is `verify`'s. Loading is the caller's, so that this stays pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.indicators.cells import FLOWS, PRESENCE, STOCKS, Presence
from services.indicators.contributions import Deltas, PresenceChange, Sums, merged, whole
from services.indicators.register import Ints, Register
from services.indicators.visits import Bools, Visits

_VISITS_AT_ONCE = 20_000
_SCHOOLS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """Units and paths whose every school has passed, and all that they should hold."""

    units: Ints
    flow: Sums
    stock: Sums
    paths: Ints
    presence: PresenceChange


def portions(register: Register, visit_counts: Mapping[int, int]) -> Iterator[Ints]:
    """Divide all schools into portions of few visits; schools of one path follow each other."""
    ordered = in_order(register)
    begin, visits = 0, 0
    for place, school in enumerate(ordered.tolist()):
        visits += visit_counts.get(school, 0)
        if visits >= _VISITS_AT_ONCE or place + 1 - begin >= _SCHOOLS_AT_ONCE:
            yield ordered[begin : place + 1]
            begin, visits = place + 1, 0
    if begin < ordered.size:
        yield ordered[begin:]


def in_order(register: Register) -> Ints:
    """Return all schools so that those of one path follow each other."""
    schools = register.known_schools()
    newest = register.seg_path[register.first[schools + 1] - 1]
    ordered: Ints = schools[np.argsort(newest, kind="stable")]
    return ordered


class Recount:
    """The pass: `add` portions in order, each gives out what is finished; `rest` at the end."""

    def __init__(self, register: Register, look_back: int) -> None:
        self._register = register
        self._look_back = look_back
        self._flow, self._stock = no_sums(FLOWS), no_sums(STOCKS)
        self._presence: list[PresenceChange] = []
        pairs = np.unique((register.seg_school.astype(np.int64) << 32) | register.seg_path)
        self._pair_school, self._pair_path = pairs >> 32, pairs & 0xFFFFFFFF
        self._open_paths = np.bincount(self._pair_path, minlength=len(register.paths))
        inside = register.path_units >= 0
        self._path_of = np.nonzero(inside)[0]
        self._unit_of = register.path_units[inside]
        self._unit_open = np.ones(len(register.unit_ids), bool)
        self._path_open = np.ones(len(register.paths), bool)

    def add(self, schools: Ints, visits: Visits) -> Finished:
        """Count these schools with all their visits; returns what no later school touches."""
        return self.take(schools, whole(visits, self._register, schools, self._look_back))

    def take(self, schools: Ints, deltas: Deltas) -> Finished:
        """Add what these schools were counted to; returns what no later school touches."""
        self._flow = _added(self._flow, deltas.flow)
        self._stock = _added(self._stock, deltas.stock)
        self._presence.append(deltas.presence)
        passed = np.zeros(len(self._register.school_codes), bool)
        passed[schools] = True
        gone = self._pair_path[passed[self._pair_school]]
        self._open_paths -= np.bincount(gone, minlength=self._open_paths.size)
        return self._finished()

    def left(self) -> Deltas:
        """Return what is held of units and paths that are not finished, as sums to be taken."""
        none = np.zeros(0, np.int32)
        presence = joined_presence(self._presence) if self._presence else no_presence()
        return Deltas(self._flow, self._stock, presence, none, none)

    def rest(self) -> Finished:
        """Return what was never finished: units and paths without schools."""
        self._open_paths[:] = 0
        return self._finished()

    def _finished(self) -> Finished:
        still = np.zeros(self._unit_open.size, bool)
        still[self._unit_of[self._open_paths[self._path_of] > 0]] = True
        done = self._unit_open & ~still
        done_paths = self._path_open & (self._open_paths == 0)
        self._unit_open &= ~done
        self._path_open &= ~done_paths
        flow, self._flow = _parted(self._flow, done)
        stock, self._stock = _parted(self._stock, done)
        return Finished(
            np.flatnonzero(done).astype(np.int32),
            flow,
            stock,
            np.flatnonzero(done_paths).astype(np.int32),
            self._parted_presence(done_paths),
        )

    def _parted_presence(self, done: Bools) -> PresenceChange:
        """Take the records of finished paths out of what is held."""
        if not self._presence:
            return no_presence()
        held = joined_presence(self._presence)
        out = done[held.path]
        self._presence = [_chosen(held, ~out)]
        return _chosen(held, out)


def _added(held: Sums, more: Sums) -> Sums:
    if not held.unit.size or not more.unit.size:
        return more if more.unit.size else held
    return merged([held, more])


def no_sums(width: int) -> Sums:
    """Return sums of nothing."""
    none = np.zeros(0, np.int32)
    return Sums(none, none, np.zeros((0, width), np.int64))


def no_presence() -> PresenceChange:
    """Return presence of nobody."""
    none = np.zeros(0, np.int32)
    records: Presence = np.zeros(0, PRESENCE)
    return PresenceChange(none, none, records)


def joined_presence(parts: Sequence[PresenceChange]) -> PresenceChange:
    """Put presence records together, in the order given."""
    return PresenceChange(
        np.concatenate([part.path for part in parts]),
        np.concatenate([part.quarter for part in parts]),
        np.concatenate([part.records for part in parts]),
    )


def _chosen(held: PresenceChange, at: Bools) -> PresenceChange:
    return PresenceChange(held.path[at], held.quarter[at], held.records[at])


def _parted(sums: Sums, units: Bools) -> tuple[Sums, Sums]:
    """Divide sums into those of some units and the others."""
    out = units[sums.unit]
    return (
        Sums(sums.unit[out], sums.when[out], sums.values[out]),
        Sums(sums.unit[~out], sums.when[~out], sums.values[~out]),
    )
