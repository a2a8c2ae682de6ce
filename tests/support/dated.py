"""`rtsm serve` on another date: the product's server with a clock that the test chose.

The product has no setting for its clock, and must not: this entry stands in for the command line
(`python -m tests.support.dated serve --host … --port …`). The clock runs at the machine's pace,
shifted by TESTS_CLOCK_SHIFT seconds, so that processes agree and a restart does not turn it back.
"""

import argparse
import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.serving import serve_app
from shared.clock import Clock, SystemClock
from shared.logs import configure_logs
from shared.settings import load_settings

ENTRY = "tests.support.dated"
SHIFT = "TESTS_CLOCK_SHIFT"


def shift_to(moment: datetime) -> str:
    """The value of TESTS_CLOCK_SHIFT with which clocks show `moment` now."""
    return str((moment - datetime.now(UTC)).total_seconds())


@dataclass
class Shifted:
    """A clock that is ahead of another by exactly so much, in whichever process and when begun."""

    real: Clock
    by: timedelta

    def now(self) -> datetime:
        """What the other clock shows, and the shift."""
        return self.real.now() + self.by


def main() -> None:
    """Serve what the environment says until SIGTERM."""
    words = argparse.ArgumentParser()
    words.add_argument("command", choices=["serve"])
    words.add_argument("--host")
    words.add_argument("--port", type=int)
    asked = words.parse_args()
    settings = load_settings(host=asked.host, port=asked.port)
    configure_logs(settings.log_level)
    clock = Shifted(SystemClock(), timedelta(seconds=float(os.environ[SHIFT])))
    raise SystemExit(asyncio.run(serve_app(settings, clock)))


if __name__ == "__main__":
    main()
