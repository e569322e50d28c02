"""Fixtures and the report of the fault tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import report

Note = Callable[..., None]


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
