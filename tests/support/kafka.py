"""A real Apache Kafka of our own: one KRaft node from the cached jars, on loopback.

Owns the broker's process, its configuration and the removal of topics and groups between tests.
Leaves the making of topics to the product. Starts in about four seconds, takes some 200 MB.
"""

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from tests.support.available import kafka_jars
from tests.support.ports import free_port, listening
from tests.support.program import Program, scratch_directory
from tests.support.waiting import eventually

JVM = (
    *("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-Djava.awt.headless=true", "-XX:-UsePerfData"),
    f"-Dlog4j2.configurationFile=file:{Path(__file__).with_name('kafka_log4j2.xml')}",
)


class Kafka:
    """One broker that is also its controller; `bootstrap` is its address."""

    def __init__(self) -> None:
        self.directory = scratch_directory("kafka")
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._controller = free_port()
        self._settings = self.directory / "server.properties"
        self._java = ["java", *JVM, f"-Dkafka.logs.dir={self.directory}"]
        self._java += ["-cp", f"{kafka_jars()}/*"]
        self._program = Program(
            [*self._java, "kafka.Kafka", str(self._settings)], self.directory / "kafka.log"
        )

    def start(self) -> None:
        """Format the log directory at the first start; return when the broker serves clients."""
        if not self._settings.exists():
            self._format()
        self._program.start()
        # The listener opens before the broker is unfenced: its log's own word counts too.
        self._program.until(
            lambda: "Kafka Server started" in self._program.output() and listening(self.port),
            "Kafka serves",
            90,
        )

    def stop(self) -> None:
        """A controlled shutdown; topics and records stay for the next `start`."""
        self._program.terminate(60)

    def kill(self) -> None:
        """SIGKILL."""
        self._program.kill()

    def restart(self) -> None:
        """`stop` (if it runs) and `start` on the same port and records."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._program.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._program.resume()

    def erase(self) -> None:
        """Lose everything: the log directory is removed and the next `start` begins empty."""
        self._program.kill()
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        self._settings.unlink(missing_ok=True)

    def ensure(self) -> None:
        """Make it run again after a test that froze or ended it."""
        if self._program.running:
            self.resume()
        else:
            self.start()

    def close(self) -> None:
        """End it and remove its directory."""
        self._program.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    async def topics(self) -> set[str]:
        """The names of the topics there are, without Kafka's own."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            return {name for name in await admin.list_topics() if not name.startswith("__")}
        finally:
            await admin.close()

    async def delete_topics(self) -> None:
        """Remove every topic, whatever its name, and return when none is left."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            if names:
                await admin.delete_topics(names)
        finally:
            await admin.close()

        async def gone() -> bool:
            return not await self.topics()

        if names:
            await eventually(gone, "Kafka's topics are gone")

    def _format(self) -> None:
        self._settings.write_text(self._properties())
        cluster = base64.urlsafe_b64encode(uuid.UUID(int=uuid.uuid4().int >> 8).bytes).decode()
        done = subprocess.run(
            [
                *(*self._java, "kafka.tools.StorageTool", "format", "--standalone"),
                *("-t", cluster.rstrip("="), "-c", str(self._settings)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"formatting Kafka's log failed\n{done.stdout}\n{done.stderr}")

    def _properties(self) -> str:
        listeners = f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self._controller}"
        return f"""process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{self._controller}
listeners={listeners}
advertised.listeners={listeners}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={self.directory / "data"}
num.partitions=3
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
"""
