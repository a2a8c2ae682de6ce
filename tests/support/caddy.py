"""The shipped gateway itself before a deployment of tests: Caddy with the table of routes.

Owns exchanging the services' addresses and starting it on a free port; what it routes where is
`deploy`'s. Of a service with several instances it is told one.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.gateway import caddyfile, load_routes
from tests.support.ports import free_port
from tests.support.processes import Deployment
from tests.support.program import Program

_NOBODY = "http://127.0.0.1:9"
"""Where calls go whose service the deployment does not have."""


@contextmanager
def caddy(deployment: Deployment, folder: Path) -> Iterator[str]:
    """The gateway's address while it runs before the deployment's processes."""
    port = free_port()
    text = caddyfile(load_routes()).replace("{$RTSM_SITE::8080}", f":{port}")

    def address(match: re.Match[str]) -> str:
        [found, *_] = deployment.urls(match[1]) or [_NOBODY]
        return "to " + found.removeprefix("http://")

    text = re.sub(r"dynamic a (\w+) 8000 \{.*?\}", address, text, flags=re.DOTALL)
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    words = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    program = Program(words, folder / "caddy.log", env=os.environ | {"HOME": str(folder)})
    program.start()
    url = f"http://127.0.0.1:{port}"

    def live() -> bool:
        try:
            return httpx.get(f"{url}/openapi.json", timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False

    try:
        program.until(live, "the gateway answers")
        yield url
    finally:
        program.kill()
