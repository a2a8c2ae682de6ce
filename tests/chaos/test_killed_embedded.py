"""kill -9 and SIGTERM of the embedded process under load: nothing lost, nothing twice."""

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
@pytest.mark.parametrize(
    ("how", "trials", "least"), [("hunt", TRIALS, 10), ("end", 4, 50)], ids=["kill", "term"]
)
async def test_stopped_under_load(
    how: str, trials: int, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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

            stop = nemesis.hunt if how == "hunt" else nemesis.end
            await work.during(4, stop("rtsm", only, acknowledged, trials, least))
            await until_live(plain, served)
            print(f"kills {dict(nemesis.kills)}, answers {dict(work.answers)}")
            await judge(work, client, served.url)
        assert served.terminate() == 0
        verified = processes.command("verify", settings=deployment.settings, check=False)
        assert verified.returncode == 0, verified.stdout
        assert nemesis.kills["rtsm"] >= trials
        # A kept connection may be closed in the moment in which a client writes on it: that client
        # repeats, as after any broken connection. What was answered was answered well.
        broken = {"ConnectError", "ReadError", "WriteError", "RemoteProtocolError"}
        assert work.answers.keys() - broken <= {"200", "201", "503"}, work.answers
    finally:
        processes.close()
