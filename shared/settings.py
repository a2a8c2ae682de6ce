"""Settings from the environment: `RTSM_` names, nested by `__`, secrets also as `…_FILE`.

Owns reading, defaults and the refusal of unknown names. What a setting does is the business of the
part that takes it.
"""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

# Read by the command line and by the tests, not by the services.
_FOR_OTHERS = {"RTSM_API_KEY", "RTSM_REQUIRE_SERVICES"}
SERVICES = ("ingest", "indicators", "reports", "notify")


class SettingsError(Exception):
    """The environment does not make sense; the text names the variable."""


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kafka(_Group):
    """Where Kafka is; without it the journal itself is the feed."""

    bootstrap: str | None = Field(None, description="host:port of the brokers, comma separated")
    partitions: int = Field(6, ge=1, description="partitions of the visits topic when it is made")
    session_ms: int = Field(
        10_000, ge=1_000, description="a consumer silent for so long hands on its partitions"
    )


class Smtp(_Group):
    """The mail server; without a host, mail goes to the console."""

    host: str | None = Field(None, description="host of the mail server")
    port: int = Field(25, description="port of the mail server")
    username: str | None = Field(None, description="user at the mail server")
    password: str | None = Field(None, description="password at the mail server")
    tls: Literal["none", "starttls", "tls"] = Field("starttls", description="how mail is protected")
    sender: str = Field("rtsm@localhost", description="address that mail comes from")


class Sms(_Group):
    """The SMS gateway; without a URL, texts go to the console."""

    kind: Literal["kannel", "http", "console"] = Field("console", description="kind of gateway")
    url: str | None = Field(None, description="whole address of the gateway's send call")
    username: str | None = Field(None, description="user at the gateway")
    password: str | None = Field(None, description="password at the gateway")
    sender: str = Field("RTSM", description="sender shown on the telephone")


class Notify(_Group):
    """The pace of alerts."""

    evaluate_seconds: float = Field(60, gt=0, description="pause between two evaluations")
    flush_seconds: float = Field(1800, ge=0, description="how long messages wait for company")
    quiet_hours: str = Field("19:00-07:30", description="no messages then; `none` = always allowed")
    sending: bool = Field(True, description="false: alerts are neither evaluated nor sent")


class Sending(_Group):
    """How long an answer that is sent piece by piece waits for its reader."""

    # PostgreSQL ends a session that is idle in a transaction for 300 seconds.
    stall_seconds: float = Field(
        30, gt=0, le=240, description="a reader that takes less than 64 KiB in so long is left"
    )
    whole_seconds: float = Field(
        3600, gt=0, le=86_400, description="a list or bulk read that is sent for longer is ended"
    )


class Settings(_Group):
    """Everything that can be set, with its default."""

    services: list[str] = Field(list(SERVICES), description="services in this process")
    data_dir: Path = Field(Path("data"), description="folder of the SQLite files")
    database_url: str | None = Field(None, description="postgresql://…; absent: SQLite files")
    kafka: Kafka = Kafka()
    redis_url: str | None = Field(None, description="redis://…; absent: memory of this process")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    timezone: str = Field("Asia/Karachi", description="zone that decides a visit's day")
    public_url: str | None = Field(None, description="address under which people reach the pages")
    public_read: bool = Field(False, description="cards and figures without a key")
    ingest_url: str | None = Field(None, description="ingest, when it runs elsewhere")
    indicators_url: str | None = Field(None, description="indicators, when it runs elsewhere")
    reports_url: str | None = Field(None, description="reports, when it runs elsewhere")
    notify_url: str | None = Field(None, description="notify, when it runs elsewhere")
    first_day: date = Field(date(2018, 1, 1), description="the deployment's first day")
    look_back_days: int = Field(365, ge=1, le=3650, description="how long a stock answer stands")
    fold_batch: int = Field(
        2_000, ge=100, le=20_000, description="visits folded in one transaction while catching up"
    )
    verify_seconds: float = Field(
        60, ge=0, description="pause between looks whether figures are right; 0 = never"
    )
    definitions: Path | None = Field(
        None, description="file of indicators of your own, beside those that come with RTSM"
    )
    rate_limit: int = Field(0, ge=0, description="requests a minute for a key; 0 = no limit")
    default_period: str | None = Field(None, description="period of a card when none is asked for")
    demo_notice: str | None = Field(None, description="sentence shown on every page")
    demo_notice_ur: str | None = Field(None, description="the same sentence in Urdu")
    sending: Sending = Sending()
    smtp: Smtp = Smtp()
    sms: Sms = Sms()
    notify: Notify = Notify()
    unsafe_durability: bool = Field(False, description="accept a database that forgets")
    log_level: str = Field("INFO", description="least level that is logged")

    @field_validator("services", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        unknown = [name for name in names if name not in SERVICES]
        if unknown or not names:
            raise ValueError(f"services are {', '.join(SERVICES)}")
        return names

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("not a time zone") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The deployment's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def relayed(self) -> bool:
        """Kafka carries events between services; otherwise the journal itself is the feed."""
        return self.kafka.bootstrap is not None

    @property
    def embedded(self) -> bool:
        """One process on SQLite files, the journal being the feed."""
        return self.database_url is None and self.kafka.bootstrap is None


def _unfile(name: str, value: str) -> tuple[str, str]:
    """Replace `X_FILE=path` by `X=content`."""
    try:
        return name.removesuffix("_FILE"), Path(value).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: the file cannot be read") from error


def load_settings(environ: Mapping[str, str] | None = None, **override: Any) -> Settings:
    """Read the settings from `environ` (default: the process's); `override` wins.

    Raises SettingsError that names the variable, for unknown names and impossible values.
    """
    tree: dict[str, Any] = {}
    for name, value in (os.environ if environ is None else environ).items():
        if not name.startswith("RTSM_") or name in _FOR_OTHERS:
            continue
        if name.endswith("_FILE"):
            name, value = _unfile(name, value)
        *groups, leaf = name.removeprefix("RTSM_").lower().split("__")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
            if not isinstance(node, dict):
                raise SettingsError(f"{name}: unknown setting")
        node[leaf] = value
    try:
        return Settings(**(tree | {k: v for k, v in override.items() if v is not None}))
    except ValidationError as error:
        first = error.errors()[0]
        name = "RTSM_" + "__".join(str(part) for part in first["loc"]).upper()
        unknown = first["type"] == "extra_forbidden"
        raise SettingsError(f"{name}: {'unknown setting' if unknown else first['msg']}") from None
