"""Installs what the tests' real services need: `python -m tests.support.install` (`make services`).

Owns the list of Debian packages and the fetching of Apache Kafka's jars with Maven. Does nothing
for what is there already, so it works offline and without root on a prepared machine. Leaves the
verdict on what stays missing to `available`: a named skip, or a failure here when required.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.available import KAFKA_VERSION, REQUIRED, kafka_jars, missing

PACKAGES: dict[str, tuple[str, ...]] = {
    "PostgreSQL": ("postgresql", "postgresql-client"),
    "Redis": ("redis-server",),
    "Kannel": ("kannel", "kannel-extras"),
    "Chromium": ("chromium",),
    "fonts": ("fonts-noto-core", "fontconfig"),
    "poppler": ("poppler-utils",),
    "Caddy": ("caddy",),
}
JAVA_PACKAGES = ("default-jre-headless", "maven")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class Apt:
    """apt-get, as root or through sudo; package lists are brought up to date once, if needed."""

    def __init__(self) -> None:
        self._root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self._updated = False

    def install(self, packages: tuple[str, ...]) -> str | None:
        """Install the packages; None when done, else the reason in one line."""
        if shutil.which("apt-get") is None or (self._root and shutil.which("sudo") is None):
            return "no apt-get that this user may run"
        if not self._updated:
            self._run("update", "-qq")
            self._updated = True
        return self._run("install", "-y", "-qq", "--no-install-recommends", *packages)

    def _run(self, *words: str) -> str | None:
        done = subprocess.run(
            [*self._root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return None
        lines = done.stdout.strip().splitlines()
        return lines[-1] if lines else f"apt-get {words[0]} ended with {done.returncode}"


def fetch_kafka(apt: Apt) -> str | None:
    """Bring Apache Kafka's jars into the cache; None when they are there, else the reason."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        refused = apt.install(JAVA_PACKAGES)
        if refused:
            return refused
    target = kafka_jars()
    target.mkdir(parents=True, exist_ok=True)
    pom = Path(__file__).with_name("kafka_pom.xml")
    done = subprocess.run(
        [
            *("mvn", "-B", "-q", "-f", str(pom), COPY),
            *(f"-Dkafka.version={KAFKA_VERSION}", f"-DoutputDirectory={target}"),
            "-DincludeScope=runtime",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not any(target.glob("kafka_2.13-*.jar")):
        return (done.stdout.strip().splitlines() or ["mvn brought no jars"])[0]
    (target / "complete").touch()  # an interrupted download leaves jars but not this
    return None


def main() -> int:
    """Install what is missing and say so, a line a service; 1 when required and still missing."""
    apt = Apt()
    absent = 0
    for service in (*PACKAGES, "Kafka"):
        reason = missing(service)
        if reason is not None:
            refused = fetch_kafka(apt) if service == "Kafka" else apt.install(PACKAGES[service])
            reason = missing(service)
            if reason is not None and refused:
                reason += f": {refused}"
        absent += reason is not None
        sys.stdout.write(f"  {service:<11} {reason or 'ready'}\n")
        sys.stdout.flush()
    return 1 if absent and os.environ.get(REQUIRED) else 0


if __name__ == "__main__":
    sys.exit(main())
