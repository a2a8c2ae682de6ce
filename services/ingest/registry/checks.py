"""Whether units and schools make a tree: parents exist, nothing stands above itself on any day.

Owns the refusals of a register upload that need more than one record; pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.ingest.reading import is_plain_code
from services.ingest.registry.schemas import SchoolIn, TargetIn, UnitIn
from services.ingest.registry.versions import Version, in_force
from shared.domain.codes import SCHOOL_PREFIX, canonical_school_code
from shared.errors import FieldError
from shared.strict_json import text_fault

Parents = Mapping[str, Sequence[Version[str | None]]]
_HIDDEN = "The text holds a control or invisible character."


@dataclass(frozen=True, slots=True)
class Told:
    """A pointer's beginning and the words for what is wrong there."""

    index: int

    def of(self, name: str, code: str, detail: str) -> FieldError:
        """An error about one field of the item."""
        return FieldError(f"/{self.index}/{name}", code, detail)


def unit_faults(items: Sequence[UnitIn], known: Iterable[str]) -> list[FieldError]:
    """What is wrong with units, each by itself and with those known before."""
    names = {item.unit_id for item in items} | set(known)
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        told = Told(index)
        if item.unit_id.startswith(SCHOOL_PREFIX):
            detail = "A school is registered with PUT /v1/schools."
            errors.append(told.of("unit_id", "school_unit", detail))
        if item.parent_id is not None and item.parent_id not in names:
            errors.append(told.of("parent_id", "unknown_unit", "There is no such unit."))
        errors += [
            told.of(f"predecessors/{place}", "unknown_unit", "There is no such unit.")
            for place, former in enumerate(item.predecessors or ())
            if former not in names
        ]
        if item.valid_from is not None and item.valid_to is not None:
            errors += _reversed(told, "valid_to", item.valid_from, item.valid_to)
        codes = (("unit_id", item.unit_id), ("head_school_code", item.head_school_code))
        errors += _hidden(told, codes, item.name)
    return errors


def school_faults(items: Sequence[SchoolIn], known: Iterable[str]) -> list[FieldError]:
    """What is wrong with schools, each by itself and with the units known before."""
    names = set(known)
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        told = Told(index)
        if item.unit_id not in names:
            errors.append(told.of("unit_id", "unknown_unit", "There is no such unit."))
        if not canonical_school_code(item.school_code):
            errors.append(told.of("school_code", "empty", "The text is empty."))
        if (item.lat is None) != (item.lon is None):
            detail = "A point needs both, latitude and longitude."
            errors.append(told.of("lat" if item.lat is None else "lon", "half_a_point", detail))
        errors += _hidden(told, (("school_code", item.school_code),), item.name)
    return errors


def target_faults(items: Sequence[TargetIn], known: Iterable[str]) -> list[FieldError]:
    """What is wrong with targets, each by itself and with the units known before."""
    names = set(known)
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        told = Told(index)
        if item.unit_id not in names:
            errors.append(told.of("unit_id", "unknown_unit", "There is no such unit."))
        if item.from_ is not None and item.to is not None:
            errors += _reversed(told, "to", item.from_, item.to)
        if item.baseline is None and item.target is None:
            detail = "A baseline or a target is needed."
            errors.append(told.of("target", "missing", detail))
    return errors


def _hidden(told: Told, codes: Iterable[tuple[str, str | None]], name: str) -> Iterable[FieldError]:
    for field, code in codes:
        if code is not None and not is_plain_code(code):
            yield told.of(field, "control_character", _HIDDEN)
    if text_fault(name):
        yield told.of("name", "control_character", _HIDDEN)


def _reversed(told: Told, name: str, first: date, last: date) -> Iterable[FieldError]:
    if last < first:
        yield told.of(name, "reversed_dates", "It ends before it begins.")


def cycle(parents: Parents) -> list[str]:
    """Units that stand above themselves on some day, each under the next; mostly none."""
    days = {version.day for versions in parents.values() for version in versions}
    for day in sorted(days):
        found = _cycle_on(parents, day)
        if found:
            return found
    return []


def _cycle_on(parents: Parents, day: int) -> list[str]:
    cleared: set[str] = set()
    for unit_id in parents:
        path: list[str] = []
        current: str | None = unit_id
        while current is not None and current not in cleared:
            if current in path:
                return path[path.index(current) :]
            path.append(current)
            version = in_force(parents.get(current, ()), day)
            current = version.content if version is not None else None
        cleared.update(path)
    return []
