"""The deployment's one origin, for tests: sends each call where `deploy/routes.toml` says.

Stands in for the gateway container, which needs Docker; both are driven by the same table.
"""

import itertools
from collections.abc import Mapping, Sequence

import httpx

from deploy.gateway import allowed, load_routes, service_for


class Gateway(httpx.AsyncBaseTransport):
    """A transport that picks the service by method and path, and its instances in turn."""

    def __init__(self, urls: Mapping[str, Sequence[str]]) -> None:
        self._routes = load_routes()
        self._instances = {
            service: itertools.cycle([httpx.URL(url) for url in found])
            for service, found in urls.items()
            if found
        }
        self._transport = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the call to its service; 404 for a path that is in no line of the table."""
        path = request.url.raw_path.decode().split("?")[0]
        service = service_for(self._routes, request.method, path)
        if service is None and (methods := allowed(self._routes, path)):
            return httpx.Response(405, headers={"Allow": ", ".join(methods)})
        if service is None:
            return httpx.Response(404, text=f"the gateway knows no {request.method} {path}")
        target = next(self._instances[service])
        request.url = request.url.copy_with(
            scheme=target.scheme, host=target.host, port=target.port
        )
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections it kept."""
        await self._transport.aclose()
