"""Visits to send, and what stands in a real server's ledger afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from tests.support.processes import Deployment, Processes


def visits(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Valid visits of school 1001, each with an id of its own, the same at every call."""
    return [
        {
            "visit_id": str(UUID(int=(0x7000 << 64) | (0x8000 << 48) | number)),
            "school_code": "1001",
            "visited_at": f"2018-03-{1 + number % 28:02}T09:40:00+05:00",
            "status": "open",
            "students": {"boys": {"enrolled": 64, "present": 40 + number % 20}},
        }
        for number in range(start, start + count)
    ]


class Server:
    """One embedded `rtsm serve` of the tests, and what stands in its ledger."""

    def __init__(self, processes: Processes, deployment: Deployment) -> None:
        self.processes = processes
        self.served = deployment.ingest[0]
        self.url = deployment.url
        self.key = deployment.key

    def api(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def stored(self) -> dict[str, int]:
        """The revision of every visit in the ledger by its id; an id twice is an error."""
        found: dict[str, int] = {}
        path: str | None = "/v1/visits?limit=500"
        with self.api() as api:
            while path is not None:
                answer = api.get(path).raise_for_status()
                for record in answer.json()["visits"]:
                    assert record["visit_id"] not in found, "a visit stands in the ledger twice"
                    found[record["visit_id"]] = record["revision"]
                path = answer.links.get("next", {}).get("url")
        return found
