"""Files as a source: lines, numbers, compression, turns, damage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from agent.replay.source import FileSource
from agent.source import Committed, Fetched, Partition, Poll, Source
from config.errors import SourceError


def write(path: Path, lines: list[bytes], end: bytes = b"\n") -> Path:
    content = end.join(lines) + end
    path.write_bytes(zstandard.compress(content) if path.suffix == ".zst" else content)
    return path


OPENED: list[FileSource] = []


@pytest.fixture(autouse=True)
def _close_what_was_opened() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close(0)


def opened(paths: list[Path], batch_records: int = 5000, max_line_bytes: int = 1 << 20) -> FileSource:
    OPENED.append(FileSource(paths, batch_records, max_line_bytes))
    return OPENED[-1]


def started(*paths: Path, batch_records: int = 5000, max_line_bytes: int = 1 << 20) -> FileSource:
    source = opened(list(paths), batch_records, max_line_bytes)
    source.poll(0)
    source.begin({})
    return source


def drain(source: FileSource) -> list[Fetched]:
    found: list[Fetched] = []
    poll = Poll(0)
    while not poll.finished:
        poll = source.poll(0)
        assert poll.trouble is None
        found.extend(poll.fetched)
    return found


def values(found: list[Fetched]) -> list[bytes | None]:
    return [value for fetched in found for value in fetched.values]


def test_it_is_a_source(tmp_path: Path) -> None:
    source: Source = opened([write(tmp_path / "a.jsonl", [b"1"])])
    assert source.poll(0).assignment is not None


def test_the_first_poll_assigns_every_file_and_fetches_nothing(tmp_path: Path) -> None:
    poll = opened([write(tmp_path / "a", [b"1"]), write(tmp_path / "b", [b"2"])]).poll(0)
    assert poll.assignment is not None
    assert poll.assignment.partitions == (Partition("a"), Partition("b"))
    assert poll.fetched == ()


def test_nothing_is_fetched_before_begin(tmp_path: Path) -> None:
    source = opened([write(tmp_path / "a", [b"1"])])
    source.poll(0)
    assert source.poll(0) == Poll(1)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.zst"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_line_comes_once_in_order_with_its_number(tmp_path: Path, name: str, end: bytes) -> None:
    lines = [f'{{"n": {n}}}'.encode() for n in range(1000)]
    found = drain(started(write(tmp_path / name, lines, end), batch_records=300))
    assert values(found) == lines
    assert [offset for fetched in found for offset in fetched.offsets] == list(range(1000))
    assert [len(fetched) for fetched in found] == [300, 300, 300, 100]


def test_a_last_line_needs_no_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1\n2")
    assert values(drain(started(path))) == [b"1", b"2"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, name: str) -> None:
    mark = b"\xef\xbb\xbf"
    (found,) = drain(started(write(tmp_path / name, [mark + b"12345", mark + b"67"]), max_line_bytes=5))
    assert (list(found.offsets), list(found.values)) == ([0, 1], [b"12345", mark + b"67"])
    assert drain(started(write(tmp_path / name, [mark]))) == []


def test_a_blank_line_is_no_record_but_is_counted(tmp_path: Path) -> None:
    found = drain(started(write(tmp_path / "a", [b"1", b"", b" \t", b"2"])))
    assert [(*fetched.offsets,) for fetched in found] == [(0, 3)]


def test_an_empty_file_is_finished_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert started(path).poll(0).finished


def test_a_line_too_long_is_cut_to_one_byte_over_the_limit_and_its_neighbours_are_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [b"x" * 10, b"y" * 11, b"z" * 5_000_000, b"end"])
    assert values(drain(started(path, max_line_bytes=10))) == [b"x" * 10, b"y" * 11, b"z" * 11, b"end"]


def test_files_are_read_in_turns(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, [b"1", b"2", b"3"]) for name in "ab"]
    order = [fetched.partition.topic for fetched in drain(started(*paths, batch_records=2))]
    assert order == ["a", "b", "a", "b"]


def test_a_held_file_waits_while_the_others_go_on(tmp_path: Path) -> None:
    source = started(*(write(tmp_path / name, [b"1"]) for name in "ab"))
    source.hold({Partition("a")})
    assert [fetched.partition.topic for fetched in source.poll(0).fetched] == ["b"]
    assert source.poll(0).fetched == ()
    source.hold(frozenset())
    assert [fetched.partition.topic for fetched in source.poll(0).fetched] == ["a"]


def test_a_file_at_its_end_is_caught_up_and_all_of_them_are_finished(tmp_path: Path) -> None:
    source = started(write(tmp_path / "a", [b"1"]), write(tmp_path / "b", [b"1"] * 3), batch_records=2)
    polls = [source.poll(0) for _ in range(4)]
    assert [sorted(p.topic for p in poll.caught_up) for poll in polls] == [["a"], ["a"], ["a", "b"], ["a", "b"]]
    assert [poll.finished for poll in polls] == [False, False, True, True]


def test_reading_begins_where_it_is_told(tmp_path: Path) -> None:
    source = opened([write(tmp_path / "a", [b"0", b"1", b"2"])])
    source.poll(0)
    source.begin({Partition("a"): 2})
    assert values(drain(source)) == [b"2"]
    with pytest.raises(SourceError, match="cannot go back to line 1"):
        source.begin({Partition("a"): 0})


def test_two_files_of_one_name_are_two_partitions(tmp_path: Path) -> None:
    paths = []
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder / "a", [folder.encode()]))
    found = drain(started(*paths))
    assert {fetched.partition: fetched.values for fetched in found} == {
        Partition("a", 0): [b"x"],
        Partition("a", 1): [b"y"],
    }


def test_frames_that_follow_each_other_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.compress(b"1\n2\n") + zstandard.compress(b"3\n"))
    assert values(drain(started(path))) == [b"1", b"2", b"3"]


def test_a_compressed_file_that_was_cut_short_is_trouble_for_good(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.compress(b"".join(b"%d\n" % n for n in range(10_000)))[:-20])
    source = started(path)
    polls = [source.poll(0) for _ in range(5)]
    assert polls[-1].trouble is not None
    assert "a.zst: cannot be read to its end: the compressed file ends too early" in polls[-1].trouble.message
    assert not polls[-1].finished


def test_a_file_that_is_not_compressed_as_its_name_says_is_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(b'{"n": 1}\n')
    trouble = started(path).poll(0).trouble
    assert trouble is not None
    assert trouble.kind == "file"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: No such file or directory"):
        FileSource([tmp_path / "nowhere"])


@pytest.mark.parametrize("name", ["a", "a.zst"])
def test_progress_runs_from_nothing_to_the_size_on_disk(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [b"%d" % n for n in range(1000)])
    source = started(path)
    assert (source.read_bytes, source.total_bytes) == (0, path.stat().st_size)
    drain(source)
    assert source.read_bytes == source.total_bytes


def test_closing_is_safe_twice_and_ends_it(tmp_path: Path) -> None:
    source = opened([write(tmp_path / "a", [b"1"])])
    source.close(0)
    source.close(0)
    source.poll(0)
    assert source.poll(0).finished
    assert not source.still_owner(1)


def test_it_is_its_only_owner_and_has_nothing_to_commit(tmp_path: Path) -> None:
    source = started(write(tmp_path / "a", [b"1"]))
    assert source.still_owner(1)
    assert source.commit({Partition("a"): Committed(1, "")})
    source.close(0)
