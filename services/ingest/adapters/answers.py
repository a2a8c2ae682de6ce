"""A submission's answers under flat paths, whichever way a server nests them.

Owns the differences between KoboToolbox (`group/question` keys, in repeats too) and ODK Central
(nested objects); what the answers mean is left to `mapping`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SYSTEM = ("meta/", "formhub/", "__system/")


@dataclass
class Group:
    """Answers by path, and repeated groups by theirs; paths in a repeat are relative to it."""

    answers: dict[str, Any] = field(default_factory=dict)
    repeats: dict[str, list["Group"]] = field(default_factory=dict)

    def find(self, wanted: str) -> str | None:
        """The path of an answer: the wanted one, or the only one that ends with it."""
        return _found(wanted, self.answers)

    def find_repeat(self, wanted: str) -> str | None:
        """The path of a repeated group, found in the same way."""
        return _found(wanted, self.repeats)

    def paths(self) -> Iterator[str]:
        """The paths of all answers, those in repeats once."""
        yield from self.answers
        for path, rows in self.repeats.items():
            yield from dict.fromkeys(f"{path}/{inner}" for row in rows for inner in row.paths())


def flattened(answers: Mapping[str, Any], repeated: Collection[str] = ()) -> Group:
    """All answers of a submission; `@odata` links and empty answers are none.

    `repeated` names groups that are lists even when one instance came alone, as XML has it.
    """
    group = Group()
    _Flattening(repeated).add(answers, "", "", group)
    return group


def is_system(path: str) -> bool:
    """Whether a path is the server's or the device's own and no question."""
    return path.startswith(("_", *_SYSTEM))


class _Flattening:
    def __init__(self, repeated: Collection[str]) -> None:
        self._repeated = repeated

    def add(self, answers: Mapping[str, Any], prefix: str, base: str, group: Group) -> None:
        """Add answers below `prefix`; Kobo repeats the whole path (`base`) inside a repeat."""
        for key, value in answers.items():
            if "@odata" in key or value is None or value == "":
                continue
            path = f"{prefix}{key.removeprefix(base) if base else key}"
            rows = self._rows(path, value)
            if rows is not None:
                group.repeats[path] = [self._row(row, f"{base}{path}/") for row in rows]
            elif isinstance(value, dict) and "coordinates" not in value:
                self.add(value, f"{path}/", base, group)
            else:
                group.answers[path] = value

    def _rows(self, path: str, value: Any) -> list[Any] | None:
        """The instances of a repeated group, or None when the value is something else."""
        if isinstance(value, dict) and path.rpartition("/")[2] in self._repeated:
            return [value]
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            return value
        return None

    def _row(self, row: Mapping[str, Any], base: str) -> Group:
        group = Group()
        self.add({key: value for key, value in row.items() if key != "__id"}, "", base, group)
        return group


def _found(wanted: str, known: Mapping[str, Any]) -> str | None:
    if wanted in known:
        return wanted
    ends = [path for path in known if path.endswith(f"/{wanted}")]
    return ends[0] if len(ends) == 1 else None
