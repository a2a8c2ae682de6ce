"""The command that checks and lists the definitions of indicators.

Owns what is printed; reading and refusing are indicators'.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from services.console import settings_of
from services.indicators.catalogue import Definitions
from services.indicators.definition_file import DefinitionError, load
from services.indicators.expressions import KNOWN, basis_of, is_answer


def definitions(
    file: Annotated[
        Path | None,
        typer.Argument(help="a file of your own; default: the one of RTSM_DEFINITIONS"),
    ] = None,
    measures: Annotated[
        bool, typer.Option("--measures", help="list what definitions can be made of instead")
    ] = False,
) -> None:
    """Check the definitions of indicators and list them; ends with 2 when one is refused."""
    chosen = file or settings_of().definitions
    try:
        found = load(chosen)
    except DefinitionError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    for line in _measures() if measures else _listed(found):
        typer.echo(line)


def _listed(found: Definitions) -> Iterator[str]:
    for entry in sorted(found.entries, key=lambda each: (each.code, each.version)):
        if found.current[entry.code] is not entry:
            state = "older, asked by version"
        else:
            state = "in every answer" if entry.shown == "always" else "asked by name"
        yield f"{entry.code} {entry.version}: {entry.names['en']} ({state}; {entry.file})"


def _measures() -> Iterator[str]:
    for name in sorted(KNOWN, key=lambda each: (basis_of(each), each)):
        yield f"{basis_of(name)} {name}{' (says who answered)' if is_answer(name) else ''}"
