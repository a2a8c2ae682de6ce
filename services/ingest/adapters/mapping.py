"""From the answers of a form to a visit's form: by a declared mapping, or by the project's own.

Owns finding an answer by its path, reading it as the kind of the visit's field, and telling what
could not be read and what was left unread. Whether the visit is possible is left to the intake.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

from services.ingest.adapters.answers import Group, flattened, is_system
from services.ingest.adapters.form_fields import Field, fields
from services.ingest.adapters.schemas import MappingIn, RepeatedIn, RuleIn
from services.ingest.cleaning.cells import clean
from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.rows import point
from shared.errors import FieldError, Problem, invalid

GRADES: Literal["/students/grades"] = "/students/grades"
_OWN_IGNORED = ["*_given", "*_of_grades", "photo_*"]


@dataclass
class Mapped:
    """A visit's form as far as it could be read, the faults, and what nobody asked for."""

    form: dict[str, Any] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@cache
def targets() -> dict[str, Field]:
    """The visit's fields by their pointers, and the parts of the location."""
    known = {one.pointer: one for one in fields()}
    known["/form_version"] = Field("form_version", "/form_version", "text", longest=100)
    known["/location/lat"] = Field("lat", "/location/lat", "latitude")
    known["/location/lon"] = Field("lon", "/location/lon", "longitude")
    known["/location/accuracy_m"] = Field(
        "accuracy_m", "/location/accuracy_m", "number", low=0, high=1_000_000
    )
    known["/location/mock"] = Field("mock", "/location/mock", "boolean")
    return known


@cache
def own_mapping() -> MappingIn:
    """The mapping of the project's own XLSForm: every question by its name."""
    outside = [RuleIn(one.pointer, [one.name]) for one in fields() if one.repeat is None]
    inside = [RuleIn(one.pointer, [one.name]) for one in fields() if one.repeat is not None]
    return MappingIn(outside, [RepeatedIn("students_grades", GRADES, inside)], _OWN_IGNORED)


def check(mapping: MappingIn, at: str = "") -> None:
    """Raise Problem 422 for a rule that no visit's field or no answer belongs to."""
    for place, rule in enumerate(mapping.fields):
        _check_rule(rule, f"{at}/fields/{place}", inside=False)
    for number, repeat in enumerate(mapping.repeats):
        for place, rule in enumerate(repeat.fields):
            _check_rule(rule, f"{at}/repeats/{number}/fields/{place}", inside=True)


def _check_rule(rule: RuleIn, at: str, *, inside: bool) -> None:
    known = targets().get(rule.to)
    if known is None or rule.to.startswith(f"{GRADES}/") != inside:
        raise invalid(f"{at}/to", "unknown_field", "The visit has no such field here.")
    if bool(rule.paths) == (rule.value is not None):
        raise invalid(at, "from_or_value", "Give either `from` or `value`.")
    if len(rule.paths) > 1 and known.kind not in {"integer", "number"}:
        raise invalid(f"{at}/from", "not_summable", "Only numbers are made of several answers.")
    if rule.selected is not None and known.kind != "boolean":
        raise invalid(f"{at}/selected", "not_boolean", "Only a yes or no is a selected choice.")


def mapped(mapping: MappingIn, answers: Mapping[str, Any]) -> Mapped:
    """Read a submission's answers."""
    group = flattened(answers, {repeat.path.rpartition("/")[2] for repeat in mapping.repeats})
    made = Mapped()
    read: set[str] = set()
    for rule in mapping.fields:
        _apply(rule, group, made, made.form, rule.to, read)
    for repeat in mapping.repeats:
        _repeat(repeat, group, made, read)
    made.unmapped = sorted(
        path
        for path in group.paths()
        if path not in read and not is_system(path) and not _ignored(path, mapping.ignore)
    )
    return made


def _ignored(path: str, patterns: Iterable[str]) -> bool:
    last = path.rpartition("/")[2]
    return any(fnmatchcase(path, pattern) or fnmatchcase(last, pattern) for pattern in patterns)


def _repeat(repeat: RepeatedIn, group: Group, made: Mapped, read: set[str]) -> None:
    path = group.find_repeat(repeat.path)
    if path is None:
        made.absent.append(repeat.path)
        return
    rows = []
    for index, row in enumerate(group.repeats[path]):
        inside: dict[str, Any] = {}
        seen: set[str] = set()
        for rule in repeat.fields:
            pointer = f"{repeat.to}/{index}{rule.to.removeprefix(repeat.to)}"
            _apply(rule, row, made, inside, pointer, seen)
        read |= {f"{path}/{one}" for one in seen}
        grades = inside.get("students", {}).get("grades")
        if grades:
            rows.append(grades)
    if rows:
        _put_new(made.form, repeat.to, rows)


def _apply(
    rule: RuleIn,
    group: Group,
    made: Mapped,
    form: dict[str, Any],
    pointer: str,
    read: set[str],
) -> None:
    """Read one rule's answers into `form`, or say what is wrong with them."""
    target = targets()[rule.to]
    if rule.value is not None:
        _put_new(form, rule.to, rule.value)
        return
    values = []
    for wanted in rule.paths:
        path = group.find(wanted)
        if path is None:
            made.absent.append(wanted)
            continue
        read.add(path)
        if target.kind == "photo":
            made.photos += [group.answers[path]] if isinstance(group.answers[path], str) else []
            continue
        value = _value(rule, target, group.answers[path])
        if isinstance(value, Fault):
            detail = f"{value.detail} {value.fix} (question {path})"
            made.errors.append(FieldError(pointer, value.code, detail))
        elif value is not None:
            values.append(value)
    # A sum of which a part is missing is not measured.
    if values and len(values) == len(rule.paths):
        _put_new(form, rule.to, sum(values) if len(values) > 1 else values[0])


def _value(rule: RuleIn, target: Field, answer: Any) -> Any:
    """The answer as the visit's field, None when it holds none, or a Fault."""
    if target.kind == "geopoint":
        return _location(answer)
    raw = _raw(answer)
    word = raw.strip()
    if not word or word in rule.missing:
        return None
    if rule.selected is not None:
        return rule.selected in word.split()
    if word in rule.codes:
        return rule.codes[word]
    if target.pointer == "/remarks":
        return word
    value = clean(_KINDS.get(target.kind, target.kind), raw, **_options(rule, target))
    if isinstance(value, float | int) and not isinstance(value, bool) and rule.factor is not None:
        value = value * rule.factor
        value = round(value) if target.kind == "integer" else value
    return value.isoformat() if isinstance(value, date) else value


_KINDS = {"device": "text"}


def _options(rule: RuleIn, target: Field) -> dict[str, Any]:
    options: dict[str, Any] = {"missing": rule.missing}
    if target.kind in {"integer", "number"}:
        # The range is the intake's to judge; here it only tells marks from measurements.
        options |= {"units": rule.units}
    elif target.kind == "choice":
        options |= {"choices": target.words}
    elif target.kind == "instant":
        options |= {"order": rule.order, "zone": rule.zone}
    elif target.kind == "date":
        options |= {"order": rule.order}
    elif target.kind in {"text", "device"}:
        options |= {"max_length": target.longest or 100}
    return options


def _raw(answer: Any) -> str:
    """An answer as a text: servers send numbers and yes or no as either."""
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return "" if answer is None else str(answer)


def _location(answer: Any) -> dict[str, float] | Fault | None:
    """A point, as `lat lon altitude accuracy` or as GeoJSON."""
    accuracy: Any = None
    if isinstance(answer, dict):
        coordinates = answer.get("coordinates")
        properties = answer.get("properties")
        if not isinstance(coordinates, list) or len(coordinates) < 2:
            return _no_point()
        lon, lat = coordinates[:2]
        accuracy = properties.get("accuracy") if isinstance(properties, dict) else None
    else:
        parts = _raw(answer).split()
        if not parts:
            return None
        if len(parts) < 2:
            return _no_point()
        lat, lon = parts[:2]
        accuracy = parts[3] if len(parts) > 3 else None
    found = [clean(kind, _raw(one)) for kind, one in (("latitude", lat), ("longitude", lon))]
    if not all(isinstance(one, float) for one in found):
        return _no_point()
    given = point(float(found[0]), float(found[1]))  # type: ignore[arg-type]
    if given.lat is None or given.lon is None:
        return given.fault
    around = clean("number", _raw(accuracy), minimum=0)
    made = {"lat": given.lat, "lon": given.lon}
    return made | ({"accuracy_m": around} if isinstance(around, float) else {})


def _no_point() -> Fault:
    return Fault("not_a_point", "The answer is no point.", "Send latitude and longitude.")


def _put_new(form: dict[str, Any], pointer: str, value: Any) -> None:
    """Put a value where nothing stands yet: of several rules for a field the first one counts."""
    *groups, last = pointer.strip("/").split("/")
    for name in groups:
        form = form.setdefault(name, {})
    form.setdefault(last, value)


def refusal(errors: Iterable[FieldError]) -> Problem:
    """The 422 that lists answers which could not be read."""
    listed = list(errors)
    return Problem(422, listed[0].code, listed[0].detail, errors=listed[:100])
