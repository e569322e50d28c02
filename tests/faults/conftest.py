"""Fixtures and the report of the fault tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import report

HERE = Path(__file__).parent
Note = Callable[..., None]


SOCKETS = pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl):ResourceWarning")
"""kafka-python 3.0.12 does not close the socket of a connection that failed; here brokers are killed on purpose."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sockets that the tests' own clients leave behind are no failures of tests with real brokers."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("parts"):
            item.add_marker(SOCKETS)


@pytest.fixture(autouse=True)
def _sockets_are_collected_where_they_are_expected(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """With the log records, whose exceptions hold them: not in the middle of a later test."""
    yield
    if request.node.get_closest_marker("parts"):
        caplog.get_records("call").clear()
        gc.collect()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """``note(lost=0, seconds=3.2)``: figures of this test, for the table and the report."""

    def keep(**figures: object) -> None:
        request.node.user_properties.append((report.PROPERTY, figures))

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures and write them down, where this run was asked to report."""
    where = os.environ.get("WACHTER_FAULTS_REPORT")
    results = [
        (_name(test.nodeid), outcome, _figures(test))
        for outcome in ("passed", "failed", "skipped")
        for test in terminalreporter.stats.get(outcome, [])
        if "tests/faults/" in test.nodeid
    ]
    if any(figures for _, _, figures in results):
        terminalreporter.section("faults")
        terminalreporter.write_line(report.table(results))
    if where and results:
        report.write(results, Path(where))


def _name(nodeid: str) -> str:
    return nodeid.rpartition("tests/faults/")[2].replace(".py::", ": ")


def _figures(test: pytest.TestReport) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, figures in getattr(test, "user_properties", []):
        if name == report.PROPERTY:
            found.update(figures)
    return found
