"""An erased payload is in no file any more, and everything else is what it was."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from config.errors import LogUnwritable
from exporters.evidence.entries import PLAIN, SEALED, Entries
from exporters.evidence.erase import without
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.mentions import Mentions, Search
from exporters.evidence.payload_frame import ABSENT, ERASED, PayloadBlock
from exporters.evidence.reader import LogReader, Payload
from exporters.evidence.recorded import Recorded
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import NOW_US, entries, open_log, step

ANN = 11
BOB = 12
SALTS = bytes(range(1, 129))


def block() -> PayloadBlock:
    return PayloadBlock(
        np.array([ANN, BOB, 0, ANN], dtype=np.uint64),
        np.array([3, 2, ABSENT, 4], dtype=np.uint32),
        np.array([PLAIN, PLAIN, PLAIN, SEALED], dtype=np.uint8),
        SALTS,
        b"annbobob!",
    )


def payload(log: EvidenceLog, index: int) -> Payload:
    return next(LogReader(log.directory).payloads(log.shard, index, index + 1))


def event(number: int, **fields: str) -> bytes:
    rest = "".join(f',"{name}":"{value}"' for name, value in fields.items())
    return b'{"type":"inference","id":"e-%d"%b}' % (number, rest.encode())


def batch(*rows: tuple[bytes, bytes, int]) -> Entries:
    """Leaf, payload and tag of each entry."""
    leaves, payloads, tags = zip(*rows, strict=True)
    return Entries(list(leaves), list(payloads), b"".join(sha256(leaf).digest() for leaf in leaves), list(tags))


def search(log: EvidenceLog, *tags: int, name: bytes = b"ann") -> Mentions:
    return Search(LogReader(log.directory), tags, lambda data: name in data, lambda key_id: None).run()


def test_bytes_salt_and_tag_go_and_the_others_stay() -> None:
    kept = without(block(), [0, 3])
    assert list(kept.payloads()) == [None, b"bo", None, None]
    assert kept.lengths.tolist() == [ERASED, 2, ABSENT, ERASED]
    assert kept.subjects.tolist() == [0, BOB, 0, 0]
    assert kept.forms.tolist() == [PLAIN] * 4
    assert kept.salts == bytes(32) + SALTS[32:96] + bytes(32)


def test_what_is_erased_in_a_segment_can_be_read_no_more(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    step(log, entries(600))
    log.erase({log.shard: [5, 300]})
    assert payload(log, 6).data == b"\0payload 5"
    assert (payload(log, 5).state, payload(log, 5).salt) == ("erased", bytes(32))
    step(log, entries(10, 600))
    assert payload(log, 605).state == "plain"
    log.close()


def test_what_is_erased_in_a_packed_range_can_be_read_no_more(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for first in range(0, RANGE_ENTRIES, 8192):
        step(log, entries(8192, first))
    step(log, entries(10, RANGE_ENTRIES))
    assert payload(log, 40_000).state == "plain"
    log.erase({log.shard: [40_000]})
    assert [payload(log, index).state for index in (39_999, 40_000, 40_001)].count("erased") == 1
    log.close()


def test_a_log_with_erased_payloads_opens_and_grows(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    recorded = step(log, entries(300))
    log.publish(NOW_US)
    log.erase({log.shard: [7]})
    log.close()
    again = open_log(tmp_path, recorded)
    assert again.cut is None
    assert step(again, entries(10, 300)) == Recorded(again.shard, recorded.size + 11)  # the checkpoint is an entry too
    again.close()


def test_erasing_twice_changes_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    step(log, entries(300))
    log.erase({log.shard: [7]})
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    log.erase({log.shard: [7]})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    log.close()


def test_a_disk_that_fails_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(tmp_path)
    recorded = step(log, entries(300))

    def fail(self: DiskFiles, old: Path, new: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DiskFiles, "rename", fail)
        with pytest.raises(LogUnwritable):
            log.erase({log.shard: [7]})
    log.cut_back(recorded)
    assert payload(log, 7).state == "plain"
    log.erase({log.shard: [7]})
    assert payload(log, 7).state == "erased"
    log.close()


def test_events_are_found_by_tag_with_what_refers_to_them(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    step(
        log,
        batch(
            (b'{"type":"label","id":"l-0","ref":"e-1"}', b"\0early", 0),
            (event(1), b"\0ann", ANN),
            (event(2), b"\0bob", BOB),
            (b'{"type":"label","id":"l-1","ref":"e-2"}', b"\0label", 0),
            (b'{"type":"oversight","id":"o-1","ref":"e-1"}', b"\0review", 0),
        ),
    )
    found = search(log, ANN)
    assert found.entries == {log.shard: [1, 2, 5]}  # entry 0 begins the shard
    assert found.decisions == {"e-1"}
    log.close()


def test_records_that_could_not_be_read_are_found_by_the_name_in_their_bytes(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    rows = [(b'{"type":"record","reason":"bad_json"}', text, 0) for text in (b"\0{ann", b"\0{bob")]
    step(log, batch(*rows, (event(1), b"\0ann is a word here", BOB)))
    assert search(log, ANN).entries == {log.shard: [1]}
    log.close()


def test_what_is_gone_is_not_found_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    step(log, batch((event(1), b"\0ann", ANN)))
    log.erase(search(log, ANN).entries)
    assert len(search(log, ANN)) == 0
    log.close()
