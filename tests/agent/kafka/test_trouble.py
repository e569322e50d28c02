"""Troubles in words: named, bounded, without secrets, and each with its section in the docs."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka import trouble
from agent.kafka.offsets import NoLeaderError
from agent.source import Trouble
from config.errors import SourceError
from config.settings.source import KafkaSource as KafkaSettings

DOCS = Path(__file__).resolve().parents[3] / "docs" / "kafka.md"


def settings(**others: Any) -> KafkaSettings:
    whole = {"type": "kafka", "brokers": ["127.0.0.1:1"], "topics": ["events"], **others}
    return KafkaSettings.model_validate(whole)


LOGIN = {"mechanism": "SCRAM-SHA-512", "username": "wachter", "password": "s3cret"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.SaslAuthenticationFailedError("no"), "authentication"),
        (errors.UnsupportedSaslMechanismError("no"), "authentication"),
        (errors.TopicAuthorizationFailedError({"events"}), "authorisation"),
        (errors.GroupAuthorizationFailedError("wachter"), "authorisation"),
        (errors.FencedInstanceIdError(), "fenced"),
        (errors.InconsistentGroupProtocolError(), "group"),
        (errors.UnsupportedCodecError("snappy"), "codec"),
        (errors.CorruptRecordError("at offset 5"), "corrupt"),
        (NoLeaderError([TopicPartition("events", number) for number in range(99)]), "no_leader"),
        (errors.KafkaTimeoutError(), "unreachable"),
        (errors.KafkaConnectionError("reset"), "unreachable"),
        (OSError("broken pipe"), "unreachable"),
        (SourceError("source.tls: a certificate file cannot be used"), "settings"),
        (ValueError("x" * 1000), "kafka"),
    ],
)
def test_an_error_has_a_name_a_bounded_text_and_no_secret(error: Exception, kind: str) -> None:
    found = trouble.explain(error, settings(sasl=LOGIN))
    assert found.kind == kind
    assert 10 < len(found.message) < 500
    assert "s3cret" not in found.message


def test_a_refused_login_names_user_and_mechanism() -> None:
    found = trouble.explain(errors.SaslAuthenticationFailedError("no"), settings(sasl=LOGIN))
    assert "'wachter' with SCRAM-SHA-512" in found.message


def test_brokers_with_different_ills_are_all_told() -> None:
    found = trouble.unreachable(settings(brokers=["127.0.0.1:1", "no-such-broker.invalid:9092"]))
    assert found == Trouble(
        "unreachable",
        "127.0.0.1:1: connection refused. Check that the broker runs; "
        "no-such-broker.invalid:9092: the name cannot be resolved. Check source.brokers; trying again",
    )


def test_every_kind_has_its_section_in_the_docs() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(trouble))) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Trouble"]
    kinds = {arg.value for arg in named if isinstance(arg, ast.Constant)} | {"unreachable", "silent", "tls"}
    headings = set(re.findall(r"^### (\w+)$", DOCS.read_text(), flags=re.MULTILINE))
    assert kinds == headings
