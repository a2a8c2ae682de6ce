"""Parquet's library is loaded by whoever asks for Parquet, and by nobody else."""

import subprocess
import sys

from tests.support.processes import ROOT


def test_an_application_that_writes_no_parquet_does_without_its_library() -> None:
    code = "import sys, services.app; print('pyarrow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
