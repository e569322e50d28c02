"""A real Apache Kafka broker for tests, started from its jars in about three seconds.

The jars are resolved once through Maven into ``.parts/kafka/libs`` (``python -m tests.parts.kafka``); a broker keeps its
files in a directory of its own and listens on free loopback ports, so any number of them may run side by side.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import kafka
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    NewPartitions,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from tests.parts.certificates import Certificates
from tests.parts.kafka_properties import PASSWORD, USER, server_properties

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / ".parts" / "kafka"
LIBS = PARTS / "libs"

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-parts</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

Record = tuple[int, bytes | None, bytes | None]


def provision() -> None:
    """Resolve the jars through Maven into ``.parts/kafka/libs``; quick when they are there."""
    if missing() is None:
        return
    if shutil.which("mvn") is None:
        raise RuntimeError("Maven is missing: install it (apt install maven) to fetch Apache Kafka's jars")
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "pom.xml").write_text(_POM)
        incoming = PARTS / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={incoming}"]
        subprocess.run([*command, "-DincludeScope=runtime"], cwd=scratch, check=True)
        shutil.rmtree(LIBS, ignore_errors=True)
        incoming.rename(LIBS)


def missing() -> str | None:
    """Why no broker can be started here, or ``None``."""
    if shutil.which("java") is None:
        return "Java is missing: apt install openjdk-17-jre-headless"
    if not any(LIBS.glob("kafka_*.jar")):
        return "Apache Kafka's jars are missing: python -m tests.parts.kafka"
    return None


FIRST_PORT, PORTS = 20_000, 12_000
"""Below those that the system gives to whoever asks for any: another worker's client or server may get such a one before the
process that it is for has bound it, or while that is down."""
_ports = itertools.count(secrets.randbelow(PORTS))
_claims = os.open(
    Path(tempfile.gettempdir()) / f"wachter-test-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
)


def _claim(port: int) -> None:
    """Keep it from other test processes while this one lives: a lock on one byte of a file.

    Raises:
        OSError: another one has it.
    """
    fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now, and that neither this process nor another worker has named before."""
    found: list[int] = []
    while len(found) < count:
        port = FIRST_PORT + next(_ports) % PORTS
        with socket.socket() as one, contextlib.suppress(OSError):
            _claim(port)
            one.bind(("127.0.0.1", port))
            found.append(port)
    return found


class KafkaBroker:
    """One broker with its own directory and ports; may be stopped, killed, frozen and started again.

    As a context manager it starts on entry, and ends and leaves nothing behind on exit. ``bootstrap`` is the plain
    listener, ``sasl_bootstrap`` asks for PLAIN or SCRAM (``USER``, ``PASSWORD``), ``tls_bootstrap`` for the same over TLS.
    """

    def __init__(self, directory: Path | None = None, heap_mebibytes: int = 512) -> None:
        self._heap_mebibytes = heap_mebibytes
        self._own = tempfile.mkdtemp(prefix="kafka-") if directory is None else None
        self.directory = Path(self._own) if directory is None else directory
        plain, sasl, tls, controller = free_ports(4)
        self.bootstrap = f"127.0.0.1:{plain}"
        self.sasl_bootstrap = f"127.0.0.1:{sasl}"
        self.tls_bootstrap = f"127.0.0.1:{tls}"
        self.certificates = Certificates.create(self.directory)
        self._properties = self.directory / "server.properties"
        ports = {"plain": plain, "sasl": sasl, "tls": tls, "controller": controller}
        logs, keystore = self.directory / "logs", self.certificates.keystore
        self._properties.write_text(server_properties(ports, logs, keystore))
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Any = None

    def __enter__(self) -> KafkaBroker:
        self.format()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)

    def set(self, key: str, value: str) -> None:
        """Add a property, or replace it; before the start."""
        lines = self._properties.read_text().splitlines()
        kept = [line for line in lines if not line.startswith(f"{key}=")]
        self._properties.write_text("\n".join([*kept, f"{key}={value}", ""]))

    def get(self, key: str) -> str:
        """A property."""
        lines = self._properties.read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))

    def format(self) -> None:
        """Prepare the log directory of a new cluster, with the SCRAM user."""
        command = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(self._properties)]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            command += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        subprocess.run([*_java(), *command], check=True, capture_output=True)

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Start, and wait until the broker answers; also after ``stop`` or ``kill``, on the same ports and data."""
        with (self.directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_java(self._heap_mebibytes), "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + timeout_seconds
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (self.directory / "broker.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the broker did not start:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End at once, as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop answering while connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after ``freeze``."""
        self._signal(signal.SIGCONT)

    def create_topic(self, name: str, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Create a topic and wait until its partitions have a leader."""
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=dict(settings or {}))
        self.admin.create_topics([topic])
        self.wait_for_partitions(name, partitions)

    def grow_topic(self, name: str, partitions: int) -> None:
        """Raise a topic's number of partitions."""
        self.admin.create_partitions({name: NewPartitions(total_count=partitions)})
        self.wait_for_partitions(name, partitions)

    def produce(
        self, topic: str, records: Iterable[Record], headers: list[tuple[str, bytes]] | None = None, **settings: Any
    ) -> None:
        """Write (partition, key, value) records in this order and wait for the acknowledgement of all."""
        producer = self._producer(**settings)
        try:
            sent = [
                producer.send(topic, partition=p, key=key, value=value, headers=headers) for p, key, value in records
            ]
            producer.flush(timeout=30)
            for future in sent:
                future.get(timeout=30)
        finally:
            producer.close()

    def transaction(self, topic: str, records: Iterable[Record], *, commit: bool) -> None:
        """Write records in one transaction, and commit or abort it."""
        producer = self._producer(transactional_id=f"tests-{time.time_ns()}")
        try:
            producer.init_transactions()
            producer.begin_transaction()
            for part, key, value in records:
                producer.send(topic, partition=part, key=key, value=value)
            producer.flush(timeout=30)
            if commit:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
        finally:
            producer.close()

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the records before an offset, as retention does."""
        self.admin.delete_records({TopicPartition(topic, partition): offset})

    def reserve(self, kind: ResourceType, name: str) -> None:
        """Let nobody but a stranger touch a topic or group; the plain listener stays free of that."""
        pattern = ResourcePattern(kind, name)
        self.admin.create_acls([ACL("User:stranger", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, pattern)])

    @property
    def admin(self) -> Any:
        """An admin client on the plain listener, opened when first asked for."""
        if self._admin is None:
            self._admin = kafka.KafkaAdminClient(bootstrap_servers=self.bootstrap, client_id="tests")
        return self._admin

    def _producer(self, **settings: Any) -> Any:
        return kafka.KafkaProducer(**{"bootstrap_servers": self.bootstrap, "acks": "all", "linger_ms": 5, **settings})

    def _answers(self) -> bool:
        """A client that cannot bootstrap in time raises from its constructor and forgets its thread and its sockets: keep
        what it connects with, to close it in any case."""
        clients: list[KafkaNetClient] = []
        host, port = self.bootstrap.split(":")

        def connector(**options: Any) -> KafkaNetClient:
            clients.append(KafkaNetClient(**options))
            return clients[-1]

        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            admin = KafkaAdminClient(
                bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=2000, kafka_client=connector
            )
            return bool(admin.describe_cluster()["brokers"])
        except (OSError, KafkaError):
            return False
        finally:
            for client in clients:
                client.close()

    def wait_for_partitions(self, name: str, partitions: int, timeout_seconds: float = 15.0) -> None:
        """Wait until a topic has so many."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            described = self.admin.describe_topics([name])
            if described and len(described[0]["partitions"]) == partitions:
                return
            time.sleep(0.02)
        raise RuntimeError(f"topic {name} did not come up with {partitions} partitions")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        self._signal(number)
        if self._process is not None:
            self._process.wait(timeout=30)
            self._process = None


def _java(heap_mebibytes: int = 512) -> list[str]:
    return ["java", f"-Xmx{heap_mebibytes}m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*"]


if __name__ == "__main__":
    provision()
