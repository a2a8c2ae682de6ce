"""The gateway's table of routes, and the Caddyfile made from it: `python -m deploy.gateway`.

Owns the reading of `routes.toml` and its translation. Which routes a service has is the service's
own business; `tests/architecture/test_gateway.py` holds both against each other.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("routes.toml")
CADDYFILE = Path(__file__).with_name("Caddyfile")

_OPTIONS = """\
# Made from deploy/routes.toml by `make gateway`: change that.
# RTSM_SITE names the public host; Caddy then obtains its certificate by itself.
{
	admin off
	servers {
		timeouts {
			read_header 10s
			read_body 1h
			idle 2m
		}
	}
}

"""

_SITE = """\
{$RTSM_SITE::8080} {
	encode zstd gzip
	request_body {
		max_size 33MiB
	}
"""

_SERVICE = """\
({service}) {{
	reverse_proxy {{
		dynamic a {service} 8000 {{
			refresh 2s
		}}
		lb_policy least_conn
		lb_try_duration 5s
		flush_interval -1
	}}
}}

"""

_TAIL = """
	handle {
		error 404
	}

	handle_errors {
		header Content-Type application/problem+json
		@unknown expression {err.status_code} == 404
		handle @unknown {
			respond `%s` 404
		}
		@large expression {err.status_code} == 413
		handle @large {
			respond `%s` 413
		}
		handle {
			header Retry-After 5
			respond `%s` 503
		}
	}
}
"""
_PROBLEM = '{"type":"/problems/%s","title":"%s","status":%d,"retryable":%s}'


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table: these methods on this path are this service's."""

    service: str
    methods: frozenset[str]
    path: str

    @property
    def pattern(self) -> str:
        """The address as it is sent, as an anchored regular expression (RE2 and Python alike).

        Escapes stand as they are: the `%2F` of a name parts no segments.
        """
        pieces = re.split(r"(\{\w+\}|/\*$)", self.path)
        known = {"/*": "/[^?]*"}
        return (
            "^"
            + "".join(
                known.get(piece, "[^/?]+" if piece.startswith("{") else re.escape(piece))
                for piece in pieces
            )
            + r"(\?|$)"
        )

    @property
    def precise(self) -> tuple[int, int]:
        """Sorts fixed words before names, and both before a final star."""
        return (self.path.endswith("/*"), self.path.count("{"))


def load_routes(table: Path = TABLE) -> list[Route]:
    """The table's routes, the most precise first; ValueError for a line that makes no sense."""
    routes = []
    for service, section in tomllib.loads(table.read_text(encoding="utf-8")).items():
        for line in section["routes"]:
            *methods, path = line.split()
            if not methods or not path.startswith("/"):
                raise ValueError(f"not METHOD… /path: {line!r}")
            head = {"HEAD"} if "GET" in methods else set()
            routes.append(Route(service, frozenset({*methods, *head}), path))
    return sorted(routes, key=lambda route: route.precise)


def service_for(routes: Iterable[Route], method: str, path: str) -> str | None:
    """The service that answers a call, None where the gateway says 404."""
    for route in routes:
        if method in route.methods and re.match(route.pattern, path):
            return route.service
    return None


def allowed(routes: Iterable[Route], path: str) -> list[str]:
    """The methods that some service takes on a path; none where the gateway says 404."""
    return sorted({m for route in routes if re.match(route.pattern, path) for m in route.methods})


def _refusing(routes: Sequence[Route]) -> list[str]:
    """Blocks that answer 405 on known paths, to what no block before them took."""
    blocks = []
    for number, path in enumerate(dict.fromkeys(route.path for route in routes)):
        if path.endswith("/*"):
            continue
        pattern = Route("", frozenset(), path).pattern
        methods = ", ".join(allowed(routes, re.sub(r"\{\w+\}", "x", path)))
        problem = _PROBLEM % ("method_not_allowed", "Method Not Allowed", 405, "false")
        blocks.append(
            f"\n\t@m{number} vars_regexp {{uri}} {pattern}\n"
            f"\thandle @m{number} {{\n"
            f'\t\theader Allow "{methods}"\n'
            f"\t\theader Content-Type application/problem+json\n"
            f"\t\trespond `{problem}` 405\n"
            f"\t}}\n"
        )
    return blocks


def caddyfile(routes: Sequence[Route]) -> str:
    """The text of the Caddyfile that sends every route to its service."""
    blocks = []
    for number, route in enumerate(routes):
        blocks.append(
            f"\n\t# {route.path}\n"
            f"\t@r{number} {{\n"
            f"\t\tmethod {' '.join(sorted(route.methods))}\n"
            f"\t\tvars_regexp {{uri}} {route.pattern}\n"
            f"\t}}\n"
            f"\thandle @r{number} {{\n"
            f"\t\timport {route.service}\n"
            f"\t}}\n"
        )
    services = sorted({route.service for route in routes})
    tail = _TAIL % (
        _PROBLEM % ("not_found", "Not Found", 404, "false"),
        _PROBLEM % ("too_large", "Content Too Large", 413, "false"),
        _PROBLEM % ("unavailable", "Service Unavailable", 503, "true"),
    )
    snippets = "".join(_SERVICE.format(service=service) for service in services)
    return _OPTIONS + snippets + _SITE + "".join([*blocks, *_refusing(routes)]) + tail


def main() -> int:
    """Write deploy/Caddyfile."""
    CADDYFILE.write_text(caddyfile(load_routes()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
