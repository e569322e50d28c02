"""A log to write to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import open_log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EvidenceLog]:
    """A new log, closed behind the test."""
    log = open_log(tmp_path)
    yield log
    log.close()
