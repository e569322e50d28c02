"""TLS and SASL against a real Apache Kafka, and what is said when they do not fit. No message holds a secret."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kafka.admin import ResourceType

from agent.source import Trouble
from tests.parts.certificates import Certificates
from tests.parts.fixtures import require_kafka
from tests.parts.kafka import PASSWORD, USER, KafkaBroker
from tests.parts.members import Member, settings_for, unique

pytestmark = [pytest.mark.parts, pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl):ResourceWarning")]


@pytest.fixture(autouse=True)
def _sockets_that_the_client_leaves_to_the_collector(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python 3.0.12 does not close the socket of a connection that failed; collect it where that is expected, and
    let go of the log records first, whose exceptions hold it."""
    yield
    caplog.get_records("call").clear()
    gc.collect()


MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def sasl(mechanism: str = "PLAIN", password: str = PASSWORD, username: str = USER) -> dict[str, str]:
    return {"mechanism": mechanism, "username": username, "password": password}


def tls(broker: KafkaBroker) -> dict[str, Any]:
    return {"ca_file": str(broker.certificates.authority)}


def read_one(broker: KafkaBroker, bootstrap: str, **security: Any) -> list[bytes | None]:
    topic = unique("secure")
    broker.create_topic(topic)
    broker.produce(topic, [(0, None, b"1")])
    with Member(settings_for(bootstrap, topic, group=topic, **security)) as one:
        one.until(lambda: one.records)
        return one.values


def refused(bootstrap: str, **security: Any) -> Trouble:
    with Member(settings_for(bootstrap, "events", group=unique("group"), **security)) as one:
        one.until(lambda: one.troubles, 60)
        assert not one.assignments
    assert PASSWORD not in one.troubles[0].message
    return one.troubles[0]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_password_opens_a_plain_connection(broker: KafkaBroker, mechanism: str) -> None:
    assert read_one(broker, broker.sasl_bootstrap, sasl=sasl(mechanism)) == [b"1"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_password_opens_a_tls_connection(broker: KafkaBroker, mechanism: str) -> None:
    assert read_one(broker, broker.tls_bootstrap, sasl=sasl(mechanism), tls=tls(broker)) == [b"1"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_said_and_not_shown(broker: KafkaBroker, mechanism: str) -> None:
    trouble = refused(broker.sasl_bootstrap, sasl=sasl(mechanism, password="not-this-one"))
    assert trouble.kind == "authentication"
    assert f"the brokers refused user 'wachter' with {mechanism}" in trouble.message
    assert "not-this-one" not in trouble.message


def test_an_authority_that_is_not_trusted_is_said(broker: KafkaBroker) -> None:
    trouble = refused(broker.tls_bootstrap, sasl=sasl(), tls={})
    assert trouble.kind == "tls"
    assert "its certificate is not accepted" in trouble.message


@pytest.mark.slow
def test_a_certificate_that_has_expired_is_said() -> None:
    require_kafka()
    expired = KafkaBroker()
    Certificates.create(expired.directory, timedelta(minutes=-1))
    with expired:
        trouble = refused(expired.tls_bootstrap, sasl=sasl(), tls=tls(expired))
    assert trouble.kind == "tls"
    assert "its certificate is not accepted (certificate has expired)" in trouble.message


def test_tls_to_a_port_without_it_is_said(broker: KafkaBroker) -> None:
    trouble = refused(broker.sasl_bootstrap, sasl=sasl(), tls=tls(broker))
    assert trouble.kind in ("tls", "unreachable")
    assert broker.sasl_bootstrap in trouble.message


def test_no_tls_to_a_port_that_wants_it_is_said(broker: KafkaBroker) -> None:
    trouble = refused(broker.tls_bootstrap, sasl=sasl())
    assert "Check that source.tls and source.sasl fit this port" in trouble.message


def test_no_password_to_a_port_that_wants_one_is_said(broker: KafkaBroker) -> None:
    trouble = refused(broker.sasl_bootstrap)
    assert "source.sasl" in trouble.message


def test_a_new_password_in_the_file_is_used_without_a_restart(broker: KafkaBroker, tmp_path: Any) -> None:
    file = tmp_path / "password"
    file.write_text("wrong\n")
    topic = unique("secure")
    broker.create_topic(topic)
    login = {"mechanism": "PLAIN", "username": USER, "password_file": str(file)}
    with Member(settings_for(broker.sasl_bootstrap, topic, group=topic, sasl=login)) as one:
        one.until(lambda: one.troubles, 60)
        file.write_text(PASSWORD + "\n")
        one.until(lambda: one.owns)


def test_a_topic_that_may_not_be_read_is_said(broker: KafkaBroker) -> None:
    topic = unique("reserved")
    broker.create_topic(topic)
    broker.reserve(ResourceType.TOPIC, topic)
    with Member(settings_for(broker.sasl_bootstrap, topic, group=topic, sasl=sasl())) as one:
        one.until(lambda: one.troubles, 60)
        assert one.troubles[0].kind == "authorisation"
        assert f"'{topic}'" in one.troubles[0].message


def test_a_group_that_may_not_be_joined_is_said(broker: KafkaBroker) -> None:
    topic = unique("reserved")
    broker.create_topic(topic)
    broker.reserve(ResourceType.GROUP, topic)
    with Member(settings_for(broker.sasl_bootstrap, topic, group=topic, sasl=sasl())) as one:
        one.until(lambda: one.troubles, 60)
    assert one.troubles[0] == Trouble(
        "authorisation", f"not allowed to join group '{topic}'. Grant Read on it; trying again"
    )
