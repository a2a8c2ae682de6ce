"""The command line `rtsm`: each command is a few lines that call the part that owns the work."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services import operations
from services.access_cli import keys
from services.console import Data
from services.console import run as _run
from services.console import settings_of as _settings
from services.definitions_cli import definitions
from shared.clock import SystemClock

main = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Real Time School Monitoring.",
    rich_markup_mode=None,
)
main.add_typer(keys, name="keys")
main.command()(definitions)

Host = Annotated[str | None, typer.Option(help="address to listen on")]
Port = Annotated[int | None, typer.Option(help="port to listen on")]


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
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="NDJSON, CSV, XLSX or GeoJSON")
    ],
    kind: Annotated[
        str, typer.Option(help="visits, schools, units, officers or targets")
    ] = "visits",
    mapping: Annotated[
        str | None, typer.Option(help="name of a kept mapping, or a .json file to keep")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only report, write nothing")] = False,
    url: Annotated[
        str | None, typer.Option(help="a running server; default: the data folder")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="RTSM_API_KEY", help="API key")] = None,
    source: Annotated[str, typer.Option(help="source of the visits, without --url")] = "import",
    data: Data = None,
) -> None:
    """Send a file of visits, schools, units, officers or targets; again changes nothing."""
    from services.files import Place, import_table

    settings = _settings(data_dir=data)
    if kind == "visits" and file.suffix.lower() in {".ndjson", ".jsonl", ".json", ""}:
        done = _run(operations.import_visits(settings, file, url, key, source))
    else:
        place = Place(settings, url, key)
        named = None if url is not None else source
        done = _run(import_table(place, file, kind, mapping, dry_run, named))
    typer.echo(json.dumps(done))
    raise typer.Exit(1 if done["rejected"] else 0)


@main.command("export")
def export_file(
    kind: Annotated[str, typer.Argument(help="visits, schools, units, officers or targets")],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write")],
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv, xlsx or geojson; default by the file")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="a running server; default: the data folder")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="RTSM_API_KEY", help="API key")] = None,
    data: Data = None,
) -> None:
    """Write what the system holds to a file that can be imported again."""
    from services.files import Place, export_table

    place = Place(_settings(data_dir=data), url, key)
    chosen = file_format or output.suffix.lstrip(".").lower() or "csv"
    typer.echo(f"{_run(export_table(place, kind, chosen, output))} bytes")


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
def xlsform(
    file: Annotated[Path, typer.Argument(dir_okay=False)] = Path("rtsm_visit.xlsx"),
) -> None:
    """Write the visit as an XLSForm, in English and Urdu, for ODK and KoboToolbox."""
    from services.ingest.adapters.xlsform import workbook

    file.write_bytes(workbook())
    typer.echo(f"Written: {file}")


@main.command()
def verify(data: Data = None) -> None:
    """Recompute every stored figure from the visits and compare; exit 1 on any difference."""
    raise typer.Exit(1 if _run(operations.verify(_settings(data_dir=data))) else 0)


@main.command()
def check(
    unit_id: Annotated[str, typer.Argument(help="the unit, as in the card's check line")],
    period: Annotated[str, typer.Argument(help="the days, as there: 2018-03-01..2018-03-31")],
    known_at: Annotated[str, typer.Argument(help="the instant, as there")],
    seal: Annotated[str, typer.Argument(help="the letters at its end")],
    view: Annotated[str, typer.Option(help="as_was or restated, as there")] = "as_was",
    url: Annotated[
        str | None, typer.Option(help="a running server; default: the data folder")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="RTSM_API_KEY", help="API key")] = None,
    data: Data = None,
) -> None:
    """Check a printed card: genuine, and its figures what was known then? Else exit 1."""
    from services.sealing import Line, checked

    line = Line(unit_id, period, view, known_at, seal)
    raise typer.Exit(0 if _run(checked(_settings(data_dir=data), line, url, key)) else 1)


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


if __name__ == "__main__":
    sys.exit(main())
