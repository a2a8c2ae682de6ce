"""A real SMTP server in this process that records messages and answers as a test scripts it.

Owns the listening port and the recorded messages. Leaves addresses, texts and retries to the
product. Runs in a thread of its own, so it serves async and sync tests and separate processes.
"""

import asyncio
import email
import email.policy
import threading
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.ports import free_port
from tests.support.waiting import until

Result = TypeVar("Result")
Step = Literal["ok", "hang", "drop"] | str
"""What one message's DATA gets: ok, hang (no answer), drop (recorded, then the connection is cut
before the answer), or an SMTP answer such as "451 4.3.0 try again" or "550 5.1.1 unknown"."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that was accepted (or dropped after it was taken)."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    username: str | None

    @property
    def subject(self) -> str:
        """The decoded Subject header."""
        return str(self.message["Subject"])

    def text(self, kind: str = "plain") -> str:
        """The decoded text/plain (or text/html) body, "" when there is none."""
        body = self.message.get_body((kind,))
        return str(body.get_content()) if body is not None else ""


class SmtpSink:
    """An SMTP server on a fixed loopback port; `script` says what the next messages get.

    With `login` it demands AUTH with that (username, password) and offers it without TLS.
    """

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.login = login
        self.mails: list[Mail] = []
        self.attempts = 0
        """How many messages reached DATA, whatever they were answered."""
        self._script: deque[Step] = deque()
        self._always: Step = "ok"
        self._listener: _Listener | None = None

    def start(self) -> None:
        """Listen; returns when a connection would be greeted."""
        self._listener = _Listener(self)

    def stop(self) -> None:
        """Stop listening and cut every connection; what was recorded stays."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def restart(self) -> None:
        """`stop` and `start` on the same port."""
        self.stop()
        self.start()

    def script(self, *steps: Step) -> None:
        """What the next messages get, one step each; after that every message gets `always`."""
        self._script.extend(steps)

    def always(self, step: Step) -> None:
        """What messages get when no scripted step is left; "ok" at first."""
        self._always = step

    def wait(self, count: int, seconds: float = 30.0) -> list[Mail]:
        """The mails, once there are at least `count` (blocks: not for an event loop's thread)."""
        until(lambda: len(self.mails) >= count, f"{count} mails", seconds)
        return self.mails

    def take(self, mail: Mail) -> Step:
        """Count an attempt, record the mail if it is taken, and say what it gets."""
        self.attempts += 1
        step = self._script.popleft() if self._script else self._always
        if step in ("ok", "drop"):
            self.mails.append(mail)
        return step


class _Handler:
    """aiosmtpd's handler: hands each message to the sink and plays its step."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.content or b""
        message = email.message_from_bytes(
            raw if isinstance(raw, bytes) else raw.encode(), policy=email.policy.default
        )
        login = session.auth_data
        mail = Mail(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            message=message,
            username=login.login.decode() if isinstance(login, LoginPassword) else None,
        )
        step = self._sink.take(mail)
        if step == "hang":
            await asyncio.Event().wait()
        if step == "drop" and isinstance(server, _Connection):
            server.cut()
        return "250 2.0.0 taken" if step in ("ok", "drop") else step


class _Connection(SMTP):
    """One client's connection, known to the listener so that it can be cut."""

    def __init__(self, listener: "_Listener", **options: Any) -> None:
        super().__init__(**options)
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._listener.open.discard(self)

    def cut(self) -> None:
        """End it without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


class _Listener:
    """A thread with an event loop that listens until it is closed."""

    def __init__(self, sink: SmtpSink) -> None:
        self.open: set[_Connection] = set()
        self._sink = sink
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(self._loop.create_server(self._connection, sink.host, sink.port))

    def close(self) -> None:
        """Stop listening, cut every connection, end the thread."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for connection in list(self.open):
            connection.cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _connection(self) -> _Connection:
        demands = self._sink.login is not None
        connection = _Connection(
            self,
            handler=_Handler(self._sink),
            loop=self._loop,
            hostname="sink.example",
            enable_SMTPUTF8=True,
            authenticator=self._authenticate,
            auth_require_tls=not demands,
        )
        # Not as an argument: aiosmtpd warns of a password without TLS, and warnings are errors.
        connection._auth_required = demands
        return connection

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, given: object
    ) -> AuthResult:
        wanted = tuple(word.encode() for word in self._sink.login or ())
        right = isinstance(given, LoginPassword) and tuple(given) == wanted
        return AuthResult(success=right, handled=False, auth_data=given)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
