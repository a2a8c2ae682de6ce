"""Doubles of partners' servers: KoboToolbox's API v2 and ODK Central's OData, over real sockets.

Own one listening port each and the submissions they hold; they page, filter, log in, edit and
delete as the real ones do, and misbehave on command. What they hold is set by the test.
"""

import base64
import json
import re
import threading
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.support.ports import free_port

Row = dict[str, Any]
Answer = tuple[int, bytes]
NESTED = b"[" * 100_000 + b"]" * 100_000


class PartnerServer(ABC):
    """A listening server; `trouble` maps a call's number (from 1) or 0 (all) to a misbehaviour.

    Misbehaviours: hang, drop, garbage, nested, unavailable, refuse, redirect, huge.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.calls: list[str] = []
        self.asking: int | None = None
        """The local port of whoever asks now."""
        self.trouble: dict[int, str] = {}
        self.files: dict[str, bytes] = {}
        self.before: Callable[[str], None] | None = None
        """Called with each path before it is answered, in the server's thread."""
        self.ending = threading.Event()
        self.clock = datetime(2019, 6, 1, 8, 0, tzinfo=UTC)
        self._server = _Server(("127.0.0.1", self.port), _Call)
        self._server.partner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and let hanging calls go."""
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def now(self) -> str:
        """The server's own time, a second later at every call."""
        self.clock += timedelta(seconds=1)
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S")

    @abstractmethod
    def authorized(self, header: str | None) -> bool:
        """Whether the login is the right one."""

    @abstractmethod
    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """What a call gets when nothing is wrong."""


class KoboServer(PartnerServer):
    """KoboToolbox with one form, `form`; `page` rows an answer at most."""

    token = "kobo-token"  # noqa: S105 - the double's own

    def __init__(self, form: str = "aVisitForm1", page: int = 1000) -> None:
        super().__init__()
        self.form, self.page = form, page
        self.rows: dict[int, Row] = {}

    def submit(self, **answers: Any) -> Row:
        """A submission as a device sends it; the row as the server shows it."""
        number, instance = 1000 + len(self.rows), uuid4()
        row = {
            "_id": number,
            "formhub/uuid": "f7bef041e8624f09946bff05ee5cbd4b",
            **answers,
            "__version__": "vLnrnT6Pvzgeh4DVfj6eDz",
            "meta/instanceID": f"uuid:{instance}",
            "meta/rootUuid": f"uuid:{instance}",
            "_uuid": str(instance),
            "_attachments": [],
            "_geolocation": [None, None],
            "_submission_time": self.now(),
            "_validation_status": {},
            "_tags": [],
            "_notes": [],
        }
        self.rows[number] = row
        return row

    def edit(self, row: Row, **answers: Any) -> Row:
        """An edit: a new instance that names the one before; number and time stay."""
        after = row | answers | {"meta/deprecatedID": row["meta/instanceID"]}
        after["_uuid"] = str(uuid4())
        after["meta/instanceID"] = f"uuid:{after['_uuid']}"
        self.rows[row["_id"]] = after
        return after

    def attach(self, row: Row, name: str, content: bytes) -> None:
        """A photo of a submission."""
        place = len(self.files) + 1
        path = f"/api/v2/assets/{self.form}/data/{row['_id']}/attachments/{place}/"
        self.files[path] = content
        listed = {
            "id": place,
            "filename": f"user/attachments/x/{name}",
            "download_url": "http://elsewhere.invalid/",
        }
        row["_attachments"] = [*row["_attachments"], listed]

    def delete(self, row: Row) -> None:
        """A deletion, of which nothing is left."""
        del self.rows[row["_id"]]

    def authorized(self, header: str | None) -> bool:
        return header == f"Token {self.token}"

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path != f"/api/v2/assets/{self.form}/data/":
            return 404, b'{"detail": "Not found."}'
        wanted = json.loads(query.get("query", "{}"))
        above = wanted.get("_id", {}).get("$gt", 0)
        since = wanted.get("_submission_time", {}).get("$gte", "")
        found = [
            row
            for number, row in sorted(self.rows.items())
            if number > above and row["_submission_time"] >= since
        ]
        limit = min(int(query.get("limit", "100")), self.page)
        more = len(found) > limit
        document = {
            "count": len(found),
            "next": f"{self.url}{path}?start={limit}" if more else None,
            "previous": None,
            "results": found[:limit],
        }
        return 200, json.dumps(document).encode()


class CentralServer(PartnerServer):
    """ODK Central with one form of project 7; rows newest first, links with a skip token."""

    username, password = "robot@example.org", "central-password"

    def __init__(self, form: str = "rtsm_visit", page: int = 1000) -> None:
        super().__init__()
        self.form, self.page = form, page
        self.rows: dict[str, Row] = {}
        self.lists_deletions = True

    def submit(self, **answers: Any) -> Row:
        """A submission as the OData feed shows it."""
        instance = f"uuid:{uuid4()}"
        system = {
            "submissionDate": f"{self.now()}.123Z",
            "updatedAt": None,
            "deletedAt": None,
            "submitterName": "tablet",
            "reviewState": None,
            "edits": 0,
            "formVersion": "1-abc",
        }
        row = {"__id": instance, "meta": {"instanceID": instance}, **answers, "__system": system}
        self.rows[instance] = row
        return row

    def _touch(self, row: Row, **system: Any) -> None:
        row["__system"] = row["__system"] | {"updatedAt": f"{self.now()}.456Z"} | system

    def edit(self, row: Row, **answers: Any) -> None:
        """An edit: the same `__id`, one more edit."""
        row |= answers
        row["meta"] = {"instanceID": f"uuid:{uuid4()}", "deprecatedID": row["meta"]["instanceID"]}
        self._touch(row, edits=row["__system"]["edits"] + 1, reviewState="edited")

    def review(self, row: Row, state: str) -> None:
        """A reviewer's decision: approved, hasIssues or rejected."""
        self._touch(row, reviewState=state)

    def delete(self, row: Row) -> None:
        """A deletion that can still be undone."""
        row["__system"] = row["__system"] | {"deletedAt": f"{self.now()}.789Z"}

    def attach(self, row: Row, name: str, content: bytes) -> None:
        """A photo of a submission."""
        inside = f"/v1/projects/7/forms/{self.form}/submissions/{row['__id']}/attachments/{name}"
        self.files[inside] = content

    def authorized(self, header: str | None) -> bool:
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return header == f"Basic {pair}"

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path != f"/v1/projects/7/forms/{self.form}.svc/Submissions":
            return 404, b'{"code": "404.1", "message": "Could not find the resource."}'
        wanted = query.get("$filter", "")
        if "deletedAt" in wanted and not self.lists_deletions:
            return 501, b'{"code": "501.4", "message": "not supported"}'
        found = [row for row in reversed(self.rows.values()) if _passes(row["__system"], wanted)]
        start = int(query.get("$skiptoken", "0"))
        end = start + min(int(query.get("$top", "250")), self.page)
        document: Row = {"@odata.context": "x", "value": found[start:end]}
        if query.get("$count") == "true":
            document["@odata.count"] = len(found)
        if end < len(found):
            onward = urllib.parse.urlencode(query | {"$skiptoken": str(end)})
            document["@odata.nextLink"] = f"{self.url}{path}?{onward}"
        return 200, json.dumps(document).encode()


_CONDITION = re.compile(r"__system/(\w+) (ge|ne) (\S+)")


def _passes(system: Row, wanted: str) -> bool:
    """The part of $filter that is asked here: `ge` a time, `ne null`, joined by `or`."""
    if "deletedAt" not in wanted and system["deletedAt"] is not None:
        return False
    conditions = _CONDITION.findall(wanted)
    return not conditions or any(
        (system[name] is not None) if operator == "ne" else (system[name] or "") >= value[:19]
        for name, operator, value in conditions
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    partner: PartnerServer


class _Call(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        partner = self.server.partner
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        partner.calls.append(self.path)
        partner.asking = self.client_address[1]
        if partner.before is not None:
            partner.before(path)
        trouble = partner.trouble.get(len(partner.calls), partner.trouble.get(0))
        if trouble is not None:
            self._trouble(trouble)
        elif not partner.authorized(self.headers.get("Authorization")):
            self._say(401, b'{"detail": "Invalid token."}')
        elif path in partner.files:
            self._say(200, partner.files[path], "image/jpeg")
        else:
            query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
            self._say(*partner.answer(path, query))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the recorded calls are the log."""

    def _trouble(self, kind: str) -> None:
        if kind == "hang":
            self.server.partner.ending.wait()
            self.close_connection = True
        elif kind == "drop":
            self.close_connection = True
        elif kind == "garbage":
            self._say(200, b"<html>It works!</html>", "text/html")
        elif kind == "nested":
            self._say(200, b'{"results":' + NESTED + b',"value":' + NESTED + b"}")
        elif kind == "unavailable":
            self._say(503, b"down")
        elif kind == "refuse":
            self._say(401, b"{}")
        elif kind == "huge":
            self._say(200, b'{"results":["' + b"x" * (17 << 20) + b'"]}')
        else:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _say(self, status: int, body: bytes, media: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
