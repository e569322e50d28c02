"""One agent whose model did harm, for all tests of its pages that only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.web.server import WebServer
from tests.agent.web.responder import Responder


@pytest.fixture(scope="package")
def responder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Responder]:
    made = Responder(tmp_path_factory.mktemp("responder"))
    yield made
    made.close()


@pytest.fixture(scope="package")
def pages(responder: Responder) -> Iterator[WebServer]:
    with responder.serving() as server:
        yield server
