"""The definitions in force: the shipped file and, beside it, a ministry's own.

Owns reading the files, versions that follow one another, and that a version once used goes on
meaning the same. Every refusal names the file, the indicator, the field and the reason. What an
entry may say is `definition_entry`'s, what is made of entries `catalogue`'s.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from services.indicators.catalogue import Definitions, Indicator
from services.indicators.definition_entry import RefusalError, checked
from shared.settings import SettingsError

SHIPPED = "definitions.toml"


class DefinitionError(SettingsError):
    """A file of definitions makes no sense; the text names file, indicator, field and reason."""


def shipped() -> Definitions:
    """The definitions that come with the product."""
    return Definitions(tuple(_read(_shipped_text(), SHIPPED)))


def load(own: Path | None) -> Definitions:
    """The shipped definitions and, beside them, a ministry's own; raises DefinitionError.

    An own entry has a new code, or the next version of a known one.
    """
    entries = _read(_shipped_text(), SHIPPED)
    if own is not None:
        try:
            # Some editors begin a file with a mark that TOML has no word for.
            text = own.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DefinitionError(f"RTSM_DEFINITIONS: {own} cannot be read: {error}") from error
        entries = _beside(entries, _read(text, str(own)), str(own))
    return Definitions(tuple(entries))


def _shipped_text() -> str:
    return files("services.indicators").joinpath(SHIPPED).read_text(encoding="utf-8")


def _beside(held: list[Indicator], own: list[Indicator], name: str) -> list[Indicator]:
    """Put own entries after the shipped ones; an own version follows the newest one."""
    newest: dict[str, int] = {}
    for entry in held:
        newest[entry.code] = max(newest.get(entry.code, 0), entry.version)
    for entry in own:
        known = newest.get(entry.code)
        if known is not None and entry.version <= known:
            raise DefinitionError(
                f"{name}: indicator {entry.code}: field version: version {entry.version} cannot "
                f"follow version {known}; a changed definition has the next one"
            )
        newest[entry.code] = entry.version
    return [*held, *own]


def _read(text: str, name: str) -> list[Indicator]:
    """Check a file's entries; raises DefinitionError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{name}: this is no TOML: {error}") from error
    rows = document.pop("indicators", None)
    if document or not isinstance(rows, list) or not rows:
        unknown = next(iter(document), None)
        reason = f"unknown field {unknown}" if unknown else "there are no [[indicators]]"
        raise DefinitionError(f"{name}: {reason}")
    found: dict[tuple[str, int], Indicator] = {}
    for number, row in enumerate(rows, 1):
        code = row.get("code") if isinstance(row, dict) else None
        title = f"{name}: indicator {code if isinstance(code, str) else f'number {number}'}"
        try:
            entry = checked(row, name)
            if (entry.code, entry.version) in found:
                raise RefusalError("version", f"version {entry.version} is given twice")
        except RefusalError as refusal:
            raise DefinitionError(f"{title}: {refusal}") from refusal
        found[entry.code, entry.version] = entry
    return list(found.values())


def refused_changes(definitions: Definitions, held: Sequence[tuple[str, int, str]]) -> None:
    """Refuse definitions that mean something else than they did when they were first used.

    `held` are (code, version, digest) as recorded; raises DefinitionError for the first that
    differs. An entry that is no longer given is no reason: nothing is answered with it.
    """
    for code, version, recorded in held:
        entry = definitions.by_version.get((code, version))
        if entry is not None and entry.digest != recorded:
            raise DefinitionError(
                f"{entry.file}: indicator {code}: field version: version {version} was used with "
                "another meaning before; a changed definition has the next version"
            )
