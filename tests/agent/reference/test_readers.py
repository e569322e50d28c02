"""Rows from files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from agent.reference import readers
from agent.reference.flat_rows import ToEvent, mapped_rows
from agent.reference.readers import UnreadableFile, column_names, read_file, sha256_of


def flat(_: Sequence[str]) -> ToEvent:
    return mapped_rows


def rows_of(path: Path) -> list[object]:
    return [json.loads(value or b"") for fetched in read_file(path, flat) for value in fetched.values]


def test_json_lines_are_read_as_they_are_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n\n{"a":2}\r\n  \n{"a":3}')
    (fetched,) = read_file(path, flat)
    assert list(fetched.values) == [b'{"a":1}', b'{"a":2}', b'{"a":3}']
    assert list(fetched.offsets) == [0, 2, 4]


def test_compressed_json_lines_of_several_frames_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(b'{"a":1}\n') + zstandard.compress(b'{"a":2}\n'))
    assert rows_of(path) == [{"a": 1}, {"a": 2}]


def test_a_compressed_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(b'{"a":1}\n' * 1000)[:-4])
    with pytest.raises(UnreadableFile, match="ends too early"):
        rows_of(path)


def test_csv_rows_become_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffname,n,zip\n"Ada, L.",1.5,01234\n,,\n', encoding="utf-8")
    assert rows_of(path) == [{"name": "Ada, L.", "n": 1.5, "zip": "01234"}, {"name": None, "n": None, "zip": None}]


def test_parquet_rows_become_objects(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    table = pyarrow.table({"n": [1.5, None], "d": [Decimal("2.50"), None], "s": ["x", None], "b": [True, False]})
    parquet.write_table(table, path)
    assert rows_of(path) == [{"n": 1.5, "d": 2.5, "s": "x", "b": True}, {"n": None, "d": None, "s": None, "b": False}]
    assert column_names(path) == ("n", "d", "s", "b")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(UnreadableFile, match=r"pip install '\.\[parquet\]'"):
        rows_of(path)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(UnreadableFile, match=r"a\.parquet"):
        rows_of(path)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.csv.zst", "a.zst"])
def test_an_unknown_kind_of_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile, match="Known are"):
        rows_of(tmp_path / name)


@pytest.mark.parametrize("content", [b"a,b\n\xff\xfe,1\n", b'a,b\n"open,1\n'], ids=["encoding", "quote"])
def test_a_csv_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"a\.csv cannot be read"):
        rows_of(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_reading_goes_in_batches_and_tells_how_far_it_has_come(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BATCH_RECORDS", 10)
    path = tmp_path / name
    path.write_text("a\n" + "1\n" * 24, encoding="utf-8")
    told: list[int] = []
    sizes = [len(fetched) for fetched in read_file(path, flat, told.append)]
    assert max(sizes) == 10
    assert told[-1] == path.stat().st_size
    assert told == sorted(told)


def test_json_lines_have_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n')
    assert column_names(path) == ()


def test_the_digest_of_a_file_is_that_of_sha256sum(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
