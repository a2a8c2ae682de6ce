"""Which channel serves which kind of address, from the settings: one explicit list."""

from typing import TextIO

import httpx

from services.notify.channels.console import ConsoleChannel
from services.notify.channels.contract import Channel
from services.notify.channels.email import EmailChannel
from services.notify.channels.sms_http import TIMEOUT, HttpSmsChannel
from services.notify.channels.sms_kannel import KannelChannel
from shared.settings import Settings, SettingsError

CHANNELS = ("sms", "email")
"""Kinds of address an officer can have."""


def build_channels(settings: Settings, out: TextIO) -> dict[str, Channel]:
    """Return a channel for each kind of address; the console where nothing is configured.

    Raises SettingsError when the gateway's address is none.
    """
    return {"sms": _sms(settings, out), "email": _email(settings, out)}


def receipts_address(settings: Settings) -> str:
    """Return the address under which a gateway reports deliveries to this deployment."""
    base = settings.public_url or settings.notify_url or f"http://{settings.host}:{settings.port}"
    return f"{base.rstrip('/')}/v1/receipts/sms"


def _sms(settings: Settings, out: TextIO) -> Channel:
    sms = settings.sms
    if sms.kind == "console" or not sms.url:
        return ConsoleChannel("sms", out)
    try:
        address = httpx.URL(sms.url)
    except httpx.InvalidURL as error:
        raise SettingsError("RTSM_SMS__URL: not an address") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError("RTSM_SMS__URL: the whole address, from http:// on")
    client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
    kind = KannelChannel if sms.kind == "kannel" else HttpSmsChannel
    return kind(sms, client, receipts_address(settings))


def _email(settings: Settings, out: TextIO) -> Channel:
    return EmailChannel(settings.smtp) if settings.smtp.host else ConsoleChannel("email", out)
