"""The mail and SMS peers speak their protocols, and do what they are scripted to do.

The gateway double and the real Kannel pass the same round trip.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import aiosmtplib
import httpx
import pytest

from tests.support.kannel import Kannel
from tests.support.sms_gateway import FAILED, SmsGateway
from tests.support.smtp_sink import SmtpSink
from tests.support.waiting import eventually

URDU = "حاضری 62٪، حد 70٪"


class Reports(ThreadingHTTPServer):
    """Keeps the queries of the GETs it is sent."""

    def __init__(self) -> None:
        self.queries: list[dict[str, list[str]]] = []
        super().__init__(("127.0.0.1", 0), Report)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    async def until(self, count: int) -> list[dict[str, list[str]]]:
        async def enough() -> bool:
            return len(self.queries) >= count

        await eventually(enough, f"{count} reports")
        return self.queries


class Report(BaseHTTPRequestHandler):
    server: Reports

    def do_GET(self) -> None:
        self.server.queries.append(parse_qs(urlsplit(self.path).query))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def reports() -> Iterator[Reports]:
    server = Reports()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
        yield client


def asked(
    gateway: Kannel | SmsGateway, text: str, dlr_url: str, coding: str = "0"
) -> dict[str, str]:
    return {
        "username": gateway.username,
        "password": gateway.password,
        "from": gateway.sender,
        "to": "+923001234567",
        "text": text,
        "charset": "UTF-8",
        "dlr-mask": "31",
        "dlr-url": dlr_url,
        "coding": coding,
    }


@pytest.fixture(params=["double", pytest.param("kannel", marks=pytest.mark.kannel)])
def gateway(request: pytest.FixtureRequest) -> Kannel | SmsGateway:
    name = "sms_gateway" if request.param == "double" else "kannel"
    found: Kannel | SmsGateway = request.getfixturevalue(name)
    return found


async def test_an_sms_is_accepted_delivered_and_reported(
    gateway: Kannel | SmsGateway, reports: Reports, http: httpx.AsyncClient
) -> None:
    dlr = reports.url + "dlr?type=%d&answer=%A&id=%F"
    for text, coding in (("Attendance 62%, limit 70%", "0"), (URDU, "2")):
        answer = await http.get(gateway.url, params=asked(gateway, text, dlr, coding=coding))
        assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")

    queries = await reports.until(4)

    assert sorted(query["type"][0] for query in queries) == ["1", "1", "8", "8"]
    received = gateway.messages() if isinstance(gateway, Kannel) else gateway.messages
    assert [(sms.sender, sms.receiver, sms.text, sms.unicode) for sms in received] == [
        (gateway.sender, "+923001234567", "Attendance 62%, limit 70%", False),
        (gateway.sender, "+923001234567", URDU, True),
    ]


async def test_a_wrong_password_is_refused(
    gateway: Kannel | SmsGateway, http: httpx.AsyncClient
) -> None:
    answer = await http.get(gateway.url, params=asked(gateway, "x", "") | {"password": "wrong"})
    assert answer.status_code == 403


@pytest.mark.kannel
async def test_kannel_joins_the_parts_of_a_long_message(
    kannel: Kannel, reports: Reports, http: httpx.AsyncClient
) -> None:
    for text, coding in (("A" * 320, "0"), ("ح" * 240, "2")):
        await http.get(kannel.url, params=asked(kannel, text, reports.url, coding=coding))
    await reports.until(4)

    assert [(sms.text, sms.parts) for sms in kannel.messages()] == [("A" * 320, 3), ("ح" * 240, 4)]


@pytest.mark.kannel
async def test_kannel_keeps_what_the_operator_cannot_take_yet(
    kannel: Kannel, reports: Reports, http: httpx.AsyncClient
) -> None:
    kannel.operator_away()
    answer = await http.get(kannel.url, params=asked(kannel, "later", reports.url))
    assert answer.text == "3: Queued for later delivery"

    kannel.operator_back()

    await reports.until(2)
    assert [sms.text for sms in kannel.messages()] == ["later"]


@pytest.mark.kannel
async def test_kannel_hands_on_what_telephones_send(kannel: Kannel, reports: Reports) -> None:
    kannel.inbound_url = reports.url + "inbound?from=%p&text=%a"
    kannel.restart()

    kannel.incoming("+923009999999", "A7F3")

    assert await reports.until(1) == [{"from": ["+923009999999"], "text": ["A7F3"]}]


async def test_the_double_does_what_it_is_scripted_to_do(
    sms_gateway: SmsGateway, reports: Reports, http: httpx.AsyncClient
) -> None:
    sms_gateway.script("unavailable", "throttled", "refused", "drop", "queued")
    params = asked(sms_gateway, "x", reports.url + "?type=%d")
    assert (await http.get(sms_gateway.url, params=params)).status_code == 503
    assert (await http.get(sms_gateway.url, params=params)).headers["Retry-After"] == "1"
    assert (await http.post(sms_gateway.url, data=params)).status_code == 400
    with pytest.raises(httpx.TransportError):
        await http.get(sms_gateway.url, params=params)
    answer = await http.get(sms_gateway.url, params=params)

    assert answer.text == "3: Queued for later delivery"
    assert (sms_gateway.attempts, len(sms_gateway.messages)) == (5, 2)
    assert reports.queries == []
    assert await asyncio.to_thread(sms_gateway.report, sms_gateway.messages[1], FAILED) == 204
    assert reports.queries == [{"type": ["2"]}]


async def test_the_double_can_leave_a_call_without_an_answer_and_come_back(
    sms_gateway: SmsGateway, http: httpx.AsyncClient
) -> None:
    sms_gateway.always("hang")
    params = asked(sms_gateway, "x", "")
    with pytest.raises(httpx.ReadTimeout):
        await http.get(sms_gateway.url, params=params, timeout=0.2)
    sms_gateway.stop()
    with pytest.raises(httpx.ConnectError):
        await http.get(sms_gateway.url, params=params)
    sms_gateway.always("ok")
    sms_gateway.start()
    assert (await http.get(sms_gateway.url, params=params)).status_code == 202


def a_mail(subject: str = "Attendance") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "rtsm@example.org", "deo@example.org", subject
    mail.set_content(URDU)
    mail.add_alternative(f"<p dir=rtl>{URDU}</p>", subtype="html")
    return mail


async def sent(sink: SmtpSink, login: tuple[str, str] | None = None, seconds: float = 5) -> None:
    await aiosmtplib.send(
        a_mail("حاضری کم ہے"),
        hostname=sink.host,
        port=sink.port,
        start_tls=False,
        timeout=seconds,
        username=login[0] if login else None,
        password=login[1] if login else None,
    )


async def test_a_mail_is_recorded_as_it_was_written(smtp_sink: SmtpSink) -> None:
    await sent(smtp_sink)

    (mail,) = smtp_sink.mails
    assert (mail.sender, mail.recipients) == ("rtsm@example.org", ("deo@example.org",))
    assert (mail.subject, mail.text().strip()) == ("حاضری کم ہے", URDU)
    assert f"<p dir=rtl>{URDU}</p>" in mail.text("html")


async def test_the_mail_server_answers_as_scripted(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("451 4.3.0 try again", "550 5.1.1 unknown", "drop", "hang")
    for code in (451, 550):
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await sent(smtp_sink)
        assert refused.value.code == code
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await sent(smtp_sink)
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await sent(smtp_sink, seconds=0.2)
    await sent(smtp_sink)

    assert (smtp_sink.attempts, len(smtp_sink.mails)) == (5, 2)


async def test_the_mail_server_goes_and_comes_back(smtp_sink: SmtpSink) -> None:
    await sent(smtp_sink)
    smtp_sink.stop()
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await sent(smtp_sink)
    smtp_sink.start()
    await sent(smtp_sink)
    assert len(smtp_sink.mails) == 2


async def test_the_mail_server_demands_the_login() -> None:
    sink = SmtpSink(login=("rtsm", "secret"))
    sink.start()
    try:
        with pytest.raises(aiosmtplib.SMTPException):
            await sent(sink)
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await sent(sink, ("rtsm", "wrong"))
        await sent(sink, ("rtsm", "secret"))
    finally:
        sink.stop()
    assert [mail.username for mail in sink.mails] == ["rtsm"]
