"""The register in tables, and the one in memory that every transaction sees as its own.

Owns reading and writing of unit and school versions, of the integers given to units, schools and
paths, and `Registers`, which both the fold and the readers ask. Where a school belongs is
`register`'s.
"""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Sequence

from services.indicators.incoming import RegistryChange
from services.indicators.register import Ids, Register
from services.indicators.segments import Path, SchoolVersion, UnitVersion
from shared.db.transaction import Row, Tx

_KEPT = 2
REGISTER_LOCK = "register"
"""Held shared by whoever folds visits, exclusively by whoever changes the register."""
_BESIDE = ("name", "recorded", "change", "data")


class Registers:
    """Registers by the transaction that made them: a reader's snapshot may be an older one."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[int, Register]] = OrderedDict()
        self._proposed: tuple[str, int, Register] | None = None
        self._loading = asyncio.Lock()

    async def current(self, tx: Tx) -> Register:
        """Return the register as this transaction sees it."""
        token, change = await state_of(tx)
        held = self._held.get(token)
        if held is not None:
            return held[1]
        async with self._loading:
            held = self._held.get(token)
            if held is not None:
                return held[1]
            if self._proposed is not None and self._proposed[0] == token:
                register = self._proposed[2]
            else:
                register = await self._load(tx, token, change)
            self._held[token] = (change, register)
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
            return register

    def propose(self, token: str, change: int, register: Register) -> None:
        """Hold what a transaction is about to make; it is taken once its token is committed."""
        self._proposed = (token, change, register)

    async def _load(self, tx: Tx, token: str, change: int) -> Register:
        """Build the register of a snapshot from the newest one held that is not newer."""
        base, register = 0, Register.empty()
        for held_token, (held_change, held) in self._held.items():
            if base <= held_change <= change and _line(held_token) == _line(token):
                base, register = held_change, held
        ids = await _ids_after(tx, register)
        units = await tx.fetch(
            "SELECT unit_id, valid_from, parent_id, level, version FROM unit_versions "
            "WHERE change > $1",
            base,
        )
        schools = await tx.fetch(
            "SELECT code, valid_from, unit_id, gender, status, version FROM school_versions "
            "WHERE change > $1",
            base,
        )
        # A whole register takes a second: requests go on meanwhile.
        return await asyncio.to_thread(grown, register.extended(ids), units, schools)


def grown(register: Register, units: Sequence[Row], schools: Sequence[Row]) -> Register:
    """Add stored versions, as rows in the order of their fields, to a register."""
    words: dict[str | None, str | None] = {}
    return register.patched(
        [UnitVersion(*row) for row in units],
        [
            SchoolVersion(
                row[0],
                row[1],
                # Tens of thousands of schools share a few words: keep one copy of each.
                words.setdefault(row[2], row[2]),
                words.setdefault(row[3], row[3]),
                words.setdefault(row[4], row[4]) or "",
                row[5],
            )
            for row in schools
        ],
    )[0]


def next_token(token: str) -> str:
    """Make the token of the next change: its line, which a rebuild breaks, and its own name.

    Integers are given anew in a rebuild, so a register of another line is no base for this one's.
    """
    return f"{_line(token) or uuid.uuid4().hex}.{uuid.uuid4().hex}"


def _line(token: str) -> str:
    return token.partition(".")[0]


async def line_of(tx: Tx) -> str:
    """Return the line of the register, which holds from one rebuild to the next."""
    return _line((await state_of(tx))[0])


async def state_of(tx: Tx) -> tuple[str, int]:
    """Return the token of the last change of the register and the number of changes."""
    row = await tx.fetch_one("SELECT token, change FROM register_state WHERE id = 0")
    return ("", 0) if row is None else (str(row[0]), int(row[1]))


async def _ids_after(tx: Tx, register: Register) -> Ids:
    units = await tx.fetch(
        "SELECT unit_id FROM unit_ids WHERE id >= $1 ORDER BY id", len(register.unit_ids)
    )
    schools = await tx.fetch(
        "SELECT code FROM schools WHERE id >= $1 ORDER BY id", len(register.school_codes)
    )
    paths = await tx.fetch(
        "SELECT units FROM paths WHERE id >= $1 ORDER BY id", len(register.paths)
    )
    return Ids(
        [row[0] for row in units],
        [row[0] for row in schools],
        [read_path(row[0]) for row in paths],
    )


def read_path(text: str) -> Path:
    """Read a path as stored: "5,2,0"; the empty text is the empty path."""
    return tuple(int(unit) for unit in text.split(",")) if text else ()


async def save(
    tx: Tx,
    changes: Sequence[RegistryChange],
    old: Register,
    new: Register,
    token: str,
) -> int:
    """Write versions, new integers and the state; returns the number of the change.

    A version that is stored already (a redelivered event) stays as it is.
    """
    row = await tx.fetch_one("SELECT change, version FROM register_state WHERE id = 0")
    change, version = (0, 0) if row is None else (int(row[0]), int(row[1]))
    change += 1
    # Of a version that comes twice the first is kept, here as in the register in memory.
    units: dict[tuple[object, ...], Row] = {}
    schools: dict[tuple[object, ...], Row] = {}
    for item in changes:
        said = item.version
        row = (*said, item.name, item.recorded, change, item.data)
        if isinstance(said, UnitVersion):
            units.setdefault((said.unit_id, said.valid_from, said.version), row)
        else:
            schools.setdefault((said.code, said.valid_from, said.version), row)
    await _insert(tx, "unit_versions", (*UnitVersion._fields, *_BESIDE), list(units.values()))
    await _insert(tx, "school_versions", (*SchoolVersion._fields, *_BESIDE), list(schools.values()))
    numbered = (
        ("unit_ids", ("id", "unit_id"), old.unit_ids, new.unit_ids),
        ("schools", ("id", "code"), old.school_codes, new.school_codes),
        ("paths", ("id", "units"), old.paths, [write_path(path) for path in new.paths]),
    )
    for table, columns, held, now in numbered:
        fresh = [(number, now[number]) for number in range(len(held), len(now))]
        if fresh:
            await tx.insert_rows(table, columns, fresh)
    newest = max((item.version.version for item in changes), default=0)
    await tx.upsert_rows(
        "register_state",
        ("id",),
        ("id", "version", "change", "token"),
        [(0, max(version, newest), change, token)],
    )
    return change


async def _insert(
    tx: Tx, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Insert versions; one that is there is left alone, with the change that brought it."""
    if not rows:
        return
    key = columns[0]
    held = {
        tuple(row)
        for row in await tx.fetch(
            f"SELECT {key}, valid_from, version FROM {table} WHERE {key} = ANY($1::text[])",
            sorted({str(row[0]) for row in rows}),
        )
    }
    at = columns.index("version")
    fresh = [row for row in rows if (row[0], row[1], row[at]) not in held]
    if fresh:
        await tx.insert_rows(table, columns, fresh)


def write_path(path: Path) -> str:
    """Write a path as stored."""
    return ",".join(map(str, path))
