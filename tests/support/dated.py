"""`rtsm serve` on another date: the product's server with a clock that the test chose.

The product has no setting for its clock, and must not: this entry stands in for the command line
(`python -m tests.support.dated serve --host … --port …`). The clock runs at the machine's pace,
shifted by TESTS_CLOCK_SHIFT seconds, so that processes agree and a restart does not turn it back.
"""

import argparse
import asyncio
import os
from datetime import UTC, datetime, timedelta

from services.serving import serve_app
from shared.clock import OffsetClock, SystemClock
from shared.logs import configure_logs
from shared.settings import load_settings

ENTRY = "tests.support.dated"
SHIFT = "TESTS_CLOCK_SHIFT"


def shift_to(moment: datetime) -> str:
    """The value of TESTS_CLOCK_SHIFT with which clocks show `moment` now."""
    return str((moment - datetime.now(UTC)).total_seconds())


def main() -> None:
    """Serve what the environment says until SIGTERM."""
    words = argparse.ArgumentParser()
    words.add_argument("command", choices=["serve"])
    words.add_argument("--host")
    words.add_argument("--port", type=int)
    asked = words.parse_args()
    settings = load_settings(host=asked.host, port=asked.port)
    configure_logs(settings.log_level)
    real = SystemClock()
    start = real.now() + timedelta(seconds=float(os.environ[SHIFT]))
    raise SystemExit(asyncio.run(serve_app(settings, OffsetClock(start, real))))


if __name__ == "__main__":
    main()
