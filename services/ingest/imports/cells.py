"""One cell of one field: the reader that a field and its mapping make together.

Owns what `cleaning` does not know: lists, objects, identities, remarks, errors of spreadsheets,
and the mark that exports put before what looks like a formula.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.ingest.cleaning.cells import clean
from services.ingest.cleaning.faults import Fault
from services.ingest.cleaning.words import folded
from services.ingest.imports.fields import FieldKind
from services.ingest.imports.mappings import FieldMapping, Mapping
from services.ingest.imports.workbooks import NO_VALUE
from shared.formula_guard import unguarded

Read = Callable[[str], Any]
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"}
_MOST_PROSE = 8_192


def reader_of(field: FieldKind, given: FieldMapping, mapping: Mapping, zone: ZoneInfo) -> Read:
    """What makes a value, None or a Fault of a cell; dates and times are left as such."""
    kind = given.type or field.kind
    options = {} if given.type else dict(field.options)
    missing = (*mapping.missing, *(given.missing or ()))
    words = given.words or {}
    read = _SPECIAL.get(kind)
    if read is None:
        _add_words(kind, options, words)
        _add_times(kind, options, given, mapping, zone)
        if kind in {"integer", "number"} and given.units:
            options["units"] = given.units
        read = _cleaned(kind, options, missing)
    if kind == "uuid":
        return _identity
    spelt = {folded(word): value for word, value in words.items()}
    replaced = spelt if kind not in {"choice", "boolean"} else {}

    def whole(raw: str) -> Any:
        if raw[0] == "#" and (raw == NO_VALUE or raw in _ERRORS):
            return _spreadsheet_error(raw)
        if raw == "'":
            return "" if kind in {"text", "prose"} else None
        raw = unguarded(raw)
        if replaced:
            raw = replaced.get(folded(raw), raw)
        return read(raw)

    if kind == "instant":
        return lambda raw: raw if _INSTANT.fullmatch(raw) else whole(raw)
    return whole


def _cleaned(kind: str, options: dict[str, Any], missing: tuple[str, ...]) -> Read:
    def read(raw: str) -> Any:
        value = clean(kind, raw, missing=missing, **options)
        # 12.0 and 12 are one number; a record has one spelling of it.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return read


def _add_words(kind: str, options: dict[str, Any], words: dict[str, str]) -> None:
    if kind == "choice" and words:
        options["choices"] = {word: word for word in options["choices"]} | words
    elif kind == "boolean" and words:
        options["true"] = [word for word, value in words.items() if folded(value) == "true"]
        options["false"] = [word for word, value in words.items() if folded(value) == "false"]


def _add_times(
    kind: str, options: dict[str, Any], given: FieldMapping, mapping: Mapping, zone: ZoneInfo
) -> None:
    if kind in {"date", "instant"}:
        options["order"] = given.order or mapping.order or "ymd"
    if kind == "instant":
        named = given.zone or mapping.zone
        options["zone"] = ZoneInfo(named) if named else zone


def _spreadsheet_error(raw: str) -> Fault:
    if raw == NO_VALUE:
        detail = "The cell holds a formula whose result was never stored."
        fix = "Open the file in a spreadsheet program, save it, and send that."
        return Fault("formula_without_value", detail, fix)
    detail = "The cell holds an error of the spreadsheet."
    return Fault("spreadsheet_error", detail, "Mend the formula, or leave the cell empty.")


def _identity(raw: str) -> Any:
    if _UUID.fullmatch(raw):
        return raw
    word = unguarded(raw).strip().lower()
    try:
        return str(UUID(word))
    except ValueError:
        fix = "Give each visit the UUID made for it, or name key columns in a mapping."
        return Fault("invalid_uuid", "The cell is not a UUID.", fix)


def _prose(raw: str) -> Any:
    text = unicodedata.normalize("NFC", raw).replace("\r\n", "\n").strip()
    if len(text) > _MOST_PROSE:
        detail = f"The text is longer than {_MOST_PROSE} characters."
        return Fault("too_long", detail, "Shorten the text.")
    return text or None


def _list(raw: str) -> Any:
    if raw.lstrip().startswith("["):
        value = _json(raw)
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            return Fault("not_a_list", "The cell is no list of texts.", "Part the items with ;")
        return value
    items = [item for item in (part.strip() for part in raw.split(";")) if item]
    return items or None


def _json(raw: str) -> Any:
    word = raw.strip()
    if not word:
        return None
    try:
        return msgspec.json.decode(word)
    except msgspec.MsgspecError:
        fix = "Write it as an export does, or leave the cell empty."
        return Fault("not_json", "The cell is not JSON.", fix)


_SPECIAL: dict[str, Read] = {
    "uuid": _identity,
    "prose": _prose,
    "list": _list,
    "json": _json,
}
