"""An HTTP SMS gateway double that speaks Kannel's sendsms and delivery-report protocol.

Owns one listening port, the recorded messages, and the delivery reports it calls. It stands beside
the real Kannel (`kannel`) for what that cannot be told to do: refuse, stall, drop, report late,
twice or never. Both pass the same round-trip test. Runs in threads of its own.
"""

import socket
import struct
import threading
import urllib.parse
import uuid
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from tests.support.ports import free_port
from tests.support.waiting import until

Step = Literal["ok", "queued", "refused", "unavailable", "throttled", "hang", "drop"]
"""What one sendsms call gets. ok: 202 "0: Accepted", recorded, reported delivered. queued: 202
"3: Queued", recorded, no report until `report`. refused: 400. unavailable: 503. throttled: 429 with
Retry-After. hang: no answer. drop: recorded, then the connection is reset before the answer."""

ANSWERS: dict[str, tuple[int, str]] = {
    "ok": (202, "0: Accepted for delivery"),
    "queued": (202, "3: Queued for later delivery"),
    "refused": (400, "Invalid receiver"),
    "unavailable": (503, "Temporal failure, try again later."),
    "throttled": (429, "Too many messages"),
}
DELIVERED, FAILED, QUEUED, ACCEPTED, REJECTED = 1, 2, 4, 8, 16
"""Kannel's delivery report types."""


@dataclass(frozen=True, slots=True)
class GatewaySms:
    """One accepted sendsms call."""

    sender: str
    receiver: str
    text: str
    unicode: bool
    dlr_url: str | None
    """The caller's delivery-report address with Kannel's escapes still in it."""
    dlr_mask: int
    message_id: str


class SmsGateway:
    """A sendsms endpoint on a fixed loopback port; `url` is its whole address."""

    def __init__(self, username: str = "rtsm", password: str = "secret") -> None:  # noqa: S107
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/cgi-bin/sendsms"
        self.username, self.password, self.sender = username, password, "8070"
        self.messages: list[GatewaySms] = []
        self.attempts = 0
        """How many calls came with the right password, whatever they were answered."""
        self.reports_answered: list[int] = []
        """The HTTP status of each delivery report called; 0 when nobody answered."""
        self._script: deque[Step] = deque()
        self._always: Step = "ok"
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._serving: threading.Thread | None = None
        self._reporting: list[threading.Thread] = []

    def start(self) -> None:
        """Listen on the port."""
        self._server = _Server(self)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._serving.start()

    def stop(self) -> None:
        """Stop listening and cut what hangs; what was recorded stays."""
        if self._server is None or self._serving is None:
            return
        self._server.ending.set()
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        for thread in self._reporting:
            thread.join()
        self._server = None

    def restart(self) -> None:
        """`stop` and `start` on the same port."""
        self.stop()
        self.start()

    def script(self, *steps: Step) -> None:
        """What the next calls get, one step each; after that every call gets `always`."""
        self._script.extend(steps)

    def always(self, step: Step) -> None:
        """What calls get when no scripted step is left; "ok" at first."""
        self._always = step

    def wait(self, count: int, seconds: float = 30.0) -> list[GatewaySms]:
        """The messages, once there are at least `count` (blocks: not on an event loop's thread)."""
        until(lambda: len(self.messages) >= count, f"{count} SMS", seconds)
        return self.messages

    def report(self, sms: GatewaySms, kind: int, answer: str = "") -> int:
        """Call the message's delivery report with that type; its HTTP status, 0 for none."""
        if sms.dlr_url is None or not sms.dlr_mask & kind:
            return 0
        url = sms.dlr_url
        for escape, value in {
            "%d": str(kind),
            "%A": urllib.parse.quote_plus(answer),
            "%F": sms.message_id if kind == DELIVERED else "",
            "%p": urllib.parse.quote_plus(sms.sender),
            "%P": urllib.parse.quote_plus(sms.receiver),
        }.items():
            url = url.replace(escape, value)
        try:
            status = httpx.get(url, timeout=10).status_code
        except httpx.TransportError:
            status = 0
        self.reports_answered.append(status)
        return status

    def incoming(self, url: str, sender: str, text: str) -> int:
        """Hand on an SMS from a telephone to that address, as Kannel's get-url does."""
        answer = httpx.get(
            url, params={"from": sender, "to": self.sender, "text": text}, timeout=10
        )
        return answer.status_code

    def take(self, asked: dict[str, str]) -> Step | None:
        """Judge one call: its step, or None for a wrong user or password."""
        if (asked.get("username"), asked.get("password")) != (self.username, self.password):
            return None
        with self._lock:
            self.attempts += 1
            step = self._script.popleft() if self._script else self._always
            if step in ("ok", "queued", "drop"):
                sms = GatewaySms(
                    sender=asked.get("from", self.sender),
                    receiver=asked["to"],
                    text=asked.get("text", ""),
                    unicode=asked.get("coding") == "2",
                    dlr_url=asked.get("dlr-url"),
                    dlr_mask=int(asked.get("dlr-mask", "0")),
                    message_id=str(uuid.uuid4()),
                )
                self.messages.append(sms)
                if step == "ok" and sms.dlr_url:
                    thread = threading.Thread(target=self._delivered, args=(sms,))
                    thread.start()
                    self._reporting.append(thread)
        return step

    def _delivered(self, sms: GatewaySms) -> None:
        self.report(sms, ACCEPTED, "ACK/")
        self.report(sms, DELIVERED)


class _Server(ThreadingHTTPServer):
    """The gateway's listener; `ending` lets hanging calls go."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, gateway: SmsGateway) -> None:
        self.gateway = gateway
        self.ending = threading.Event()
        super().__init__(("127.0.0.1", gateway.port), _Call)


class _Call(BaseHTTPRequestHandler):
    """One sendsms call, by GET or by a POSTed form."""

    server: _Server

    def do_GET(self) -> None:
        self._answer(urllib.parse.urlsplit(self.path).query)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self._answer(self.rfile.read(length).decode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the recorded messages are the log."""

    def _answer(self, query: str) -> None:
        if urllib.parse.urlsplit(self.path).path != "/cgi-bin/sendsms":
            self._say(404, "Unknown request.")
            return
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if not asked.get("to"):
            self._say(400, "Missing receiver, rejected")
            return
        step = self.server.gateway.take(asked)
        if step is None:
            self._say(403, "Authorization failed for sendsms")
        elif step == "hang":
            self.server.ending.wait()
            self.close_connection = True
        elif step == "drop":
            reset = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.connection.close()
            self.close_connection = True
        else:
            self._say(*ANSWERS[step], retry_after=step == "throttled")

    def _say(self, status: int, text: str, *, retry_after: bool = False) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)
