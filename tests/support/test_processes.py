"""Real `rtsm` processes: an embedded one, and a distributed deployment on real servers."""

import signal

import pytest

from tests.support.kafka import Kafka
from tests.support.postgres import Postgres
from tests.support.processes import Processes

ENDED = {0, -signal.SIGTERM}  # uvicorn ends in order and then passes the signal on


async def test_an_embedded_process_serves_is_killed_and_serves_again(processes: Processes) -> None:
    deployment = processes.embedded()
    (served,) = deployment.all
    async with deployment.client() as client:
        assert (await client.get("/v1/indicators")).status_code == 200

    served.kill()
    assert not served.live()
    served.start()

    async with deployment.client() as client:
        assert (await client.get("/v1/indicators")).status_code == 200
    async with deployment.client(key="") as client:
        assert (await client.get("/v1/indicators")).status_code == 401
    assert served.terminate() in ENDED


def test_a_process_that_cannot_start_tells_why(processes: Processes) -> None:
    with pytest.raises(RuntimeError, match="RTSM_NO_SUCH_NAME"):
        processes.serve("wrong", {"RTSM_NO_SUCH_NAME": "1"})


@pytest.mark.distributed
async def test_a_distributed_deployment_is_one_origin(
    processes: Processes, postgres: Postgres, postgres_url: str, kafka: Kafka, redis_url: str
) -> None:
    deployment = processes.distributed(
        postgres_url, kafka.bootstrap, redis_url, ingest=2, indicators=2
    )
    for served in deployment.all:
        served.until_ready()

    async with deployment.client() as client:
        assert (await client.get("/v1/indicators")).status_code == 200  # indicators
        assert (await client.get("/v1/units")).status_code == 200  # ingest
        assert (await client.get("/v1/alerts")).status_code == 200  # notify
        assert (await client.get("/")).status_code == 200  # reports
        assert (await client.get("/metrics")).status_code == 404  # nobody's

    assert "rtsm.visits" in await kafka.topics()
    assert {served.terminate() for served in deployment.all} <= ENDED
