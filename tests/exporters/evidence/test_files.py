"""The real file system, as the writer asks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.errors import LogLocked
from exporters.evidence.files import DiskFiles, read_whole, replace


@pytest.fixture
def files() -> DiskFiles:
    return DiskFiles()


def write(files: DiskFiles, path: Path, data: bytes) -> None:
    output = files.append(path)
    output.write(data)
    output.sync()
    output.close()


def test_what_is_appended_stands_at_the_end_in_directories_made_for_it(files: DiskFiles, tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    write(files, path, b"one")
    write(files, path, b"two")
    assert path.read_bytes() == b"onetwo"


def test_replacing_leaves_the_new_content_and_nothing_else(files: DiskFiles, tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(files, path, b"old", durable=True)
    (tmp_path / "file.new").write_bytes(b"left behind by a crash")
    replace(files, path, b"new", durable=True)
    assert files.walk(tmp_path) == {path: 3}
    assert read_whole(files, path) == b"new"


def test_a_missing_file_reads_as_none(files: DiskFiles, tmp_path: Path) -> None:
    assert read_whole(files, tmp_path / "file") is None
    assert files.names(tmp_path / "nowhere") == []
    assert files.walk(tmp_path / "nowhere") == {}


def test_removing_takes_the_directories_that_are_empty_then(files: DiskFiles, tmp_path: Path) -> None:
    write(files, tmp_path / "tile/0/x001/234", b"hashes")
    write(files, tmp_path / "tile/1/000", b"hashes")
    files.remove(tmp_path / "tile/0/x001/234")
    files.remove(tmp_path / "tile/0/x001/234")
    assert files.names(tmp_path / "tile") == ["1"]


def test_bytes_on_disk_follow_every_change(files: DiskFiles, tmp_path: Path) -> None:
    (tmp_path / "before").write_bytes(b"12345")
    files.measure(tmp_path)
    write(files, tmp_path / "a/file", b"1234567890")
    files.truncate(tmp_path / "a/file", 4)
    assert files.bytes_on_disk == 9
    files.rename(tmp_path / "a/file", tmp_path / "before")
    assert files.bytes_on_disk == 4
    replace(files, tmp_path / "b", b"123", durable=False)
    files.remove(tmp_path / "before")
    assert files.bytes_on_disk == 3
    write(files, tmp_path / "tree/file", b"12")
    files.remove_tree(tmp_path / "tree")
    assert files.bytes_on_disk == 3


def test_a_lock_is_held_until_it_is_closed_and_names_its_holder(files: DiskFiles, tmp_path: Path) -> None:
    held = files.lock(tmp_path / "log/lock")
    assert held is not None
    with pytest.raises(LogLocked, match=f"process {os.getpid()} writes this log"):
        files.lock(tmp_path / "log/lock")
    held.close()
    again = files.lock(tmp_path / "log/lock")
    assert again is not None
    again.close()
