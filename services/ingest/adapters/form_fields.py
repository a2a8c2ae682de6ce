"""The visit form's one definition, walked: every question that a field form asks for it.

Owns the list of questions with names, kinds and ranges, read from `schemas`; the words that people
see are left to `form_texts`, the spreadsheet to `xlsform`, the way back to a visit to `mapping`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec import inspect

from services.ingest.schemas import Answer, VisitIn

PHOTOS = 5
"""How many photo questions the form has; a submission of another form may bring more."""
# Made on the device or known from the key and the server: nobody is asked for them.
_NOT_ASKED = {"visit_id", "source", "form_version"}
_ANSWERS: frozenset[Any] = frozenset(Answer.__args__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Field:
    """One question: `pointer` is the visit's field, `name` is unique in the form.

    `kind` is integer, number, text, date, instant, boolean, choice, geopoint, photo or device;
    `groups` are the names of the groups around it, `repeat` the repeat's among them, if any.
    """

    name: str
    pointer: str
    kind: str
    groups: tuple[str, ...] = ()
    repeat: str | None = None
    required: bool = False
    low: int | float | None = None
    high: int | float | None = None
    longest: int | None = None
    words: tuple[str, ...] = ()

    @property
    def answers(self) -> str:
        """The name of the list of its choices."""
        if self.kind == "boolean":
            return "yes_no"
        return "answer" if frozenset(self.words) == _ANSWERS else self.name.rpartition("/")[2]


@cache
def fields() -> tuple[Field, ...]:
    """Every question of the visit, in the order of the wire form."""
    root = inspect.type_info(VisitIn)
    assert isinstance(root, inspect.StructType)  # noqa: S101 - what a Struct inspects as
    return tuple(_walk(root, (), None))


def _walk(
    group: inspect.StructType, groups: tuple[str, ...], repeat: str | None
) -> Iterator[Field]:
    for member in group.fields:
        if not groups and member.encode_name in _NOT_ASKED:
            continue
        name = "_".join([*groups[-1:], member.encode_name])
        yield from _member(member, name, groups, repeat)


def _member(
    member: inspect.Field, name: str, groups: tuple[str, ...], repeat: str | None
) -> Iterator[Field]:
    kind = _bare(member.type)
    if name == "location":
        yield Field(name, "/location", "geopoint")
    elif name == "photos":
        for number in range(1, PHOTOS + 1):
            yield Field(f"photo_{number}", "/photos", "photo")
    elif isinstance(kind, inspect.StructType):
        yield from _walk(kind, (*groups, name), repeat)
    elif isinstance(kind, inspect.ListType):
        item = _bare(kind.item_type)
        assert isinstance(item, inspect.StructType)  # noqa: S101 - the form's one list of groups
        yield from _walk(item, (*groups, name), name)
    else:
        yield _leaf(member, kind, name, groups, repeat)


def _leaf(
    member: inspect.Field,
    kind: inspect.Type,
    name: str,
    groups: tuple[str, ...],
    repeat: str | None,
) -> Field:
    pointer = "/" + "/".join(_tokens(name, groups))
    given: dict[str, Any] = {"groups": groups, "repeat": repeat, "required": member.required}
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        word = "integer" if isinstance(kind, inspect.IntType) else "number"
        return Field(name, pointer, word, low=kind.ge, high=kind.le, **given)
    if isinstance(kind, inspect.LiteralType):
        return Field(name, pointer, "choice", words=tuple(map(str, kind.values)), **given)
    if isinstance(kind, inspect.BoolType):
        return Field(name, pointer, "boolean", **given)
    if isinstance(kind, inspect.DateTimeType):
        return Field(name, pointer, "instant", **given)
    if isinstance(kind, inspect.DateType):
        return Field(name, pointer, "date", **given)
    if name == "device_id":
        return Field(name, pointer, "device", **given)
    assert isinstance(kind, inspect.StrType)  # noqa: S101 - nothing else is left in the form
    return Field(name, pointer, "text", longest=kind.max_length, **given)


def _tokens(name: str, groups: tuple[str, ...]) -> list[str]:
    """The visit's keys down to a question: each group's name starts with its parent's."""
    tokens, before = [], ""
    for group in (*groups, name):
        tokens.append(group.removeprefix(before))
        before = f"{group}_"
    return tokens


def _bare(kind: inspect.Type) -> inspect.Type:
    """A type without its metadata and without None."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        else:
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind
