"""Walls that import-linter cannot draw: what pure modules may import, cycles, who sees whom."""

import sys

import grimp
import pytest

from tests.architecture.source import PRODUCT, Module, modules

SERVICES = ("ingest", "indicators", "reports", "notify")
# The standard library's doors to the outside; the rest of it computes.
DOORS = {
    *("asyncio", "ftplib", "http.client", "http.server", "io", "logging", "multiprocessing"),
    *("os", "pathlib", "select", "shutil", "smtplib", "socket", "sqlite3", "ssl", "subprocess"),
    *("tempfile", "threading", "time", "urllib.request", "random", "secrets"),
}
LIBRARIES = {"pydantic", "pydantic_core", "msgspec", "numpy", "typing_extensions"}
# Conversions; the clocks themselves are passed in.
CONVERSIONS = {"shared.clock.micros", "shared.clock.from_micros", "shared.clock.rfc3339"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PRODUCT, cache_dir=None)


def test_pure_modules_import_only_what_is_pure(pure: list[Module]) -> None:
    names = {module.name for module in pure}

    def allowed(imported: str) -> bool:
        if imported in CONVERSIONS:
            return True
        if imported.split(".")[0] in PRODUCT:
            return imported in names or imported.rsplit(".", 1)[0] in names
        top = imported.split(".")[0]
        if top in LIBRARIES:
            return True
        parts = imported.split(".")
        doors = {".".join(parts[:length]) for length in range(1, len(parts) + 1)} & DOORS
        return top in sys.stdlib_module_names and not doors

    found = [
        f"{module.name} imports {imported}"
        for module in pure
        for imported in sorted(module.imports())
        if not allowed(imported)
    ]
    assert found == []


def test_only_app_and_cli_see_more_than_one_service(graph: grimp.ImportGraph) -> None:
    allowed = {"services.app", "services.cli"}
    found = {}
    for module in modules():
        seen = {
            imported.split(".")[1]
            for imported in graph.find_modules_directly_imported_by(module.name)
            if imported.startswith(tuple(f"services.{name}." for name in SERVICES))
        }
        if len(seen) > 1 and module.name not in allowed:
            found[module.name] = seen
    assert found == {}


def test_there_are_no_import_cycles(graph: grimp.ImportGraph) -> None:
    chains = []
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            back = graph.find_shortest_chain(imported, module)
            if back is not None:
                chains.append(" -> ".join((module, *back)))
    assert chains == []
