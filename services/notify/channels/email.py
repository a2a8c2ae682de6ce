"""E-mail over SMTP: one recipient a message, a Message-ID that is the same for every attempt.

Owns headers, stages and the meaning of server answers. A mail server that said nothing after the
message's final dot may have taken it: that is `unknown`, and a second attempt under the same
Message-ID is shown once by mail programs.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib

from services.notify.channels.contract import Envelope, Handover, redacted
from services.notify.channels.reach import unreachable
from services.notify.policy import Outcome
from shared.clock import from_micros
from shared.settings import Smtp

_STAGE_SECONDS = 15.0
_DATA_SECONDS = 30.0


def compose(envelope: Envelope, sender: str) -> EmailMessage:
    """Return the whole mail: fixed headers, plain text and simple HTML."""
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = envelope.recipient
    mail["Subject"] = envelope.subject
    mail["Date"] = format_datetime(from_micros(envelope.created))
    mail["Message-ID"] = f"<{envelope.delivery_id}@{domain}>"
    references = " ".join(f"<alert-{thread}@{domain}>" for thread in envelope.threads[:10])
    if references:
        mail["References"] = references
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = envelope.language
    mail["X-RTSM-Alert"] = " ".join(envelope.codes[:20])
    mail.set_content(envelope.body, cte="quoted-printable")
    mail.add_alternative(envelope.page, subtype="html", cte="quoted-printable")
    return mail


class EmailChannel:
    """Hands mails to one SMTP server, a connection for each."""

    def __init__(self, smtp: Smtp) -> None:
        self._smtp = smtp

    async def send(self, envelope: Envelope) -> Handover:
        """Make one attempt, stage by stage, each with its own deadline."""
        smtp = self._smtp
        try:
            mail = compose(envelope, smtp.sender).as_bytes(policy=SMTP_POLICY)
        except ValueError as error:
            return Handover(
                Outcome.PERMANENT, f"the mail cannot be written: {type(error).__name__}"
            )
        client = aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port,
            use_tls=smtp.tls == "tls",
            start_tls=smtp.tls == "starttls",
            timeout=_STAGE_SECONDS,
        )
        try:
            refused = await self._prepare(client, envelope)
            return refused or await self._hand_over(client, mail)
        finally:
            await _leave(client)

    async def _prepare(self, client: aiosmtplib.SMTP, envelope: Envelope) -> Handover | None:
        """Come as far as an accepted recipient; nothing can have been taken before that."""
        sender = self._smtp.sender
        try:
            async with asyncio.timeout(2 * _STAGE_SECONDS):
                await client.connect()
                if self._smtp.username:
                    await client.login(self._smtp.username, self._smtp.password or "")
                await client.mail(sender.rpartition("<")[2].strip("> "))
        except aiosmtplib.SMTPResponseException as error:
            return Handover(Outcome.REFUSED, _said("mail server", error))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return Handover(Outcome.UNREACHABLE, f"mail server: {type(error).__name__}")
        try:
            await client.rcpt(envelope.recipient)
        except aiosmtplib.SMTPResponseException as error:
            return Handover(_kind(error.code), _said("recipient", error))
        except ValueError as error:
            return Handover(Outcome.PERMANENT, f"recipient: {type(error).__name__}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Handover(Outcome.UNREACHABLE, f"mail server: {type(error).__name__}")
        return None

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: bytes) -> Handover:
        try:
            answer = await client.data(mail, timeout=_DATA_SECONDS)
        except aiosmtplib.SMTPResponseException as error:
            return Handover(_kind(error.code), _said("message", error))
        except (aiosmtplib.SMTPException, OSError) as error:
            return Handover(Outcome.UNKNOWN, f"no answer after the message: {type(error).__name__}")
        return Handover(Outcome.ACCEPTED, redacted(f"{answer.code} {answer.message}"))

    async def check(self) -> str | None:
        """Say whether the mail server's port answers."""
        return await unreachable("mail server", self._smtp.host or "", self._smtp.port)

    async def close(self) -> None:
        """No connection outlives its message."""


def _kind(code: int) -> Outcome:
    """Return what an SMTP answer means for this message: 5yz is final, anything else is not."""
    return Outcome.PERMANENT if 500 <= code < 600 else Outcome.REFUSED


def _said(what: str, error: aiosmtplib.SMTPResponseException) -> str:
    return redacted(f"{what}: {error.code} {error.message}")


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye when possible; the message's fate is decided already."""
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        if client.is_connected:
            await client.quit(timeout=2.0)
    client.close()
