"""An XForm as a telephone fills it in: relevance, calculations, constraints, required answers.

Owns an evaluator for the part of XPath that our own form uses, with ODK's functions. It stands
beside the product so that the form is judged by what it does, not by how it is written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import isnan
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

_TOKENS = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'[^']*')|(?P<path>\.\./[\w./-]*\w|/[\w/-]+)"
    r"|(?P<name>[a-z][\w-]*)|(?P<sign><=|>=|!=|=|<|>|\+|\(|\)|,|\.))"
)
_NS = {"x": "http://www.w3.org/2002/xforms", "h": "http://www.w3.org/1999/xhtml"}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - days on the device's own clock
Node = list[str]
Value = Any


@dataclass
class Bind:
    """What a form says of one question or group."""

    constraint: str | None = None
    relevant: str | None = None
    calculate: str | None = None
    required: bool = False


@dataclass
class XForm:
    """A form, by its binds; `now` and `zone` are the telephone's."""

    binds: dict[str, Bind]
    order: list[str]
    now: datetime
    zone: ZoneInfo
    repeat: str | None = None
    _values: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, now: datetime, zone: ZoneInfo) -> "XForm":
        """The form in an XForm document."""
        root = ElementTree.fromstring(text)  # noqa: S314 - our own form
        binds, order = {}, []
        for bind in root.iterfind(".//x:bind", _NS):
            path = bind.attrib["nodeset"]
            given = bind.attrib
            binds[path] = Bind(
                given.get("constraint"),
                given.get("relevant"),
                given.get("calculate"),
                given.get("required") == "true()",
            )
            order.append(path)
        repeat = root.find(".//x:repeat", _NS)
        return cls(binds, order, now, zone, None if repeat is None else repeat.attrib["nodeset"])

    def refusals(self, answers: dict[str, str]) -> list[str]:
        """The questions whose constraint fails or that are missing, by path.

        `answers` are by path; those inside the repeat have an index: `/data/grades[0]/grade`.
        """
        self._values = dict(answers)
        for path in self._places():
            made = self.binds[_bare(path)].calculate
            if made is not None:
                self._values[path] = _text(self._eval(made, path))
        refused = []
        for path in self._places():
            bind = self.binds[_bare(path)]
            value = self._values.get(path, "")
            if not self.relevant(path):
                if path in answers and answers[path] != "":
                    refused.append(path)
            elif value == "":
                refused += [path] if bind.required else []
            elif bind.constraint is not None and not _truth(self._eval(bind.constraint, path)):
                refused.append(path)
        return refused

    def relevant(self, path: str) -> bool:
        """Whether a question is asked: itself, and every group around it."""
        parts = path.split("/")
        for end in range(2, len(parts) + 1):
            around = "/".join(parts[:end])
            bind = self.binds.get(_bare(around))
            wanted = bind.relevant if bind else None
            if wanted is not None and not _truth(self._eval(wanted, around)):
                return False
        return True

    def _places(self) -> list[str]:
        rows = sorted({int(row) for path in self._values for row in re.findall(r"\[(\d+)\]", path)})
        found = []
        for path in self.order:
            if self.repeat and path.startswith(f"{self.repeat}/"):
                found += [path.replace(self.repeat, f"{self.repeat}[{row}]", 1) for row in rows]
            else:
                found.append(path)
        return found

    def _eval(self, text: str, path: str) -> Value:
        made, rest = _Parser(self, path).either(_cut(text))
        assert rest == [], text
        return made

    def node(self, text: str, path: str) -> Value:
        """The value of a path seen from a question; a list when it runs through the repeat."""
        if text == ".":
            return self._values.get(path, "")
        if text.startswith("../"):
            at = path.split("/")
            for step in text.split("/"):
                at = at[:-1] if step == ".." else [*at, step]
            text = "/".join(at)
        if self.repeat and text.startswith(f"{self.repeat}/"):
            pattern = text.replace(self.repeat, re.escape(self.repeat) + r"\[\d+\]", 1)
            return [value for place, value in self._values.items() if re.fullmatch(pattern, place)]
        return self._values.get(text, "")

    def instant(self, value: Value) -> float:
        """Days since the epoch on the telephone's clock."""
        text = _text(value)
        if text == "":
            return float("nan")
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            local = local.astimezone(self.zone).replace(tzinfo=None)
        return (local - _EPOCH) / timedelta(days=1)


@lru_cache(maxsize=1024)
def _cut(text: str) -> list[tuple[str, str]]:
    found = _TOKENS.finditer(text)
    return [(str(match.lastgroup), match.group(str(match.lastgroup))) for match in found]


class _Parser:
    def __init__(self, form: XForm, path: str) -> None:
        self.form, self.path = form, path

    def either(self, tokens: list[Any]) -> tuple[Value, list[Any]]:
        left, rest = self.both(tokens)
        while rest and rest[0] == ("name", "or"):
            right, rest = self.both(rest[1:])
            left = _truth(left) or _truth(right)
        return left, rest

    def both(self, tokens: list[Any]) -> tuple[Value, list[Any]]:
        left, rest = self.compared(tokens)
        while rest and rest[0] == ("name", "and"):
            right, rest = self.compared(rest[1:])
            left = _truth(left) and _truth(right)
        return left, rest

    def compared(self, tokens: list[Any]) -> tuple[Value, list[Any]]:
        left, rest = self.summed(tokens)
        if rest and rest[0][0] == "sign" and rest[0][1] in _COMPARED:
            right, after = self.summed(rest[1:])
            return _COMPARED[rest[0][1]](left, right), after
        return left, rest

    def summed(self, tokens: list[Any]) -> tuple[Value, list[Any]]:
        left, rest = self.single(tokens)
        while rest and rest[0] == ("sign", "+"):
            right, rest = self.single(rest[1:])
            left = _number(left) + _number(right)
        return left, rest

    def single(self, tokens: list[Any]) -> tuple[Value, list[Any]]:
        (kind, text), rest = tokens[0], tokens[1:]
        if kind == "number":
            return float(text), rest
        if kind == "text":
            return text[1:-1], rest
        if kind == "path" or text == ".":
            return self.form.node(text, self.path), rest
        if text == "(":
            made, rest = self.either(rest)
            assert rest[0] == ("sign", ")")
            return made, rest[1:]
        assert kind == "name", text
        assert rest[0] == ("sign", "("), text
        given, rest = [], rest[1:]
        while rest[0] != ("sign", ")"):
            made, rest = self.either(rest[1:] if rest[0] == ("sign", ",") else rest)
            given.append(made)
        return self.call(text, given), rest[1:]

    def call(self, name: str, given: list[Value]) -> Value:
        if name == "sum":
            rows = given[0] if isinstance(given[0], list) else [given[0]]
            return sum(_number(row) for row in rows)
        if name == "coalesce":
            return given[0] if _text(given[0]) != "" else given[1]
        if name == "concat":
            return "".join(map(_text, given))
        if name == "string-length":
            return float(len(_text(given[0])))
        if name == "now":
            return self.form.now.isoformat()
        assert name == "decimal-date-time", name
        return self.form.instant(given[0])


def _number(value: Value) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        return _number(left) == _number(right)
    return bool(left == right)


_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "=": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
    "<": lambda left, right: _number(left) < _number(right),
    ">": lambda left, right: _number(left) > _number(right),
}


def _truth(value: Value) -> bool:
    return bool(value) if not isinstance(value, float) else value != 0.0 and not isnan(value)


def _text(value: Value) -> str:
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else str(value)
    return str(value)


def _bare(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)
