"""One origin: the gateway's table, the Caddyfile made from it, and the routes services declare."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route

from deploy.gateway import CADDYFILE, allowed, caddyfile, load_routes, service_for
from services.app import BUILDERS
from shared.clock import SystemClock
from shared.platform import Platform
from shared.settings import Settings
from tests.support.available import need

# Asked between services, inside the deployment; the gateway answers 404 to anybody else.
INSIDE = {
    "/v1/applied",
    "/v1/sign-ins",
    "/v1/sign-ins/{officer_id}",
    "/v1/sign-ins/{officer_id}/mail",
}
OF_EVERY_PROCESS = {"/health/live", "/health/ready", "/openapi.json", "/asyncapi.json"}


def test_the_caddyfile_is_made_from_the_table() -> None:
    assert CADDYFILE.read_text(encoding="utf-8") == caddyfile(load_routes()), "run `make gateway`"


def test_caddy_accepts_the_caddyfile() -> None:
    need("Caddy")
    done = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", str(CADDYFILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", sorted(BUILDERS))
def test_every_route_of_a_service_reaches_it(service: str, tmp_path: Path) -> None:
    platform = Platform(Settings(data_dir=tmp_path, services=[service]), SystemClock())
    table = load_routes()
    wrong = {}
    for method, path in routes_of(service, platform):
        example = re.sub(r"\{\w+(:segment)?\}", "x", re.sub(r"\{\w+:segments\}", "x/y", path))
        found = service_for(table, method, example)
        if found != service and re.sub(":segments?", "", path) not in INSIDE:
            wrong[f"{method} {path}"] = found
    assert wrong == {}


@pytest.mark.parametrize("service", sorted(BUILDERS))
def test_every_line_of_the_table_is_a_route(service: str, tmp_path: Path) -> None:
    platform = Platform(Settings(data_dir=tmp_path, services=[service]), SystemClock())
    declared = {(method, _shape(path)) for method, path in routes_of(service, platform)}
    named = {
        (method, _shape(route.path))
        for route in load_routes()
        if route.service == service and route.path not in OF_EVERY_PROCESS
        for method in route.methods - {"HEAD"}
    }
    assert named - declared == set()


def _shape(path: str) -> str:
    """A path template without the names: the last of several segments is a star."""
    return re.sub(r"\{\w+(:segment)?\}", "{}", re.sub(r"\{\w+:segments\}$", "*", path))


def routes_of(service: str, platform: Platform) -> list[tuple[str, str]]:
    return calls(BUILDERS[service](platform).router.routes)


def calls(routes: Sequence[BaseRoute]) -> list[tuple[str, str]]:
    """(method, path) of every route, in templates; a {name:segments} stands for several of them."""
    found: list[tuple[str, str]] = []
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            found.append(("GET", f"{route.path}/{{rest:path}}"))
        elif isinstance(route, APIRoute | Route):
            path = context.path or route.path
            found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_a_fixed_word_wins_over_a_name() -> None:
    table = load_routes()
    assert service_for(table, "POST", "/v1/visits/batch") == "ingest"
    assert service_for(table, "GET", "/v1/units") == "ingest"
    assert service_for(table, "HEAD", "/v1/units/PK-BA") == "indicators"
    assert service_for(table, "GET", "/v1/units/school:17/figures") == "indicators"
    assert service_for(table, "GET", "/v1/units/PK-BA/children/figures") == "indicators"
    assert service_for(table, "GET", "/") == "reports"


def test_another_method_on_a_known_path_is_told_which_there_are() -> None:
    table = load_routes()
    assert allowed(table, "/v1/officers") == ["GET", "HEAD", "PUT"]
    assert allowed(table, "/v1/visits/x/revisions") == ["GET", "HEAD"]
    assert allowed(table, "/metrics") == []
    assert 'header Allow "GET, HEAD, PUT"' in caddyfile(table)


def test_what_is_not_in_the_table_is_nobodys() -> None:
    table = load_routes()
    assert service_for(table, "GET", "/metrics") is None
    assert service_for(table, "DELETE", "/v1/units") is None
    assert service_for(table, "GET", "/v1/visitsX") is None


def test_no_two_lines_claim_one_call_for_different_services() -> None:
    claims: dict[tuple[str, str], set[str]] = {}
    for route in load_routes():
        for method in route.methods:
            claims.setdefault((method, re.sub(r"\{\w+\}", "{}", route.path)), set()).add(
                route.service
            )
    assert {call: found for call, found in claims.items() if len(found) > 1} == {}


def test_compose_runs_the_services_the_table_names() -> None:
    compose = (CADDYFILE.parents[1] / "docker-compose.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"RTSM_SERVICES: (\w+)", compose))
    assert named == {route.service for route in load_routes()} == set(BUILDERS)
