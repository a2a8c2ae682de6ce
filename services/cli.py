"""The command line `rtsm`: each command is a few lines that call the part that owns the work."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from services import operations
from services.folder import Refused
from shared.access import TABLES as ACCESS_TABLES
from shared.access import Access
from shared.clock import SystemClock, rfc3339
from shared.db.engine import database_for
from shared.db.errors import DatabaseError
from shared.logs import configure_logs
from shared.settings import Settings, SettingsError, load_settings

main = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Real Time School Monitoring.",
    rich_markup_mode=None,
)
keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")
main.add_typer(keys, name="keys")

Data = Annotated[Path | None, typer.Option("--data", help="folder of the data")]
Host = Annotated[str | None, typer.Option(help="address to listen on")]
Port = Annotated[int | None, typer.Option(help="port to listen on")]


def _settings(**override: Any) -> Settings:
    try:
        settings = load_settings(**override)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    configure_logs(settings.log_level)
    return settings


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    except (DatabaseError, Refused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("Interrupted; what was done is kept, and the same command goes on.", err=True)
        raise typer.Exit(130) from None


@main.command()
def serve(
    services: Annotated[str | None, typer.Option(help="comma separated; default all four")] = None,
    host: Host = None,
    port: Port = None,
    data: Data = None,
) -> None:
    """Serve: one process with SQLite files, or what the environment says."""
    from services.serving import serve_app

    settings = _settings(services=services, host=host, port=port, data_dir=data)
    raise typer.Exit(_run(serve_app(settings, SystemClock())))


@main.command()
def demo(host: Host = None, port: Port = None, data: Data = None) -> None:
    """Serve the circular's 57,158 visits, made up but adding to its figures."""
    from demo.serving import serve_demo

    settings = _settings(host=host, port=port, data_dir=data)
    raise typer.Exit(_run(serve_demo(settings)))


@main.command()
def migrate() -> None:
    """Make the tables and topics that the environment's services need."""
    _run(operations.migrate(_settings()))


@main.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="visits as NDJSON")],
    url: Annotated[
        str | None, typer.Option(help="a running server; default: the data folder")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="RTSM_API_KEY", help="API key")] = None,
    source: Annotated[str, typer.Option(help="source of the visits, without --url")] = "import",
    data: Data = None,
) -> None:
    """Send a file of visits; sending it again changes nothing."""
    done = _run(operations.import_visits(_settings(data_dir=data), file, url, key, source))
    typer.echo(json.dumps(done))
    raise typer.Exit(1 if done["rejected"] else 0)


@main.command()
def send(
    file: Annotated[
        str | None, typer.Argument(help="visits as NDJSON, - for standard input")
    ] = None,
    url: Annotated[str, typer.Option(help="the server")] = "http://127.0.0.1:8000",
    key: Annotated[str | None, typer.Option(envvar="RTSM_API_KEY", help="API key")] = None,
    spool: Annotated[
        Path | None, typer.Option(help="folder that keeps visits until they are sent")
    ] = None,
    source: Annotated[str | None, typer.Option(help="another source, for admin keys")] = None,
    tries: Annotated[int, typer.Option(min=1, help="tries in a row before giving up")] = 8,
) -> None:
    """Send visits over a bad network; again is safe. Without a file: what waits in the spool."""
    from rtsm_client import Client, Patience
    from services.sending import send as sent

    if file is None and spool is None:
        raise typer.BadParameter("Give a file, - for standard input, or --spool.")
    if file not in (None, "-") and not Path(str(file)).is_file():
        raise typer.BadParameter("There is no such file.")
    with Client(url, key or "", source=source, patience=Patience(tries=tries)) as client:
        raise typer.Exit(sent(client, file, spool))


@main.command()
def verify(data: Data = None) -> None:
    """Recompute every stored figure from the visits and compare; exit 1 on any difference."""
    raise typer.Exit(1 if _run(operations.verify(_settings(data_dir=data))) else 0)


@main.command()
def rebuild(data: Data = None) -> None:
    """Compute all figures anew from the journal, and switch to them at once."""
    _run(operations.rebuild(_settings(data_dir=data)))


@main.command()
def replay(
    start: Annotated[int, typer.Option("--from", help="journal position to start at")] = 1,
    data: Data = None,
) -> None:
    """Read the journal again from a position: to Kafka, or else to the consumers."""
    _run(operations.replay(_settings(data_dir=data), start))


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="whose key it is")],
    scope: Annotated[list[str], typer.Option(help="what it may do; may be repeated")],
    unit: Annotated[list[str] | None, typer.Option(help="where; may be repeated")] = None,
    source: Annotated[
        str | None, typer.Option(help="source of its visits; default the name")
    ] = None,
    days: Annotated[int | None, typer.Option(help="days until it expires")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON object")] = False,
    data: Data = None,
) -> None:
    """Make a key and print it, this once."""

    async def made(access: Access) -> tuple[str, str, int | None]:
        return await access.create_key(name, scope, source=source, units=unit, days=days)

    try:
        key, key_id, expires = _with_access(data, made)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    until = None if expires is None else rfc3339(expires)
    typer.echo(json.dumps({"key": key, "key_id": key_id, "expires": until}) if as_json else key)


@keys.command("list")
def list_keys(data: Data = None) -> None:
    """List all keys, without their secrets, one JSON object a line."""
    for key in _with_access(data, lambda access: access.list_keys()):
        typer.echo(json.dumps(key))


@keys.command("revoke")
def revoke_key(key_id: str, data: Data = None) -> None:
    """End a key; it dies within five seconds everywhere."""
    if not _with_access(data, lambda access: access.revoke_key(key_id)):
        typer.echo("There is no living key of this id.", err=True)
        raise typer.Exit(1)


def _with_access(data: Path | None, work: Any) -> Any:
    settings = _settings(data_dir=data)

    async def done() -> Any:
        access = Access(database_for(settings, "access", ACCESS_TABLES, size=2), SystemClock())
        await access.open()
        try:
            return await work(access)
        finally:
            await access.close()

    return _run(done())


if __name__ == "__main__":
    sys.exit(main())
