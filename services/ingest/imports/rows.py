"""Rows of a table made into records by a mapping, or into lines of the loss report.

Owns the cells' way into the record and back to their columns when a rule refuses it. The meaning
of single cells is `cleaning`'s, that of the whole record its kind's. Equal cells of a column are
read once: most columns hold few different values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.rows import point, total_row
from services.ingest.cleaning.words import folded, plain
from services.ingest.imports.cells import reader_of
from services.ingest.imports.features import LAT, LON
from services.ingest.imports.fields import FieldKind, field_named, fields_of
from services.ingest.imports.fixes import fix_of
from services.ingest.imports.mappings import FieldMapping, Mapping
from services.ingest.imports.refusal import LEFT_OUT, NOTED, REFUSED, FileRefused, Loss
from shared.domain.codes import canonical_school_code
from shared.errors import FieldError

NAMESPACE = UUID("5d2d0f0c-9d1f-5a39-8a52-0c6a0b7f5c1e")
_KNOWN_MOST = 2_000
# Fewer cells are looked up faster one by one.
_WORTH = 4
_UNKNOWN: Any = object()
_POINTS = {"schools": ("lat", "lon"), "visits": ("location.lat", "location.lon")}
_NAMES = {"schools": ("school_code", "name"), "units": ("unit_id", "name")}
# Each row has its own, or a value that rows must not share.
_UNCACHED = {"uuid", "instant", "prose", "json", "list"}
Path = tuple[str, ...]
_ENCODER = msgspec.json.Encoder()
_BLANKS: tuple[Any, ...] = (None, {}, [], "")


@dataclass(slots=True)
class Ready:
    """A row as a record; without one when a cell costs the row.

    Objects in a visit's record may be JSON already. `made` is what its kind made of the record
    ahead of storing it, if anything.
    """

    row: int
    record: dict[str, Any] | None
    losses: list[Loss] = field(default_factory=list)
    made: Any = None


@dataclass(slots=True)
class _Column:
    """One field's place in the table and in the record; `known` and `odd` are cells seen before."""

    field: FieldKind
    label: str
    places: tuple[int, ...]
    constant: str | None
    read: Callable[[str], Any]
    effect: str
    known: dict[str, Any]
    odd: dict[str, Any]


class _Branch:
    """The columns of one object in the record, and the objects in it.

    Equal cells make one object, shared by the rows that have them, except at the path `own`. A
    `sealed` one is kept as the JSON that it becomes: nobody looks into it before that.
    """

    def __init__(self, path: Path, columns: Sequence[_Column], own: Path, *, sealed: bool) -> None:
        depth = len(path)
        mine = [column for column in columns if column.field.path[:-1] == path]
        fresh = [c for c in mine if len(c.places) == 1 and c.field.kind in _UNCACHED]
        self._fresh = [(c.field.path[-1], c.places[0], c.read, c) for c in fresh]
        self._members = [
            (c.field.path[-1], c.places[0] if len(c.places) == 1 else None, c.known, c)
            for c in mine
            if c not in fresh
        ]
        below = dict.fromkeys(
            column.field.path[depth] for column in columns if len(column.field.path) > depth + 1
        )
        self._children = [
            (
                key,
                _Branch(
                    (*path, key),
                    [c for c in columns if _within(c, (*path, key))],
                    own,
                    sealed=sealed,
                ),
            )
            for key in below
        ]
        self._sealed = sealed
        places = [place for column in columns for place in column.places]
        steady = not any(column.field.kind in _UNCACHED for column in columns)
        shared = steady and len(places) >= _WORTH and path not in ((), own)
        self._cut = itemgetter(*places) if shared else None
        self._seen: dict[tuple[str, ...], Any] = {}

    def read(self, plan: "Plan", ready: Ready, cells: list[str]) -> Any:
        """The object that a row's cells make; never changed afterwards when it is shared."""
        if self._cut is None:
            return self._made(plan, ready, cells)
        cut: tuple[str, ...] = self._cut(cells)
        node = self._seen.get(cut)
        if node is None:
            told = len(ready.losses)
            node = self._made(plan, ready, cells)
            if len(ready.losses) == told and len(self._seen) < _KNOWN_MOST:
                if self._sealed and node:
                    node = Raw(_ENCODER.encode(node))
                self._seen[cut] = node
        return node

    def _made(self, plan: "Plan", ready: Ready, cells: list[str]) -> dict[str, Any]:
        node: dict[str, Any] = {}
        for key, spot, read, column in self._fresh:
            raw = cells[spot]
            if raw:
                value = read(raw)
                if value is None or isinstance(value, date) or type(value) is Fault:
                    value = plan.told(ready, column, value)
                    if value is None:
                        continue
                node[key] = value
        for key, place, known, column in self._members:
            raw = cells[place] if place is not None else _joined(column, cells)
            if raw:
                value = known.get(raw)
                if value is None:
                    value = plan.value(ready, column, raw)
                    if value is None:
                        continue
                node[key] = value
        if self._children:
            self._nest(node, plan, ready, cells)
        return node

    def _nest(self, node: dict[str, Any], plan: "Plan", ready: Ready, cells: list[str]) -> None:
        for key, child in self._children:
            below = child.read(plan, ready, cells)
            if below:
                held = node.get(key)
                node[key] = {**held, **below} if isinstance(held, dict) else below


def _within(column: _Column, path: Path) -> bool:
    """Whether a column's field lies in the object at a path."""
    return len(column.field.path) > len(path) and column.field.path[: len(path)] == path


def _joined(column: _Column, cells: list[str]) -> str:
    """The text of a field that several columns make, or none."""
    raw = column.constant or " ".join(cells[place].strip() for place in column.places)
    return raw if raw.strip() else ""


class Plan:
    """A mapping applied to the header of one table."""

    def __init__(
        self, mapping: Mapping, header: Sequence[str], zone: ZoneInfo, source: str
    ) -> None:
        """Raises FileRefused when the header lacks a column that is needed."""
        self.mapping = mapping
        self._source = source
        self._zone = zone
        self._places = _numbered(header)
        self._width = len(header)
        given = mapping.fields or _by_names(mapping.kind, header)
        self._columns = [self._column(name, item) for name, item in given.items()]
        self._labels = {column.field.name: column.label for column in self._columns}
        self._key = [self._place(name) for name in mapping.key]
        self._refuse_missing()
        used = {place for column in self._columns for place in column.places} | set(self._key)
        self.ignored = [
            name
            for place, name in enumerate(header)
            if name and place not in used and name not in {LAT, LON}
        ]
        names = _NAMES.get(mapping.kind, ())
        self._named = [column for column in self._columns if column.field.name in names]
        own = _POINTS.get(mapping.kind, ("",))[0].split(".")[:-1]
        # A point that may be mended is each row's own.
        sealed = mapping.kind == "visits"
        self._root = _Branch((), self._columns, tuple(own), sealed=sealed)
        self._point = _POINTS.get(mapping.kind)
        self._area = mapping.box()

    def _place(self, name: str) -> int:
        place = self._places.get(folded(name))
        if place is None:
            raise FileRefused(
                "missing_column",
                f"The mapping names the column {name}, which the table does not have.",
                "Correct the mapping, the header, or header_row.",
                self.mapping.header_row,
            )
        return place

    def _column(self, name: str, given: FieldMapping) -> _Column:
        kind = field_named(self.mapping.kind, name)
        assert kind is not None  # noqa: S101 - checked when the mapping was kept
        names = [given.column] if given.column is not None else given.columns or []
        effect = given.on_fault or self.mapping.on_fault
        return _Column(
            kind,
            " + ".join(names) if names else name,
            tuple(self._place(column) for column in names),
            given.value,
            reader_of(kind, given, self.mapping, self._zone),
            LEFT_OUT if effect == "cell" and not kind.required else REFUSED,
            {},
            {},
        )

    def _refuse_missing(self) -> None:
        for item in fields_of(self.mapping.kind).values():
            keyed = item.name == "visit_id" and self._key
            if item.required and item.name not in self._labels and not keyed:
                detail = f"The table has no column {item.name}, which is needed."
                fix = "Name the columns as the fields are named, or send a mapping."
                if item.name == "visit_id":
                    fix = "Add the column, or name the columns that tell visits apart in a mapping."
                raise FileRefused("missing_column", detail, fix, self.mapping.header_row)

    def label_of(self, pointer: str) -> str | None:
        """The column that a pointer into the record is about; None when it is about none."""
        steps = [step for step in pointer.split("/") if step]
        for end in range(len(steps), 0, -1):
            name = ".".join(steps[:end])
            if name in self._labels:
                return self._labels[name]
            below = next((la for n, la in self._labels.items() if n.startswith(f"{name}.")), None)
            if below is not None:
                return below
        return None

    def losses(self, row: int, errors: Sequence[FieldError]) -> list[Loss]:
        """What a refusal of the record means in the table."""
        return [
            Loss(
                row,
                self.label_of(error.pointer),
                Fault(error.code, error.detail, fix_of(error.code)),
            )
            for error in errors
        ]

    def record(self, row: int, cells: list[str]) -> Ready:
        """A row as a record, or why it is none."""
        ready = Ready(row, {})
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            detail = "The row has more cells than there are columns; they are shifted."
            fix = "Quote the cell that holds the delimiter."
            self._lose(ready, Loss(row, None, Fault("too_many_cells", detail, fix)))
            return ready
        if self._named:
            total = total_row([cells[c.places[0]] for c in self._named if c.places])
            if total is not None:
                self._lose(ready, Loss(row, self._named[0].label, total))
                return ready
        record = self._root.read(self, ready, cells)
        if ready.record is not None:
            ready.record = record
        if self._point is not None and (self._area is not None or self.mapping.fields):
            self._check_point(ready)
        if self._key and ready.record is not None and "visit_id" not in ready.record:
            self._identify(ready, cells)
        return ready

    def value(self, ready: Ready, column: _Column, raw: str) -> Any:
        """What a cell says, or None when it says nothing or is told as a loss."""
        value = column.odd.get(raw, _UNKNOWN)
        if value is _UNKNOWN:
            value = column.read(raw)
            if isinstance(value, date):
                value = value.isoformat()
            if column.field.kind not in _UNCACHED:
                good = value is not None and type(value) is not Fault
                seen = column.known if good else column.odd
                if len(seen) < _KNOWN_MOST:
                    seen[raw] = value
        return self.told(ready, column, value)

    def told(self, ready: Ready, column: _Column, value: Any) -> Any:
        """What a cell's reader made of it, as it stands in a record; a fault is told as a loss."""
        if type(value) is Fault:
            self._lose(ready, Loss(ready.row, column.label, value, column.effect))
            return None
        return value.isoformat() if isinstance(value, date) else value

    @staticmethod
    def _lose(ready: Ready, loss: Loss) -> None:
        ready.losses.append(loss)
        if loss.effect == REFUSED:
            ready.record = None

    def _check_point(self, ready: Ready) -> None:
        record, names = ready.record, self._point
        if record is None or names is None:
            return
        node = record if "." not in names[0] else record.get("location", {})
        if "lat" not in node and "lon" not in node:
            return
        found = point(node.get("lat"), node.get("lon"), self._area, self.mapping.mend_swapped)
        for key, value in (("lat", found.lat), ("lon", found.lon)):
            if value is None:
                node.pop(key, None)
            else:
                node[key] = value
        if found.fault is not None:
            effect = LEFT_OUT if found.lat is None else NOTED
            label = self._labels.get(names[0], self._labels.get(names[1]))
            self._lose(ready, Loss(ready.row, label, found.fault, effect))

    def _identify(self, ready: Ready, cells: list[str]) -> None:
        parts = [canonical_school_code(plain(cells[place])) for place in self._key]
        if not all(parts):
            detail = "A cell of the key, which tells visits apart, is empty."
            fault = Fault("key_missing", detail, "Fill the columns of the key.")
            self._lose(ready, Loss(ready.row, self.mapping.key[parts.index("")], fault))
        elif ready.record is not None:
            name = "\x1f".join((self._source, *parts))
            ready.record["visit_id"] = str(uuid5(NAMESPACE, name))


def _numbered(header: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        if name:
            places.setdefault(folded(name), place)
    return places


def _by_names(kind: str, header: Sequence[str]) -> dict[str, FieldMapping]:
    """Columns that bear the names of fields; a feature's point serves where they are missing."""
    given: dict[str, FieldMapping] = {}
    for column in header:
        for name in (folded(column), column):
            if name and name not in given and field_named(kind, name) is not None:
                given[name] = FieldMapping(column=column)
                break
    for name, column in zip(_POINTS.get(kind, ()), (LAT, LON), strict=False):
        if column in header and name not in given:
            given[name] = FieldMapping(column=column)
    return given


def same(kind: str, one: Any, other: Any) -> bool:
    """Whether two records say the same in every field, spaces apart, absent and empty alike."""
    return _leaves(kind, one) == _leaves(kind, other)


def _leaves(kind: str, record: Any) -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for item in fields_of(kind).values():
        node: Any = record
        for step in item.path:
            node = node.get(step) if isinstance(node, dict) else None
        if node not in _BLANKS:
            leaves[item.name] = plain(node) if isinstance(node, str) else node
    return leaves
