"""What holds for every test: property tests without a deadline, unpacked parts on PATH, and no skip in CI."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.parts.provision import extend_path

pytest_plugins = ["tests.parts.fixtures"]

IN_CI = os.environ.get("CI") == "true"

# A shared machine stalls now and then: a deadline would report the machine, not the code. Choose another profile with
# HYPOTHESIS_PROFILE=thorough.
settings.register_profile("quick", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("quick"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

extend_path()


@pytest.fixture(autouse=True)
def _logs_end_with_their_test() -> Iterator[None]:
    """``wachter run`` logs to the standard error of its time, which a test's runner closes; later tests must not."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        fail_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.skipped:
        fail_instead(report)
    return report


def fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A skip says that something was not tested; CI promises that everything is."""
    report.outcome = "failed"
    report.longrepr = f"skipped, which CI=true does not allow: {report.longrepr}"
