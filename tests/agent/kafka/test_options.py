"""Every option of the consumer is set, and has the value that the design needs."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.net.inet import create_connection
from kafka.net.selector import NetworkSelector

from agent.kafka.options import MEBIBYTE, batch_bytes, consumer_options, heartbeat_seconds
from config.errors import SourceError
from config.settings.source import KafkaSource as KafkaSettings
from tests.parts.certificates import Certificates


def options(**others: Any) -> dict[str, Any]:
    whole = {"type": "kafka", "brokers": ["kafka-1:9092", "kafka-2:9092"], "topics": ["events"], **others}
    return consumer_options(KafkaSettings.model_validate(whole))


def test_every_option_that_kafka_python_knows_is_set_on_purpose() -> None:
    assert set(options()) | {"partition_assignment_strategy"} == set(KafkaConsumer.DEFAULT_CONFIG)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bootstrap_servers", ["kafka-1:9092", "kafka-2:9092"]),
        ("group_id", "wachter"),
        ("group_instance_id", None),
        ("enable_auto_commit", False),
        ("auto_offset_reset", "none"),
        ("isolation_level", "read_committed"),
        ("allow_auto_create_topics", False),
        ("max_poll_records", 5000),
        ("session_timeout_ms", 45_000),
        ("heartbeat_interval_ms", 3_000),
        ("max_poll_interval_ms", 300_000),
        ("max_partition_fetch_bytes", 1 << 18),
        ("fetch_max_bytes", 1 << 22),
        ("metadata_max_age_ms", 60_000),
        ("check_crcs", True),
        ("security_protocol", "PLAINTEXT"),
    ],
)
def test_the_effective_value_is(name: str, value: object) -> None:
    assert options()[name] == value


@pytest.mark.parametrize(("memory", "fetched", "largest"), [(4096, 4, 32), (512, 4, 32), (256, 2, 16), (16, 1, 2)])
def test_less_memory_fetches_less_at_once(memory: int, fetched: int, largest: int) -> None:
    settings = KafkaSettings.model_validate({"type": "kafka", "brokers": ["kafka:9092"], "topics": ["events"]})
    found = consumer_options(settings, memory * MEBIBYTE)
    assert found["fetch_max_bytes"] == fetched * MEBIBYTE
    assert found["max_partition_fetch_bytes"] == fetched * MEBIBYTE // 16
    assert batch_bytes(memory * MEBIBYTE) == largest * MEBIBYTE


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has all of these options")
def test_a_connection_notices_within_half_a_minute_that_its_peer_is_gone_without_a_word() -> None:
    """The kernel's keep-alive begins after two hours; meanwhile a JoinGroup was waited for, five minutes."""
    net = NetworkSelector()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        try:
            connected = net.run(create_connection, net, *address, options()["socket_options"])
        finally:
            net.close()
        with connected:
            assert connected.getpeername() == address
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            first, between, probes, most_ms = (
                connected.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            )
    assert first + between * probes <= 30
    assert 0 < most_ms <= 30_000


def test_settings_reach_their_options() -> None:
    found = options(group="g", instance_id="pod-0", batch_records=7, session_timeout_seconds=30)
    assert (found["group_id"], found["group_instance_id"]) == ("g", "pod-0")
    assert (found["max_poll_records"], found["session_timeout_ms"], found["heartbeat_interval_ms"]) == (
        7,
        30_000,
        2_000,
    )


@pytest.mark.parametrize("session_seconds", [6, 45, 1800])
def test_heartbeats_come_often_enough_for_any_session(session_seconds: int) -> None:
    settings = KafkaSettings.model_validate(
        {"type": "kafka", "brokers": ["b:1"], "topics": ["t"], "session_timeout_seconds": session_seconds}
    )
    assert 3 * heartbeat_seconds(settings) < session_seconds


@pytest.mark.parametrize(
    ("tls", "sasl", "protocol"),
    [
        (None, None, "PLAINTEXT"),
        ({}, None, "SSL"),
        (None, {"mechanism": "PLAIN", "username": "u", "password": "p"}, "SASL_PLAINTEXT"),
        ({}, {"mechanism": "PLAIN", "username": "u", "password": "p"}, "SASL_SSL"),
    ],
)
def test_tls_and_sasl_choose_the_protocol(tls: Any, sasl: Any, protocol: str) -> None:
    assert options(tls=tls, sasl=sasl)["security_protocol"] == protocol


def test_tls_is_verified_and_modern() -> None:
    context = options(tls={})["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_host_name_may_go_unchecked_but_never_the_certificate(tmp_path: Path) -> None:
    files = Certificates.create(tmp_path)
    tls = {"ca_file": str(files.authority), "cert_file": str(files.certificate), "key_file": str(files.key)}
    context = options(tls={**tls, "check_hostname": False})["ssl_context"]
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_file_that_is_no_certificate_is_named_by_its_setting(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nonsense")
    with pytest.raises(SourceError, match=r"source\.tls: a certificate file cannot be used"):
        options(tls={"ca_file": str(file)})


def test_a_password_file_is_read_anew_without_its_line_break(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = KafkaSettings.model_validate(
        {
            "type": "kafka",
            "brokers": ["b:1"],
            "topics": ["t"],
            "sasl": {"mechanism": "PLAIN", "username": "u", "password_file": str(file)},
        }
    )
    file.write_text("second\n")
    assert consumer_options(settings)["sasl_plain_password"] == "second"
    file.unlink()
    with pytest.raises(SourceError, match="password_file cannot be read"):
        consumer_options(settings)
