"""Names of shards and of ranges."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.errors import EvidenceError
from exporters.evidence import layout
from exporters.evidence.recorded import Recorded


def test_a_shard_is_the_month_of_the_clock_in_utc() -> None:
    assert layout.shard_of(1_795_000_000_000_000) == "2026-11"
    assert layout.shard_of(1_796_083_200_000_000) == "2026-12"
    assert layout.shard_of(1_796_083_199_999_999) == "2026-11"


@pytest.mark.parametrize(("name", "expected"), [("2026-11", True), ("2026-13", False), ("2026-11.gone", False)])
def test_only_months_are_shards(name: str, expected: bool) -> None:
    assert layout.is_shard(name) == expected


@pytest.mark.parametrize(("number", "name"), [(0, "000"), (1_234, "x001/234"), (1_234_067, "x001/x234/067")])
def test_ranges_are_named_as_tiles_are(number: int, name: str) -> None:
    path = layout.range_path(Path("log/2026-11"), layout.PACK, number)
    assert path.as_posix() == f"log/2026-11/pack/{name}"
    assert layout.parse_range(name) == number


@pytest.mark.parametrize("name", ["1", "0000", "x000/001", "001/002", "000.new", ""])
def test_another_spelling_is_no_range(name: str) -> None:
    assert layout.parse_range(name) is None


def test_ranges_are_listed_in_their_order(tmp_path: Path) -> None:
    for number in (1_000, 2, 10):
        path = layout.range_path(tmp_path, layout.PACK, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert layout.ranges(tmp_path, layout.PACK) == [2, 10, 1_000]


def test_shards_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in ("2026-02", "2025-12", "2026-01.gone", "notes"):
        (tmp_path / name).mkdir()
    assert layout.shards(tmp_path) == ["2025-12", "2026-02"]


def test_a_recorded_size_is_read_as_it_was_written() -> None:
    assert Recorded.parse(str(Recorded("2026-11", 70_000))) == Recorded("2026-11", 70_000)
    with pytest.raises(ValueError, match="no recorded size"):
        Recorded.parse("2026-11")


def test_a_folder_that_may_not_be_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(EvidenceError, match="pack: cannot be listed"):
        layout.ranges(tmp_path, layout.PACK)


def test_a_folder_that_is_not_there_holds_no_ranges(tmp_path: Path) -> None:
    assert layout.ranges(tmp_path / "gone", layout.PACK) == []
