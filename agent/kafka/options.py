"""The settings as options of kafka-python. Every option is set here on purpose: its defaults are not ours.

A test compares the keys with those that the installed kafka-python knows, so that a new one is a decision.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from typing import Any

from kafka.net.compat import KafkaNetClient

from agent.kafka.oversized import MAX_BATCH_BYTES
from config.errors import SourceError
from config.settings.source import KafkaSource as KafkaSettings
from config.settings.source import Sasl, Tls

MEBIBYTE = 1 << 20
HEARTBEATS_PER_SESSION = 15
METADATA_MAX_AGE_SECONDS = 60.0
BOOTSTRAP_SECONDS = 5.0
CLIENT_ID = "wachter"
MEMORY_BYTES = 512 * MEBIBYTE
"""The default of ``limits.memory_bytes``."""


def heartbeat_seconds(settings: KafkaSettings) -> float:
    """How often the member says that it lives: 3 s for a session of 45 s."""
    return settings.session_timeout_seconds / HEARTBEATS_PER_SESSION


def fetch_bytes(memory_bytes: int) -> int:
    """What may wait undecoded, per broker: 4 MiB of 512 MiB, less where there is less."""
    return max(MEBIBYTE, min(4 * MEBIBYTE, memory_bytes // 128))


def batch_bytes(memory_bytes: int) -> int:
    """The largest batch that is read; it takes up to five times its size while it is unpacked. 32 MiB of 512 MiB."""
    return max(2 * MEBIBYTE, min(MAX_BATCH_BYTES, memory_bytes // 16))


def consumer_options(settings: KafkaSettings, memory_bytes: int = MEMORY_BYTES) -> dict[str, Any]:
    """All options but the assignor, which is made with its connection.

    Args:
        memory_bytes: that the whole process may hold.

    Raises:
        SourceError: a file that the settings name cannot be read.
    """
    return {
        **_group(settings),
        **_fetching(settings, fetch_bytes(memory_bytes)),
        **_network(settings),
        **_security(settings),
        **_unused(),
    }


def producer_options(settings: KafkaSettings) -> dict[str, Any]:
    """For the few messages that the agent writes: each waited for, none doubled, none into a topic that is not there.

    Raises:
        SourceError: a file that the settings name cannot be read.
    """
    only_consumers = ("client_rack", "kafka_client")
    network = {name: value for name, value in _network(settings).items() if name not in only_consumers}
    return {
        **network,
        **_security(settings),
        "request_timeout_ms": 5_000,
        "acks": "all",
        "enable_idempotence": True,
        "delivery_timeout_ms": 10_000,
        "max_block_ms": 10_000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def _group(settings: KafkaSettings) -> dict[str, Any]:
    return {
        "group_id": settings.group,
        "group_instance_id": settings.instance_id,
        "session_timeout_ms": settings.session_timeout_seconds * 1000,
        "heartbeat_interval_ms": int(heartbeat_seconds(settings) * 1000),
        "max_poll_interval_ms": 300_000,
        "enable_auto_commit": False,  # offsets are committed last, after the state is durable
        "auto_commit_interval_ms": 5_000,  # no effect without auto commit
        "default_offset_commit_callback": lambda offsets, response: None,
    }


def _fetching(settings: KafkaSettings, most_bytes: int) -> dict[str, Any]:
    return {
        "auto_offset_reset": "none",  # a lost position is a Gap that we report, never a silent jump
        "isolation_level": "read_committed",  # an aborted transaction's events never happened
        "max_poll_records": settings.batch_records,
        "fetch_min_bytes": 1,
        "fetch_max_wait_ms": 500,
        "fetch_max_bytes": most_bytes,
        "max_partition_fetch_bytes": most_bytes // 16,
        "check_crcs": True,
        "enable_incremental_fetch_sessions": True,
        "exclude_internal_topics": True,
        "allow_auto_create_topics": False,  # a misspelt topic must not come into being
        "key_deserializer": None,
        "value_deserializer": None,
        "consumer_timeout_ms": float("inf"),
    }


def _network(settings: KafkaSettings) -> dict[str, Any]:
    return {
        "bootstrap_servers": list(settings.brokers),
        "bootstrap_timeout_ms": int(BOOTSTRAP_SECONDS * 1000),
        "client_id": CLIENT_ID,
        "client_rack": "",
        "client_dns_lookup": "use_all_dns_ips",
        "api_version": None,  # asked of the broker
        "request_timeout_ms": 30_000,
        "retry_backoff_ms": 100,
        "reconnect_backoff_ms": 100,
        "reconnect_backoff_max_ms": 2_000,  # a broker that is back is read within seconds
        "connections_max_idle_ms": 540_000,
        "metadata_max_age_ms": int(METADATA_MAX_AGE_SECONDS * 1000),
        "max_in_flight_requests_per_connection": 5,
        "receive_message_max_bytes": 2**31 - 1,  # oversized.py has the bound, and passes over what is beyond it
        "receive_buffer_bytes": None,
        "send_buffer_bytes": None,
        "socket_options": _socket_options(),
        "selector": selectors.DefaultSelector,
        "kafka_client": KafkaNetClient,
    }


def _socket_options() -> list[tuple[int, int, int]]:
    """A peer that is gone without a word is noticed within 25 s. The kernel's own keep-alive begins after two hours, and
    a JoinGroup waits for its answer for five minutes, while other connections say that the brokers are well."""
    wanted = {"TCP_NODELAY": 1, "TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}
    known = [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in wanted.items() if hasattr(socket, name)
    ]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *known]


def _security(settings: KafkaSettings) -> dict[str, Any]:
    sasl = settings.sasl
    return {
        "security_protocol": security_protocol(settings),
        "ssl_context": tls_context(settings.tls) if settings.tls is not None else None,
        "ssl_check_hostname": settings.tls.check_hostname if settings.tls is not None else True,
        "sasl_mechanism": sasl.mechanism if sasl is not None else None,
        "sasl_plain_username": sasl.username if sasl is not None else None,
        "sasl_plain_password": _password(sasl) if sasl is not None else None,
    }


def _unused() -> dict[str, Any]:
    """Options that stay off: the context above holds all of TLS, and nobody reads kafka-python's metrics."""
    return {
        "metrics_enabled": False,
        "metric_reporters": [],
        "metrics_num_samples": 2,
        "metrics_sample_window_ms": 30_000,
        "metric_group_prefix": "consumer",
        "ssl_cafile": None,
        "ssl_certfile": None,
        "ssl_keyfile": None,
        "ssl_crlfile": None,
        "ssl_password": None,
        "ssl_ciphers": None,
        "sasl_kerberos_name": None,
        "sasl_kerberos_service_name": "kafka",
        "sasl_kerberos_domain_name": None,
        "sasl_oauth_token_provider": None,
        "proxy_url": None,
        "socks5_proxy": None,
    }


def security_protocol(settings: KafkaSettings) -> str:
    """Kafka's name for the four ways to connect."""
    if settings.sasl is None:
        return "PLAINTEXT" if settings.tls is None else "SSL"
    return "SASL_PLAINTEXT" if settings.tls is None else "SASL_SSL"


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later, the brokers' certificates always verified."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        raise SourceError(
            f"source.tls: a certificate file cannot be used: {error}. Check its path and content"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.check_hostname
    return context


def _password(sasl: Sasl) -> str:
    """Read anew for each connection where it lies in a file, so that a rotated one is used."""
    if sasl.password_file is not None:
        try:
            return sasl.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SourceError(f"source.sasl.password_file cannot be read: {error.strerror}. Check its path") from None
    return sasl.password.get_secret_value() if sasl.password is not None else ""
