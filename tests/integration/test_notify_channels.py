"""Channels against real servers: what each answer means, and that a repeat is recognisable."""

import asyncio
import io
from collections.abc import Awaitable, Callable

import httpx
import pytest

from services.notify.channels.contract import Channel, Envelope, redacted
from services.notify.channels.registry import build_channels, receipts_address
from services.notify.policy import Outcome
from shared.settings import Settings, SettingsError
from tests.support.kannel import Kannel
from tests.support.ports import free_port
from tests.support.sms_gateway import SmsGateway
from tests.support.smtp_sink import SmtpSink
from tests.support.waiting import eventually

URDU = "A7F3 قلات: اساتذہ حاضری 61% (حد 70%)۔ 34 دورے"


def envelope(**change: object) -> Envelope:
    values: dict[str, object] = {
        "delivery_id": "0d3cf1a2-7a07-4a53-9b8b-0e1f9a3c5b11",
        "token": "tok-EN_1",
        "recipient": "+923001234567",
        "text": "RTSM alert A7F3. Kalat: teacher attendance 61% (limit 70%) & more, 100% sure?",
        "subject": "RTSM alert A7F3: Kalat",
        "body": "Kalat: teacher attendance\n  Code: A7F3\n.\nQUIT\n",
        "page": "<p>Kalat</p>",
        "language": "en",
        "codes": ("A7F3",),
        "threads": ("a1",),
        "created": 1_520_400_000_000_000,
        "expires": 1_520_570_000_000_000,
    }
    return Envelope(**(values | change))  # type: ignore[arg-type]


def mail_settings(sink: SmtpSink, **smtp: object) -> Settings:
    given = {"host": sink.host, "port": sink.port, "tls": "none", "sender": "rtsm@gov.example"}
    return Settings.model_validate({"smtp": given | smtp})


def sms_settings(gateway: SmsGateway | Kannel, kind: str = "kannel") -> Settings:
    return Settings.model_validate(
        {
            "public_url": "http://127.0.0.1:9",
            "sms": {
                "kind": kind,
                "url": gateway.url,
                "username": gateway.username,
                "password": gateway.password,
                "sender": gateway.sender,
            },
        }
    )


def channel(settings: Settings, kind: str) -> Channel:
    return build_channels(settings, io.StringIO())[kind]


async def outcome(sending: Awaitable[object]) -> Outcome:
    found = await sending
    return found.outcome  # type: ignore[attr-defined,no-any-return]


# --- e-mail -------------------------------------------------------------------------------------


async def test_a_mail_arrives_whole_and_again_under_the_same_id(smtp_sink: SmtpSink) -> None:
    email = channel(mail_settings(smtp_sink), "email")
    to = {"recipient": "deo@example.org"}
    assert await outcome(email.send(envelope(**to))) is Outcome.ACCEPTED
    assert await outcome(email.send(envelope(**to))) is Outcome.ACCEPTED
    first, second = smtp_sink.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message["Message-ID"] == "<0d3cf1a2-7a07-4a53-9b8b-0e1f9a3c5b11@gov.example>"
    assert first.message["References"] == "<alert-a1@gov.example>"
    assert first.message["Auto-Submitted"] == "auto-generated"
    assert first.message["X-RTSM-Alert"] == "A7F3"
    assert first.recipients == ("deo@example.org",)
    assert "\n.\nQUIT" in first.text().replace("\r\n", "\n")
    assert "<p>Kalat</p>" in first.text("html")
    assert len(smtp_sink.mails) == 2


async def test_urdu_mail(smtp_sink: SmtpSink) -> None:
    email = channel(mail_settings(smtp_sink), "email")
    urdu = envelope(recipient="deo@example.org", subject=URDU, body=URDU, page=URDU, language="ur")
    assert await outcome(email.send(urdu)) is Outcome.ACCEPTED
    (mail,) = smtp_sink.mails
    assert mail.subject == URDU
    assert URDU in mail.text()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("421 4.7.0 busy", Outcome.REFUSED),
        ("451 4.3.0 greylisted", Outcome.REFUSED),
        ("550 5.1.1 unknown", Outcome.PERMANENT),
        ("552 5.2.2 full", Outcome.PERMANENT),
        ("drop", Outcome.UNKNOWN),
    ],
)
async def test_what_mail_answers_mean(smtp_sink: SmtpSink, step: str, expected: Outcome) -> None:
    smtp_sink.script(step)
    email = channel(mail_settings(smtp_sink), "email")
    assert await outcome(email.send(envelope(recipient="deo@example.org"))) is expected


async def test_mail_server_down_or_without_tls(smtp_sink: SmtpSink) -> None:
    to = envelope(recipient="deo@example.org")
    email = channel(mail_settings(smtp_sink, tls="starttls"), "email")
    assert await outcome(email.send(to)) is Outcome.UNREACHABLE
    assert smtp_sink.attempts == 0
    email = channel(mail_settings(smtp_sink), "email")
    assert await email.check() is None
    assert await outcome(email.send(to)) is Outcome.ACCEPTED
    smtp_sink.stop()
    assert await outcome(email.send(to)) is Outcome.UNREACHABLE
    assert "mail server" in (await email.check() or "")


@pytest.mark.parametrize(
    ("word", "expected"), [("wrong", Outcome.REFUSED), ("right", Outcome.ACCEPTED)]
)
async def test_mail_server_that_wants_a_login(word: str, expected: Outcome) -> None:
    sink = SmtpSink(login=("rtsm", "right"))
    sink.start()
    try:
        email = channel(mail_settings(sink, username="rtsm", password=word), "email")
        assert await outcome(email.send(envelope(recipient="deo@example.org"))) is expected
        assert len(sink.mails) == (expected is Outcome.ACCEPTED)
    finally:
        sink.stop()


async def test_mail_that_must_be_encrypted_is_not_sent_in_clear() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        heard.append(await reader.read(200))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    smtp = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "tls": "tls"}
    email = channel(Settings.model_validate({"smtp": smtp}), "email")
    assert await outcome(email.send(envelope(recipient="d@example.org"))) is Outcome.UNREACHABLE
    assert not any(b"EHLO" in words for words in heard)
    server.close()
    await server.wait_closed()


STAGES = ("connect", "banner", "ehlo", "mail", "rcpt", "data")


@pytest.mark.parametrize("stage", STAGES)
async def test_a_mail_server_that_hangs_up_at_any_stage(stage: str) -> None:
    replies = {"ehlo": b"250 hello\r\n", "mail": b"250 ok\r\n", "rcpt": b"250 ok\r\n"}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if stage not in ("connect", "banner"):
            writer.write(b"220 here\r\n")
        while stage not in ("connect", "banner") and (line := await reader.readline()):
            word = line.split(b" ")[0].strip().lower().decode()
            word = {"helo": "ehlo"}.get(word, word)
            if word == stage or word not in replies:
                break
            writer.write(replies[word])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    smtp = {"host": "127.0.0.1", "port": port, "tls": "none"}
    email = channel(Settings.model_validate({"smtp": smtp}), "email")
    found = await outcome(email.send(envelope(recipient="deo@example.org")))
    # After DATA the server may have taken it; nothing else can have.
    assert found is (Outcome.UNKNOWN if stage == "data" else Outcome.UNREACHABLE)
    server.close()
    await server.wait_closed()


# --- SMS ----------------------------------------------------------------------------------------


async def test_what_kannels_answers_mean(sms_gateway: SmsGateway) -> None:
    kannel = channel(sms_settings(sms_gateway), "sms")
    expected = {
        "ok": Outcome.ACCEPTED,
        "queued": Outcome.ACCEPTED,
        "refused": Outcome.PERMANENT,
        "unavailable": Outcome.REFUSED,
        "throttled": Outcome.REFUSED,
        "drop": Outcome.UNKNOWN,
    }
    for step, wanted in expected.items():
        sms_gateway.script(step)  # type: ignore[arg-type]
        assert await outcome(kannel.send(envelope())) is wanted, step
    await kannel.close()


async def test_throttling_says_how_long(sms_gateway: SmsGateway) -> None:
    sms_gateway.script("throttled")
    kannel = channel(sms_settings(sms_gateway), "sms")
    assert (await kannel.send(envelope())).retry_after == 1
    await kannel.close()


async def test_a_wrong_password_is_our_mistake_and_can_be_mended(sms_gateway: SmsGateway) -> None:
    sms_gateway.password = "changed"  # noqa: S105
    settings = sms_settings(sms_gateway)
    sms_gateway.password = "other"  # noqa: S105
    kannel = channel(settings, "sms")
    assert await outcome(kannel.send(envelope())) is Outcome.REFUSED
    await kannel.close()


async def test_gateway_down(sms_gateway: SmsGateway) -> None:
    kannel = channel(sms_settings(sms_gateway), "sms")
    assert await kannel.check() is None
    sms_gateway.stop()
    assert await outcome(kannel.send(envelope())) is Outcome.UNREACHABLE
    assert "SMS gateway" in (await kannel.check() or "")
    await kannel.close()


async def test_the_query_carries_the_token_and_the_alphabet(sms_gateway: SmsGateway) -> None:
    kannel = channel(sms_settings(sms_gateway), "sms")
    await kannel.send(envelope())
    await kannel.send(envelope(text=URDU))
    english, urdu = sms_gateway.messages
    assert english.text == envelope().text
    assert (english.unicode, urdu.unicode) == (False, True)
    assert urdu.text == URDU
    assert english.dlr_mask == 31
    assert english.dlr_url == (
        "http://127.0.0.1:9/v1/receipts/sms/tok-EN_1?type=%d&answer=%A&id=%F"
    )
    await kannel.close()


@pytest.mark.kannel
async def test_a_real_kannel_delivers_one_sms_in_both_scripts(kannel: Kannel) -> None:
    sms = channel(sms_settings(kannel), "sms")
    assert await outcome(sms.send(envelope())) is Outcome.ACCEPTED
    assert await outcome(sms.send(envelope(text=URDU))) is Outcome.ACCEPTED

    async def both() -> bool:
        return len(kannel.messages()) == 2

    await eventually(both, "two SMS at the operator")
    assert sorted(found.text for found in kannel.messages()) == sorted([envelope().text, URDU])
    assert {found.receiver for found in kannel.messages()} == {"+923001234567"}
    await sms.close()


Answer = Callable[[httpx.Request], httpx.Response]


def http_channel(answer: Answer) -> Channel:
    from services.notify.channels.sms_http import HttpSmsChannel

    settings = Settings.model_validate(
        {"sms": {"kind": "http", "url": "https://sms.example/send", "username": "u"}}
    )
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return HttpSmsChannel(settings.sms, client, "http://rtsm/v1/receipts/sms")


async def test_a_gateway_by_json_gets_the_same_reference_on_a_repeat() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500) if len(asked) == 1 else httpx.Response(200, json={"id": 7})

    sms = http_channel(answer)
    assert await outcome(sms.send(envelope())) is Outcome.REFUSED
    taken = await sms.send(envelope())
    assert (taken.outcome, taken.provider_id) == (Outcome.ACCEPTED, "7")
    assert asked[0].content == asked[1].content
    assert asked[0].headers["Idempotency-Key"] == asked[1].headers["Idempotency-Key"]
    await sms.close()


async def test_a_gateway_that_says_nothing() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    assert await outcome(http_channel(silent).send(envelope())) is Outcome.UNKNOWN


# --- console ------------------------------------------------------------------------------------


async def test_without_settings_the_console_prints_and_masks() -> None:
    out = io.StringIO()
    channels = build_channels(Settings(), out)
    for kind in ("sms", "email"):
        assert await outcome(channels[kind].send(envelope())) is Outcome.ACCEPTED
        assert await channels[kind].check() is None
    assert "RTSM alert A7F3" in out.getvalue()
    assert "+923001234567" not in out.getvalue()


def test_nothing_personal_is_kept_of_what_a_server_says() -> None:
    said = redacted("550 <deo.kalat@example.org>\r\n user +923001234567 unknown")
    assert "deo" not in said
    assert "92300" not in said
    assert "\n" not in said


@pytest.mark.parametrize("url", ["gateway:13013", "ftp://x/y", "http://", "nonsense"])
def test_a_gateway_address_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(SettingsError, match="RTSM_SMS__URL"):
        channel(Settings.model_validate({"sms": {"kind": "kannel", "url": url}}), "sms")


async def test_what_cannot_be_written_as_a_mail_is_final(smtp_sink: SmtpSink) -> None:
    email = channel(mail_settings(smtp_sink), "email")
    for bad in ({"subject": "a\r\nBcc: x@example.org"}, {"recipient": "déo@example.org"}):
        found = envelope(**({"recipient": "deo@example.org"} | bad))
        assert await outcome(email.send(found)) is Outcome.PERMANENT
    assert smtp_sink.mails == []


def test_where_reports_come_to() -> None:
    assert receipts_address(Settings(port=free_port())).endswith("/v1/receipts/sms")
    assert receipts_address(Settings(public_url="https://rtsm.example/")) == (
        "https://rtsm.example/v1/receipts/sms"
    )
