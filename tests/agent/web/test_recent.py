from __future__ import annotations

from typing import Any

import pytest

from agent.web.recent import MOST, RecentDossiers
from exporters.dossier import Dossier


def record(name: str = "h-1", entries: int = 1) -> dict[str, Any]:
    return {"id": name, "timeline": [{}] * entries, "timeline_omitted": 0}


class Reading:
    """Counts what is read; its clock stands where it is put."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.now = 0.0
        self.recent = RecentDossiers(self._read, lambda: self.now)

    def _read(self, record: Any) -> Dossier:
        self.read.append(record["id"])
        return Dossier()


@pytest.fixture
def reading() -> Reading:
    return Reading()


def test_many_who_look_at_once_cost_one_reading(reading: Reading) -> None:
    assert all(reading.recent(record()) == Dossier() for _ in range(50))
    assert reading.read == ["h-1"]


def test_it_is_read_again_after_a_moment_and_when_something_has_happened(reading: Reading) -> None:
    reading.recent(record())
    reading.now = 2.0
    reading.recent(record())
    reading.recent(record(entries=2))
    assert len(reading.read) == 3


def test_only_a_few_are_kept(reading: Reading) -> None:
    for number in range(MOST + 1):
        reading.recent(record(f"h-{number}"))
    reading.recent(record("h-0"))
    reading.recent(record(f"h-{MOST}"))
    assert reading.read.count("h-0") == 2
    assert reading.read.count(f"h-{MOST}") == 1
