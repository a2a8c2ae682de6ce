"""What every command of the command line shares: settings, logs, and how an end is told.

Owns exit codes: 2 for what cannot be done as asked, 130 for an interruption.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from services.folder import Refused
from shared.db.errors import DatabaseError
from shared.logs import configure_logs
from shared.settings import Settings, SettingsError, load_settings

Data = Annotated[Path | None, typer.Option("--data", help="folder of the data")]


def settings_of(**override: Any) -> Settings:
    """The settings of the environment and the options; ends with 2 when they make no sense."""
    try:
        settings = load_settings(**override)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    configure_logs(settings.log_level)
    return settings


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a command's work; ends with 2 when it is refused, with 130 when it is interrupted."""
    try:
        return asyncio.run(work)
    except (DatabaseError, Refused, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("Interrupted; what was done is kept, and the same command goes on.", err=True)
        raise typer.Exit(130) from None
