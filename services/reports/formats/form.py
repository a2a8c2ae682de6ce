"""A visit's form laid out for people: facts by name, people and toilets as tables (pure).

Owns the layout of whatever groups a form has, in the order of the form; words are left to `texts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What the page tells in its head or not at all.
_ELSEWHERE = {"visit_id", "source", "form_version", "school_code", "remarks", "photos"}


@dataclass
class Section:
    """A group of the form: single answers, and a table of rows (name, cells) with its columns."""

    name: str
    facts: list[tuple[str, Any]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[tuple[tuple[str, ...], Mapping[str, Any]]] = field(default_factory=list)


def sections(form: Mapping[str, Any]) -> list[Section]:
    """The form's groups; single answers outside of a group are the first."""
    first = Section("visit")
    found = [first]
    for name, value in form.items():
        if name in _ELSEWHERE:
            continue
        if isinstance(value, Mapping):
            found.append(_section(name, value))
        else:
            first.facts.append((name, value))
    return found


def _section(name: str, group: Mapping[str, Any]) -> Section:
    section = Section(name)
    for key, value in group.items():
        if isinstance(value, Mapping):
            section.rows.append(((key,), value))
        elif isinstance(value, list):
            for entry in value:
                _entry(section, entry)
        else:
            section.facts.append((key, value))
    for _, cells in section.rows:
        section.columns += [column for column in cells if column not in section.columns]
    return section


def _entry(section: Section, entry: Any) -> None:
    """One of a list, such as a grade with its boys and girls."""
    if not isinstance(entry, Mapping):
        return
    title = next((str(value) for value in entry.values() if not isinstance(value, Mapping)), "")
    for key, value in entry.items():
        if isinstance(value, Mapping):
            section.rows.append((("grade", title, key), value))
