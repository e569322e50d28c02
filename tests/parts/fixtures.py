"""Pytest fixtures of the real parts; ``tests/conftest.py`` imports them, so that each exists once in a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.parts import kafka


def require_kafka() -> None:
    """Skip where no broker can be started; fail where CI promises one."""
    reason = kafka.missing()
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def broker() -> Iterator[kafka.KafkaBroker]:
    """One healthy broker for the whole session: create topics of your own, and never stop it."""
    require_kafka()
    with kafka.KafkaBroker() as started:
        yield started


@pytest.fixture
def own_broker() -> Iterator[kafka.KafkaBroker]:
    """A broker of the test's own, to be killed, frozen or restarted."""
    require_kafka()
    with kafka.KafkaBroker() as started:
        yield started
