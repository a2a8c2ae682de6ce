"""Which real services this machine has, and what a test does when one is missing.

Owns the rule "a missing service is a skip with a name, or a failure when services are required".
Leaves starting them to the module of each service, and installing them to `install`.
"""

import os
import shutil
from pathlib import Path

import pytest

REQUIRED = "RTSM_REQUIRE_SERVICES"
"""Environment name that turns the skip of a missing service into a failure."""

KAFKA_VERSION = "4.3.1"


def cache_directory() -> Path:
    """Where downloads that outlive a checkout are kept: XDG cache, else the checkout's .cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    if root:
        return Path(root) / "rtsm"
    home = Path.home()
    if os.access(home, os.W_OK):
        return home / ".cache" / "rtsm"
    return Path(__file__).resolve().parents[2] / ".cache"


def kafka_jars() -> Path:
    """The folder that holds the broker's jars once `install` has fetched them."""
    return cache_directory() / f"kafka-{KAFKA_VERSION}"


def postgres_program(name: str) -> str | None:
    """The newest installed PostgreSQL server program of that name (Debian keeps them off PATH)."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: float(path.parts[4]),
    )
    return str(found[-1]) if found else shutil.which(name)


def fakesmsc_program() -> str | None:
    """Kannel's simulated operator, which Debian's kannel-extras keeps off PATH."""
    path = Path("/usr/lib/kannel/test/fakesmsc")
    return str(path) if path.exists() else shutil.which("fakesmsc")


def chromium_program() -> str | None:
    """Debian's Chromium for Playwright's `executable_path`."""
    return shutil.which("chromium")


def missing(service: str) -> str | None:
    """None when the service can be started here, else what is not installed, in words."""
    wanted: dict[str, dict[str, object]] = {
        "PostgreSQL": {"initdb": postgres_program("initdb"), "psql": shutil.which("psql")},
        "Redis": {"redis-server": shutil.which("redis-server")},
        "Kafka": {
            "java": shutil.which("java"),
            f"Apache Kafka {KAFKA_VERSION} jars": (kafka_jars() / "complete").exists(),
        },
        "Kannel": {
            "bearerbox": shutil.which("bearerbox", path=_system_path()),
            "smsbox": shutil.which("smsbox", path=_system_path()),
            "fakesmsc": fakesmsc_program(),
        },
        "Chromium": {"chromium": chromium_program()},
        "fonts": {"Noto Nastaliq Urdu": _has_font("NotoNastaliqUrdu")},
        "poppler": {"pdftotext": shutil.which("pdftotext")},
        "Caddy": {"caddy": shutil.which("caddy")},
    }
    absent = [name for name, found in wanted[service].items() if not found]
    return f"{service} is not installed ({', '.join(absent)})" if absent else None


def need(service: str) -> None:
    """Go on when the service is here; else skip by name, or fail when services are required."""
    reason = missing(service)
    if reason is None:
        return
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and RTSM_REQUIRE_SERVICES is set: run `make services`")
    pytest.skip(f"{reason}: run `make services`")


def _system_path() -> str:
    # Debian puts bearerbox and smsbox into sbin, which is not on an ordinary user's PATH.
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def system_program(name: str) -> str:
    """The full path of an installed program, looking into sbin too."""
    found = shutil.which(name, path=_system_path())
    if found is None:
        raise FileNotFoundError(name)
    return found


def _has_font(stem: str) -> bool:
    return any(Path("/usr/share/fonts").rglob(f"{stem}*"))
