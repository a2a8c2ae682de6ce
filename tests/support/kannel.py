"""A real Kannel SMS gateway of our own: bearerbox, smsbox, and its simulated operator fakesmsc.

Owns the three processes, their configuration and the reading of what the operator received. What
is sent, and what a delivery report means, is the product's. Kannel refuses to run as root.
"""

import re
import shutil
import socket
import urllib.parse
from dataclasses import dataclass

import httpx

from tests.support.available import fakesmsc_program, system_program
from tests.support.ports import free_port, listening
from tests.support.program import Program, scratch_directory
from tests.support.waiting import until

USERNAME = "rtsm"
PASSWORD = "secret"  # noqa: S105  # of a gateway that lives as long as the test run
SENDER = "8070"
_LINE = re.compile(r"Got message \d+: <(.*)>$")
_MESSAGE = re.compile(r"(\S+) (\+?\d+) (text|data|ucs-2|udh) (.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sms:
    """A whole message as the operator received it."""

    sender: str
    receiver: str
    text: str
    parts: int
    """How many SMS the operator charged for it."""
    unicode: bool
    """UCS-2 (70 characters a part) instead of GSM-7 (160)."""


class Kannel:
    """A gateway with one operator; `url` is the whole sendsms address.

    `inbound_url` is where incoming messages are sent, with Kannel's escapes in it (%p sender, %P
    receiver, %a text); set it and `restart`.
    """

    def __init__(self) -> None:
        self.directory = scratch_directory("kannel")
        self._ports = {
            name: free_port() for name in ("admin", "boxes", "sendsms", "operator", "inbound")
        }
        self.url = f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendsms"
        self.username, self.password, self.sender = USERNAME, PASSWORD, SENDER
        self.inbound_url: str | None = None
        self._bearerbox = self._program(system_program("bearerbox"), "-v", "1", "kannel.conf")
        self._smsbox = self._program(system_program("smsbox"), "-v", "1", "kannel.conf")
        fakesmsc = fakesmsc_program() or "fakesmsc"
        address = ("-H", "127.0.0.1", "-r", str(self._ports["operator"]))
        # Sends nothing (-m 0, though it wants a message) and prints what it receives.
        self._operator = self._program(fakesmsc, *address, "-i", "1", "-m", "0", "1 1 text idle")

    def start(self) -> None:
        """Write the configuration, start all three; return when a message would be accepted."""
        (self.directory / "kannel.conf").write_text(self._configuration())
        self._bearerbox.start()
        self._bearerbox.until(lambda: "running" in self._status(), "bearerbox runs", 30)
        self._smsbox.start()
        self._operator.start()
        self._smsbox.until(lambda: listening(self._ports["sendsms"]), "smsbox listens", 30)
        until(lambda: "smsbox:" in self._status(), "smsbox is connected", 30)
        self._operator.until(lambda: "(online" in self._operator_status(), "operator online", 30)

    def stop(self) -> None:
        """End all three in order; messages that were queued are lost, as Kannel keeps no store."""
        self._operator.kill()  # it ignores SIGTERM while it waits
        self._smsbox.terminate(20)
        self._bearerbox.terminate(20)

    def kill(self) -> None:
        """SIGKILL to all three."""
        for program in (self._operator, self._smsbox, self._bearerbox):
            program.kill()

    def restart(self) -> None:
        """`stop` (if it runs) and `start` on the same ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the HTTP side: connections open and nothing answers."""
        self._smsbox.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._smsbox.resume()

    def operator_away(self) -> None:
        """The operator hangs up: messages are accepted and wait in the gateway."""
        self._operator.kill()

    def operator_back(self) -> None:
        """The operator is connected again and takes what waits; `messages` begins anew."""
        self._operator.start()
        self._operator.until(lambda: "(online" in self._operator_status(), "operator online", 30)

    def close(self) -> None:
        """End it and remove its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ensure(self) -> None:
        """Make it whole again after a test that stopped parts of it, without an inbound address."""
        self.resume()
        parts = (self._bearerbox, self._smsbox, self._operator)
        if self.inbound_url is not None or not all(part.running for part in parts):
            self.inbound_url = None
            self.kill()
            self.start()

    def forget(self) -> None:
        """Begin `messages` anew."""
        self._operator.forget()

    def messages(self, receiver: str | None = None) -> list[Sms]:
        """What the operator received since it was last connected (or `forget`), parts joined."""
        lines: list[str] = []
        for line in self._operator.output().splitlines():
            found = _LINE.search(line)
            if found and _MESSAGE.match(found[1]):
                lines.append(found[1])
            elif found and lines:  # fakesmsc's protocol is lines: a text with a newline is split
                lines[-1] += "\n" + found[1]
        whole = _join([match for line in lines if (match := _MESSAGE.match(line))])
        return [sms for sms in whole if receiver in (None, sms.receiver)]

    def incoming(self, sender: str, text: str, receiver: str = SENDER) -> None:
        """An SMS from a telephone to us, handed on to `inbound_url`."""
        with socket.create_connection(("127.0.0.1", self._ports["inbound"]), timeout=5) as line:
            line.sendall(f"{sender} {receiver} text {text}\n".encode())
            line.shutdown(socket.SHUT_WR)
            while line.recv(1024):  # until Kannel has read it and hangs up
                pass

    def _program(self, *words: str) -> Program:
        log = self.directory / f"{words[0].rsplit('/', 1)[-1]}.out"
        return Program(words, log, cwd=self.directory, unprivileged=True)

    def _status(self) -> str:
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{self._ports['admin']}/status.txt",
                params={"password": PASSWORD},
                timeout=5,
            )
        except httpx.TransportError:
            return ""
        return answer.text

    def _operator_status(self) -> str:
        return "".join(line for line in self._status().splitlines() if "operator[" in line)

    def _configuration(self) -> str:
        ports = self._ports
        inbound = f'get-url = "{self.inbound_url}"' if self.inbound_url else "text = ok"
        return f"""group = core
admin-port = {ports["admin"]}
admin-interface = 127.0.0.1
admin-password = {PASSWORD}
status-password = {PASSWORD}
smsbox-port = {ports["boxes"]}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
box-deny-ip = "*.*.*.*"
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = 5

group = smsc
smsc = fake
smsc-id = operator
host = 127.0.0.1
port = {ports["operator"]}
connect-allow-ip = 127.0.0.1

# fakesmsc's port serves one connection: telephones get their own, which carries nothing out
group = smsc
smsc = fake
smsc-id = telephones
host = 127.0.0.1
port = {ports["inbound"]}
connect-allow-ip = 127.0.0.1
allowed-prefix = "none"

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {ports["boxes"]}
sendsms-port = {ports["sendsms"]}
sendsms-interface = 127.0.0.1
global-sender = {SENDER}

group = sendsms-user
username = {USERNAME}
password = {PASSWORD}
max-messages = 10
concatenation = true
omit-empty = true
user-allow-ip = 127.0.0.1
user-deny-ip = "*.*.*.*"

group = sms-service
keyword = default
{inbound}
max-messages = 0
"""


def _join(found: list[re.Match[str]]) -> list[Sms]:
    """Single messages as they are; the parts of a long one as one, at its last part's place."""
    waiting: dict[tuple[str, int], dict[int, bytes]] = {}
    whole = []
    for match in found:
        sender, receiver, kind, rest = match.groups()
        if kind != "udh":
            unicode = kind == "ucs-2"
            text = _bytes(rest).decode("utf-16-be") if unicode else rest
            whole.append(Sms(sender, receiver, text, 1, unicode))
            continue
        header, payload = rest.split(" data ", 1)
        *_, reference, total, number = _bytes(header)
        parts = waiting.setdefault((receiver, reference), {})
        parts[number] = _bytes(payload)
        if len(parts) == total:
            content = b"".join(parts[key] for key in sorted(parts))
            unicode = any(byte < 32 and byte not in b"\n\r\x1b" for byte in content)
            text = content.decode("utf-16-be" if unicode else "utf-8", "replace")
            whole.append(Sms(sender, receiver, text, total, unicode))
            del waiting[receiver, reference]
    return whole


def _bytes(text: str) -> bytes:
    return urllib.parse.unquote_to_bytes(text.replace("+", " "))
