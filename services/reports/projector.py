"""Keeps the copy of the register's names up to date from its events.

Owns what is kept of a unit or school; versions not newer than the one kept change nothing, so any
redelivery is harmless.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from services.reports.store import Name, put_places, versions_of
from shared.db.transaction import Tx
from shared.domain.codes import school_unit
from shared.domain.days import day_number
from shared.journal.records import InvalidEvent, Record


class _Unit(msgspec.Struct):
    unit_id: str
    name: str
    level: str
    valid_from: date
    names: dict[str, str] | None = None
    parent_id: str | None = None
    aliases: list[str] | None = None


class _School(msgspec.Struct):
    school_code: str
    valid_from: date
    name: str | None = None
    names: dict[str, str] | None = None
    unit_id: str | None = None


class _Data(msgspec.Struct):
    version: int
    unit: _Unit | None = None
    school: _School | None = None


_DECODER = msgspec.json.Decoder(_Data)


async def project(tx: Tx, records: Sequence[Record]) -> None:
    """Store what a batch of register events says; raises InvalidEvent for the first bad one."""
    newest: dict[tuple[str, int], Name] = {}
    for record in records:
        name = _read(record)
        held = newest.get(name.key)
        if held is None or held.version < name.version:
            newest[name.key] = name
    stored = await versions_of(tx, sorted({place_id for place_id, _ in newest}))
    await put_places(
        tx, [name for key, name in sorted(newest.items()) if stored.get(key, -1) < name.version]
    )


def _read(record: Record) -> Name:
    try:
        data = _DECODER.decode(record.event.data)
    except msgspec.DecodeError as error:
        raise InvalidEvent(record, "not a register event") from error
    if data.unit is not None:
        unit = data.unit
        called = [unit.unit_id, unit.name, *(unit.names or {}).values(), *(unit.aliases or [])]
        return _name(unit.unit_id, unit, unit.level, unit.parent_id, called, data.version)
    if data.school is not None:
        school = data.school
        called = [school.school_code, school.name or "", *(school.names or {}).values()]
        unit_id = school_unit(school.school_code)
        return _name(unit_id, school, "school", school.unit_id, called, data.version)
    raise InvalidEvent(record, "neither a unit nor a school")


def _name(
    place_id: str, put: Any, level: str, parent_id: str | None, called: list[str], version: int
) -> Name:
    return Name(
        place_id=place_id,
        valid_from=day_number(put.valid_from),
        name=put.name or place_id.removeprefix("school:"),
        names=json.dumps(put.names or {}, ensure_ascii=False, sort_keys=True),
        level=level,
        parent_id=parent_id,
        folded="\n".join(called).casefold(),
        version=version,
    )
