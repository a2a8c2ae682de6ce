"""Settings come from the environment, and a misspelt one is told by name."""

from pathlib import Path

import pytest

from shared.settings import SettingsError, load_settings


def test_defaults_are_embedded_on_loopback() -> None:
    settings = load_settings({})
    assert settings.embedded
    assert settings.host == "127.0.0.1"
    assert settings.services == ["ingest", "indicators", "reports", "notify"]


def test_nested_names_and_files_are_read(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n")
    settings = load_settings(
        {
            "RTSM_SERVICES": "ingest,notify",
            "RTSM_KAFKA__BOOTSTRAP": "127.0.0.1:9092",
            "RTSM_SMTP__PASSWORD_FILE": str(secret),
            "HOME": "/",
        }
    )
    assert settings.services == ["ingest", "notify"]
    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert settings.smtp.password == "hush"  # noqa: S105


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RTSM_PROT", "8000"),
        ("RTSM_SMTP__HOTS", "mail"),
        ("RTSM_PORT", "many"),
        ("RTSM_SERVICES", "ingest,dance"),
        ("RTSM_TIMEZONE", "Asia/Nowhere"),
        ("RTSM_SMTP__PASSWORD_FILE", "no-such-file"),
    ],
)
def test_an_unknown_or_impossible_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value})
