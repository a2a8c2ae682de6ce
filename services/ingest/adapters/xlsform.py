"""The visit as an XLSForm: the spreadsheet that ODK Central and KoboToolbox make a form from.

Owns rows and columns; questions come from `form_fields`, constraints from `form_rules`, words from
`form_texts`. The version in it changes whenever any of the three does, and only then.
"""

import hashlib
import io
import re
from collections.abc import Iterable
from itertools import chain
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook

from services.ingest.adapters.form_fields import Field, fields
from services.ingest.adapters.form_rules import (
    Constraint,
    calculations,
    constraints,
    relevance,
)
from services.ingest.adapters.form_texts import CHOICES, LANGUAGES, MESSAGES, TITLE, Text, label

FORM_ID = "rtsm_visit"
FILE_NAME = f"{FORM_ID}.xlsx"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TYPES = {
    "integer": "integer",
    "number": "decimal",
    "text": "text",
    "date": "date",
    "instant": "dateTime",
    "geopoint": "geopoint",
    "photo": "image",
    "device": "deviceid",
}
_SURVEY = (
    "type",
    "name",
    *(f"label::{language}" for language in LANGUAGES),
    "required",
    "relevant",
    "constraint",
    *(f"constraint_message::{language}" for language in LANGUAGES),
    "calculation",
    "default",
    "parameters",
)
_LATE = ("ended_at", "remarks")
_SAVED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
Row = dict[str, str]


def survey() -> list[Row]:
    """The rows of the sheet `survey`."""
    held: dict[str, list[Constraint]] = {}
    for constraint in constraints():
        held.setdefault(constraint.name, []).append(constraint)
    rows: list[Row] = []
    open_groups: list[str] = []
    repeats = {field.repeat for field in fields() if field.repeat}
    for field in sorted(fields(), key=_asked_late):
        _close(rows, open_groups, field.groups, repeats)
        for group in field.groups[len(open_groups) :]:
            rows.append(_group(group, repeats))
            open_groups.append(group)
        rows.append(_question(field, held.get(field.name, [])))
    _close(rows, open_groups, (), repeats)
    return rows


def _asked_late(field: Field) -> bool:
    """Whether a question is asked at the end, when the visit is over."""
    return field.name in _LATE


def choices() -> list[Row]:
    """The rows of the sheet `choices`."""
    lists: dict[str, tuple[str, ...]] = {}
    for field in fields():
        if field.kind == "boolean":
            lists["yes_no"] = ("yes", "no")
        elif field.kind == "choice":
            lists[field.answers] = field.words
    return [
        {"list_name": name, "name": word} | _told("label", CHOICES[word])
        for name, words in lists.items()
        for word in words
    ]


def version() -> str:
    """The form's version: a digest of all that is in it."""
    content = repr([sorted(row.items()) for row in chain(survey(), choices())])
    return f"1-{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def workbook() -> bytes:
    """The whole spreadsheet as an .xlsx file."""
    book = Workbook()
    book.properties.creator = "RTSM"
    sheet = book.active
    assert sheet is not None  # noqa: S101 - a new workbook has one
    sheet.title = "survey"
    _fill(sheet, _SURVEY, survey())
    listed = ("list_name", "name", *(f"label::{language}" for language in LANGUAGES))
    _fill(book.create_sheet("choices"), listed, choices())
    settings = {
        "form_title": TITLE,
        "form_id": FORM_ID,
        "version": version(),
        "default_language": LANGUAGES[0],
        "instance_name": "concat(${school_code}, ' ', ${visited_at})",
    }
    _fill(book.create_sheet("settings"), tuple(settings), [settings])
    file = io.BytesIO()
    book.save(file)
    return _undated(file.getvalue())


def _undated(file: bytes) -> bytes:
    """The same file without the time of its making, which its library writes into it."""
    made = io.BytesIO()
    with ZipFile(io.BytesIO(file)) as before, ZipFile(made, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = _SAVED.sub(rb"\g<1>2018-01-01T00:00:00Z", before.read(name))
            after.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return made.getvalue()


def _fill(sheet: object, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write a heading and rows; every cell is text, so that nothing is read as a formula."""
    append = sheet.append  # type: ignore[attr-defined]
    names = list(columns)
    append(names)
    for row in rows:
        append([row.get(name) for name in names])


def _close(
    rows: list[Row], open_groups: list[str], wanted: tuple[str, ...], repeats: set[str]
) -> None:
    """End the groups that the next question is not in, innermost first."""
    while tuple(open_groups) != wanted[: len(open_groups)]:
        group = open_groups.pop()
        if group in repeats:
            rows.extend(_calculations(group))
        rows.append({"type": "end_repeat" if group in repeats else "end_group"})
        if group in repeats:
            rows.extend(_calculations(None))


def _calculations(repeat: str | None) -> list[Row]:
    return [
        {"type": "calculate", "name": made.name, "calculation": made.expression}
        for made in calculations()
        if made.repeat == repeat
    ]


def _group(name: str, repeats: set[str]) -> Row:
    row = {"type": "begin_repeat" if name in repeats else "begin_group", "name": name}
    return row | _told("label", label(name)) | _relevant(name)


def _relevant(name: str) -> Row:
    expression = relevance().get(name)
    return {} if expression is None else {"relevant": expression}


def _question(field: Field, held: list[Constraint]) -> Row:
    if field.kind in {"boolean", "choice"}:
        kind = f"select_one {field.answers}"
    else:
        kind = _TYPES[field.kind]
    row = {"type": kind, "name": field.name}
    if field.kind == "device":
        return row
    row |= _told("label", label(field.name)) | _relevant(field.name)
    if field.kind == "photo":
        row["parameters"] = "max-pixels=1600"
    if field.required:
        row["required"] = "yes"
    if field.name == "visited_at":
        row["default"] = "now()"
    if held:
        row["constraint"] = " and ".join(f"({one.expression})" for one in held)
        messages = [_message(field, one) for one in held]
        told = Text(" ".join(one.en for one in messages), " ".join(one.ur for one in messages))
        row |= _told("constraint_message", told)
    return row


def _message(field: Field, constraint: Constraint) -> Text:
    text = MESSAGES[constraint.code]
    given = {"low": f"{field.low}", "high": f"{field.high}"}
    return Text(text.en.format(**given), text.ur.format(**given))


def _told(column: str, text: Text) -> Row:
    return dict(
        zip((f"{column}::{language}" for language in LANGUAGES), (text.en, text.ur), strict=True)
    )
