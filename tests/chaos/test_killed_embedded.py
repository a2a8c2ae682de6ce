"""kill -9 of the embedded process under load: every acknowledged visit once, figures exact."""

from pathlib import Path
from random import Random

import httpx
import pytest

from tests.chaos.fieldwork import SOURCE, Fieldwork
from tests.chaos.nemesis import Nemesis, until_live
from tests.chaos.verdict import judge
from tests.support import dated
from tests.support.embedded import NOW
from tests.support.processes import Processes, Served

TRIALS = 20
SEED = 20190603


@pytest.mark.timeout(600)
async def test_killed_twenty_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(dated.SHIFT, dated.shift_to(NOW))
    processes = Processes(tmp_path, dated.ENTRY)
    deployment = processes.embedded()
    key = processes.key(deployment.settings, name=SOURCE)
    (served,) = deployment.all
    try:
        async with deployment.client(key) as client, httpx.AsyncClient(timeout=10) as plain:
            work, nemesis = Fieldwork(plain, [served.url], key, SEED), Nemesis(plain, SEED)

            async def only(_: Random) -> Served:
                return served

            async def acknowledged() -> int:
                return len(work.log)

            await work.during(4, nemesis.hunt("rtsm", only, acknowledged, TRIALS, 10))
            await until_live(plain, served)
            print(f"kills {dict(nemesis.kills)}, answers {dict(work.answers)}")
            await judge(work, client, served.url)
        assert served.terminate() == 0
        verified = processes.command("verify", settings=deployment.settings, check=False)
        assert verified.returncode == 0, verified.stdout
        assert nemesis.kills["rtsm"] >= TRIALS
    finally:
        processes.close()
