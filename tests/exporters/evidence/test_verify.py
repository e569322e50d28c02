"""What verifying names, and what it does not mind."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from config.errors import EvidenceError
from exporters.evidence import layout, leaves, log_leaves
from exporters.evidence.entries import SALT_BYTES
from exporters.evidence.erase import without
from exporters.evidence.files import DiskFiles
from exporters.evidence.findings import Report
from exporters.evidence.frames import ENTRIES, HEAD_BYTES, PAYLOADS, FrameEncoder
from exporters.evidence.note import Checkpoint, Signer, sign_checkpoint
from exporters.evidence.payload_frame import ERASED, PayloadBlock, parse
from exporters.evidence.range_reader import RangeReader
from exporters.evidence.recorded import Recorded
from exporters.evidence.retention import Hold, place_hold, remove_shard
from exporters.evidence.verify import verify
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.payload_edits import edit_payloads
from tests.exporters.evidence.whole_log import (
    DECEMBER_US,
    NAME,
    NOVEMBER_US,
    SIGNER,
    TOPIC,
    WholeLog,
    bare,
    small_log,
    tiny_log,
)

KEYS = (SIGNER.verifier,)
STRANGER = Signer(NAME, bytes(range(1, 33)))


def told(report: Report) -> list[str]:
    return [str(finding) for finding in report.findings]


def noted(report: Report) -> list[str]:
    return [str(note) for note in report.notes]


@pytest.fixture
def whole(tmp_path: Path) -> WholeLog:
    """A log that is open, with a first step."""
    log = WholeLog(tmp_path / "log")
    log.step(log.start(), log.settings(), log.events(5))
    return log


def test_a_directory_that_is_missing_or_no_log_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no such directory"):
        verify(tmp_path / "nowhere", KEYS)
    with pytest.raises(EvidenceError, match="holds no log"):
        verify(tmp_path, KEYS)


def test_entries_behind_the_last_checkpoint_are_noted(whole: WholeLog) -> None:
    whole.sign()
    whole.step(whole.events(4))
    whole.log.close()
    report = verify(whole.directory, KEYS)
    assert report.ok
    assert noted(report) == ["2026-11: the last 5 of 13 entries are recorded, not yet signed"]


def test_a_log_that_is_written_meanwhile_is_verified_beside_its_writer(whole: WholeLog) -> None:
    for _ in range(3):
        whole.step(whole.events(300))
        assert verify(whole.directory, KEYS).ok
        whole.sign()
        assert verify(whole.directory, KEYS).ok
    whole.log.close()


def test_a_torn_append_is_noted_and_a_changed_one_is_found(whole: WholeLog) -> None:
    whole.close()
    segment = layout.range_path(whole.directory / "2026-11", layout.SEGMENT, 0)
    sound = segment.read_bytes()
    frame = FrameEncoder().encode(ENTRIES, 8, 1, b"\0\x02{}")
    for size in range(1, len(frame)):
        segment.write_bytes(sound + frame[:size])
        report = verify(whole.directory, KEYS)
        assert report.ok
        assert f"{size} bytes of an append that was not finished" in noted(report)[0]
    segment.write_bytes(sound + frame[:21] + b"\xff" + frame[22:])
    assert "its length was changed" in told(verify(whole.directory, KEYS))[0]


def test_a_month_that_has_ended_has_no_append_that_was_interrupted(tmp_path: Path) -> None:
    log = small_log(tmp_path / "log")
    frame = FrameEncoder().encode(ENTRIES, 376, 1, b"\0\x02{}")
    half = [frame[: HEAD_BYTES + 1], f"{NAME}/2026-11\n377\n".encode()]
    for name, more in zip((layout.range_path(Path(), layout.SEGMENT, 0), Path(layout.CHECKPOINTS)), half, strict=True):
        path = log / "2026-11" / name
        sound = path.read_bytes()
        path.write_bytes(sound + more)
        assert told(verify(log, KEYS)) == [
            f"2026-11/{name}, byte {len(sound)}: {len(more)} bytes behind the last "
            f"{'checkpoint' if name.name == layout.CHECKPOINTS else 'frame'} of a month that has ended"
        ]
        path.write_bytes(sound)


def test_another_key_is_told_from_the_one_that_signed(tmp_path: Path) -> None:
    log = tiny_log(tmp_path / "log")
    report = verify(log, (STRANGER.verifier,))
    assert "no known key signed the note" in told(report)[0]


def test_a_log_written_anew_with_another_key_fails_the_key_that_was_kept(tmp_path: Path) -> None:
    files = DiskFiles(durable=False)
    forged = EvidenceLog.open(tmp_path / "log", STRANGER, None, NOVEMBER_US, name=NAME, files=files)
    forged.append(bare(leaves.stop_leaf(NOVEMBER_US, "x")), NOVEMBER_US)
    forged.sync()
    forged.recorded()
    forged.publish(NOVEMBER_US)
    forged.close()
    assert verify(tmp_path / "log", (STRANGER.verifier,)).ok
    assert not verify(tmp_path / "log", KEYS).ok


def test_a_kept_checkpoint_shows_a_tail_that_was_removed(whole: WholeLog) -> None:
    whole.sign()
    older = Path(shutil.copytree(whole.directory, whole.directory.with_name("older")))
    kept_early = (whole.directory / "2026-11" / layout.CHECKPOINT).read_bytes()
    whole.step(whole.events(50))
    whole.close()
    kept = (whole.directory / "2026-11" / layout.CHECKPOINT).read_bytes()
    assert verify(whole.directory, KEYS, kept=kept_early).ok
    assert verify(older, KEYS).ok
    assert "covers 59 entries of 2026-11, of which 8 are left" in told(verify(older, KEYS, kept=kept))[0]


def test_a_kept_checkpoint_of_another_history_is_told(tmp_path: Path) -> None:
    one, other = WholeLog(tmp_path / "one"), WholeLog(tmp_path / "other")
    one.step(one.events(9))
    other.step(other.window(), other.events(8))
    kept = (one.close() / "2026-11" / layout.CHECKPOINT).read_bytes()
    assert "this is another history" in told(verify(other.close(), KEYS, kept=kept))[0]


@pytest.fixture
def pruned(whole: WholeLog) -> tuple[Path, bytes, bytes]:
    """A log whose first month was removed after its time, and that month's first and last checkpoint."""
    path = whole.directory / "2026-11" / layout.CHECKPOINT
    whole.sign()
    first = path.read_bytes()
    whole.step(whole.events(2))
    whole.sign()
    last, signed = path.read_bytes(), whole.log.last_signed
    assert signed is not None
    whole.now_us = DECEMBER_US
    whole.step(whole.events(3))
    whole.step(bare(log_leaves.retention_leaf("2026-11", signed.size, signed.root, DECEMBER_US)))
    remove_shard(DiskFiles(durable=False), whole.directory, "2026-11")
    return whole.close(), first, last


def test_a_kept_checkpoint_of_a_month_that_was_removed_is_compared_with_its_entry(
    pruned: tuple[Path, bytes, bytes],
) -> None:
    log, first, last = pruned
    report = verify(log, KEYS, kept=last)
    assert report.ok
    assert noted(report) == [
        "the checkpoint that was kept: is the last one of 2026-11, which was removed, as the log says"
    ]
    report = verify(log, KEYS, kept=first)
    assert report.ok
    assert "covers 8 of the 11 entries of 2026-11, which was removed, as the log says" in noted(report)[0]


@pytest.mark.parametrize(
    ("origin", "size", "said"),
    [
        (f"{NAME}/2026-11", 11, "has another root than 2026-11 had when it was removed"),
        (f"{NAME}/2026-11", 12, "covers 12 entries of 2026-11, which was removed with 11"),
        (f"{NAME}/2026-10", 11, "of which this log has no shard"),
        ("wachter/another/2026-11", 11, "of which this log has no shard"),
    ],
)
def test_a_kept_checkpoint_that_contradicts_the_removal_is_told(
    pruned: tuple[Path, bytes, bytes], origin: str, size: int, said: str
) -> None:
    kept = sign_checkpoint(Checkpoint(origin, size, bytes(32)), SIGNER)
    assert said in told(verify(pruned[0], KEYS, kept=kept))[0]


def test_offsets_that_no_leaf_explains_are_named_by_their_range(whole: WholeLog) -> None:
    whole.offset += 3
    whole.step(whole.events(2))
    whole.step(bare(leaves.gap_leaf((TOPIC, 0), 10, 14, "retention", NOVEMBER_US)))
    whole.offset = 14
    whole.step(whole.events(1))
    report = verify(whole.close(), KEYS)
    assert told(report) == [
        f"2026-11/segment/000, byte {_byte(report)}, entry 8: {TOPIC}/0 offsets 5 to 7 are missing, "
        "and no gap, takeover or retention explains it"
    ]
    assert [str(gap) for gap in report.missing] == [f"{TOPIC}/0 offsets 10 to 13"]
    assert report.positions == {(TOPIC, 0): 15}


def _byte(report: Report) -> str:
    return report.findings[0].where.partition("byte ")[2].partition(",")[0]


def test_offsets_that_come_again_are_found_and_after_a_take_over_expected(whole: WholeLog) -> None:
    whole.offset = 3
    whole.step(whole.events(1))
    assert "offset 3 comes again" in told(verify(whole.close(), KEYS))[0]


def test_a_payload_that_is_gone_needs_an_erasure_that_names_it(whole: WholeLog) -> None:
    erased = _erase(whole, entries={4, 5})
    report = verify(erased, KEYS)
    assert [finding.what for finding in report.findings] == [
        "its payload is erased, and no erasure of the log names it"
    ]
    assert report.findings[0].more == 1


def test_an_erasure_in_the_log_explains_the_payloads_that_it_names(whole: WholeLog) -> None:
    _note_erasure(whole, b'{"shard":"2026-11","entries":[[4,5]]}\n')
    report = verify(_erase(whole, entries={4, 5}), KEYS)
    assert report.ok
    assert report.shards[0].payloads["erased"] == 2


@pytest.mark.parametrize("is_last", [True, False])
def test_a_payload_that_was_put_back_behind_its_erasure_is_found(whole: WholeLog, is_last: bool) -> None:
    whole.sign()
    _note_erasure(whole, b'{"shard":"2026-11","entries":[[4,5]]}\n{"shard":"2020-01","entries":[[1,7]]}\n')
    if not is_last:
        whole.step(whole.events(1))
    log = whole.close()
    report = verify(log, KEYS)
    said = noted(report) if is_last else told(report)
    assert said == [
        "2026-11, entry 4: an erasure names its payload, and is under way or was interrupted (and 1 more like it)"
        if is_last
        else "2026-11, entry 4: its payload is there, though an erasure of the log names it: it was put back "
        "(and 1 more like it)"
    ]
    assert report.ok is is_last
    edit_payloads(
        log / "2026-11", lambda first, block: without(block, [4 - first] if first <= 4 < first + len(block) else [])
    )
    assert [note.where for note in verify(log, KEYS).notes + verify(log, KEYS).findings] == ["2026-11, entry 5"]


def _note_erasure(whole: WholeLog, document: bytes) -> None:
    leaf = {"type": "erasure", "actor": "kim", "logged": NOVEMBER_US, "erased": 2}
    whole.step(
        whole.document(document, lambda told: msgspec.json.encode(leaf | {"payload": told.decode() + "="}), "erasure")
    )


def _erase(whole: WholeLog, entries: set[int]) -> Path:
    """Close the log and rewrite its one segment without some payloads and their salts."""
    log = whole.close()
    path = layout.range_path(log / "2026-11", layout.SEGMENT, 0)
    frames = []
    with RangeReader(log / "2026-11", 0, "segment") as segment:
        assert segment.framed is not None
        data = path.read_bytes()
        for offset, head in segment.framed.heads:
            if head.kind == ENTRIES:
                frames.append(data[offset : offset + HEAD_BYTES + head.stored_bytes])
                continue
            frame = next(frame for frame in segment.payload_frames() if frame.offset == offset)
            block = parse(frame.raw(), head.count, "")
            gone = [head.first + place in entries for place in range(head.count)]
            lengths = block.lengths.copy()
            lengths[gone] = ERASED
            salts = b"".join(bytes(SALT_BYTES) if gone[place] else block.salt(place) for place in range(head.count))
            blobs = b"".join(p for p, is_gone in zip(block.payloads(), gone, strict=True) if p and not is_gone)
            raw = PayloadBlock(block.subjects, lengths, block.forms, salts, blobs).to_bytes()
            frames.append(FrameEncoder().encode(PAYLOADS, head.first, head.count, raw))
    path.write_bytes(b"".join(frames))
    return log


def test_a_payload_that_was_changed_with_its_digest_is_found_by_its_commitment(whole: WholeLog) -> None:
    log = whole.close()
    path = layout.range_path(log / "2026-11", layout.SEGMENT, 0)
    with RangeReader(log / "2026-11", 0, "segment") as segment:
        frame = next(iter(segment.payload_frames()))
        block = parse(frame.raw(), frame.head.count, "")
    raw = block.to_bytes()[:-1] + b"?"
    path.write_bytes(path.read_bytes()[: frame.offset] + FrameEncoder().encode(PAYLOADS, 0, frame.head.count, raw))
    assert "its payload is not the one that the leaf commits to" in told(verify(log, KEYS))[0]


def test_without_payloads_nothing_is_said_about_them(tmp_path: Path) -> None:
    report = verify(small_log(tmp_path / "log"), KEYS, payloads=False)
    assert report.ok
    assert report.shards[0].payloads == {}


def test_an_entry_that_is_no_leaf_is_found(whole: WholeLog) -> None:
    whole.step(bare(b'{"type":"rumour","logged":1}'))
    assert "the entry is no leaf that this version knows" in told(verify(whole.close(), KEYS))[0]


def test_a_shard_that_is_missing_is_found_unless_its_removal_is_an_entry(tmp_path: Path) -> None:
    log = small_log(tmp_path / "log")
    shutil.rmtree(log / "2026-11")
    assert told(verify(log, KEYS)) == [
        "2026-11: the shard is missing, though 2026-12 follows it and nothing says that it was removed"
    ]


def test_a_shard_that_was_removed_after_its_time_is_not_missed(whole: WholeLog) -> None:
    whole.sign()
    signed = whole.log.last_signed
    assert signed is not None
    whole.now_us = DECEMBER_US
    whole.step(whole.events(3))
    whole.step(bare(log_leaves.retention_leaf("2026-11", signed.size, signed.root, DECEMBER_US)))
    remove_shard(DiskFiles(durable=False), whole.directory, "2026-11")
    assert verify(whole.close(), KEYS).ok


@pytest.mark.parametrize("entry", [0, 20])
def test_a_month_that_is_pruned_under_the_eyes_of_verify_is_not_missed(whole: WholeLog, entry: int) -> None:
    whole.step(whole.events(600))
    whole.sign()
    signed = whole.log.last_signed
    assert signed is not None
    whole.now_us = DECEMBER_US
    whole.step(whole.events(3))

    def prune(done: int, total: int) -> None:
        if done > entry and (whole.directory / "2026-11").exists():
            whole.step(bare(log_leaves.retention_leaf("2026-11", signed.size, signed.root, DECEMBER_US)))
            remove_shard(DiskFiles(durable=False), whole.directory, "2026-11")

    report = verify(whole.directory, KEYS, progress=prune)
    whole.log.close()
    assert report.findings == ()
    assert [shard.name for shard in report.shards] == ["2026-12"]


def test_a_month_that_is_taken_away_under_the_eyes_of_verify_is_missed(tmp_path: Path) -> None:
    log = small_log(tmp_path / "log")
    report = verify(log, KEYS, progress=lambda done, total: shutil.rmtree(log / "2026-11", ignore_errors=True))
    assert told(report) == [
        "2026-11: the shard is missing, though 2026-12 follows it and nothing says that it was removed"
    ]


def test_a_hold_must_be_the_one_that_the_log_has(whole: WholeLog) -> None:
    files = DiskFiles(durable=False)
    hold = Hold("h1", ("2026-11",), "kim", "dispute", NOVEMBER_US)
    whole.step(bare(log_leaves.hold_leaf(hold.hold, hold.shards, hold.actor, hold.reason, NOVEMBER_US)))
    place_hold(files, whole.directory, hold)
    log = whole.close()
    assert verify(log, KEYS).ok
    path = log / layout.HOLDS
    path.write_bytes(path.read_bytes().replace(b"dispute", b"nothing"))
    assert told(verify(log, KEYS)) == ["holds.jsonl: the hold 'h1' is not the one that the log has"]


@pytest.mark.parametrize(
    ("old", "new"), [(b"disp", b"dis\xff"), (b"}\n", b"}"), (b"}\n", b"}\r\n"), (b"000}", b"001}")]
)
def test_any_byte_of_the_holds_that_is_another_one_is_found(tmp_path: Path, old: bytes, new: bytes) -> None:
    log = small_log(tmp_path / "log")
    path = log / layout.HOLDS
    path.write_bytes(path.read_bytes().replace(old, new))
    (finding,) = verify(log, KEYS).findings
    assert finding.where.startswith("holds.jsonl")


def test_a_checkpoint_that_the_log_mentions_must_be_there(whole: WholeLog) -> None:
    root = sha256(b"").digest()
    whole.step(bare(log_leaves.checkpoint_leaf(8, root, NOVEMBER_US)))
    assert (
        "a checkpoint over 8 entries was signed, and is not among checkpoints" in told(verify(whole.close(), KEYS))[0]
    )


def test_an_older_checkpoint_put_in_place_of_the_last_is_found(whole: WholeLog) -> None:
    whole.sign()
    older = (whole.directory / "2026-11" / layout.CHECKPOINT).read_bytes()
    whole.step(whole.events(3))
    log = whole.close()
    (log / "2026-11" / layout.CHECKPOINT).write_bytes(older)
    assert "the checkpoint of size 8, though one of size 12 was signed" in told(verify(log, KEYS))[0]


def test_a_signature_of_an_unknown_key_beside_a_known_one_is_found(whole: WholeLog) -> None:
    log = whole.close()
    line = "\N{EM DASH} witness AAAAAGFiY2Q=\n".encode()
    for name in (layout.CHECKPOINT, layout.CHECKPOINTS):
        path = log / "2026-11" / name
        note, separator, rest = path.read_bytes().partition(b"--- ")
        path.write_bytes(note + line + separator + rest)
    assert "1 of its 2 signatures are of keys that are not known" in told(verify(log, KEYS))[0]


def test_what_an_interrupted_write_leaves_is_noted(whole: WholeLog) -> None:
    log = whole.close()
    (log / "2026-11" / "checkpoint.new").write_bytes(b"half")
    report = verify(log, KEYS)
    assert report.ok
    assert "left by a write that was interrupted" in noted(report)[0]


@pytest.mark.parametrize("name", [layout.HOLDS, layout.VERIFIERS])
def test_what_a_crash_leaves_of_a_file_beside_the_months_is_noted(whole: WholeLog, name: str) -> None:
    (whole.close() / f"{name}.new").write_bytes(b"half")
    report = verify(whole.directory, KEYS)
    assert report.ok
    assert noted(report) == [f"{name}.new: left by a write that was interrupted; the next one takes its place"]


@pytest.mark.parametrize(
    "name", ["tile/0/000.p/many", "tile/0/1", "tile/entries/000.p/0", "pack/000x", "segment/9", "\x1b[31m"]
)
def test_a_file_with_a_senseless_name_is_named(whole: WholeLog, name: str) -> None:
    shard = whole.close() / "2026-11"
    (shard / name).parent.mkdir(parents=True, exist_ok=True)
    (shard / name).write_bytes(b"x")
    (shard / "tile" / "0" / "000.p" / "8").unlink()
    assert {finding.where for finding in verify(whole.directory, KEYS).findings} == {
        f"2026-11/{name}", "2026-11/tile/0/000.p/8"
    }  # fmt: skip


def test_a_tile_that_grew_before_its_checkpoint_was_signed_is_noted(whole: WholeLog) -> None:
    """As a kill between the tiles and the signature leaves it."""
    whole.sign()
    older = {
        name: (whole.directory / "2026-11" / name).read_bytes() for name in (layout.CHECKPOINT, layout.CHECKPOINTS)
    }
    whole.step(whole.events(3))
    log = whole.close()
    for name, content in older.items():
        (log / "2026-11" / name).write_bytes(content)
    report = verify(log, KEYS)
    assert report.ok
    assert any("no checkpoint was signed yet" in note for note in noted(report))


@pytest.mark.slow
def test_a_log_that_grows_and_is_packed_under_the_eyes_of_verify_is_never_accused(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.start(), whole.settings())
    whole.sign()
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            whole.step(whole.events(997))
            whole.sign()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while whole.offset < 70_000:
            assert told(verify(whole.directory, KEYS)) == []
    finally:
        enough.set()
        writer.join()
        whole.log.close()


class Killed(BaseException):
    """The process ends here."""


class Dying(DiskFiles):
    """A disk whose process is killed before a file gets its name, or goes."""

    def __init__(self, after: int) -> None:
        super().__init__(durable=False)
        self.left = after

    def rename(self, old: Path, new: Path) -> None:
        self._live_on()
        super().rename(old, new)

    def remove(self, path: Path, *, durable: bool = False) -> None:
        self._live_on()
        super().remove(path, durable=durable)

    def _live_on(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 3, 5, 6, 7, 8, 40, 518, 525])
def test_an_agent_that_was_killed_while_it_packed_leaves_a_log_that_is_not_accused(
    nearly_full: tuple[Path, Recorded], tmp_path: Path, after: int
) -> None:
    full, recorded = nearly_full
    log = Path(shutil.copytree(full, tmp_path / "log"))
    whole = WholeLog(log, recorded=recorded, offset=65_000)
    whole.log.append(whole.events(900), NOVEMBER_US)
    whole.log.sync()
    whole.log._shard._files = Dying(after)  # type: ignore[assignment]
    whole.log._shard.full._files = whole.log._shard.loose._files = whole.log._shard._files
    with suppress(Killed):
        whole.log.recorded()
    whole.log.close()
    report = verify(log, KEYS)
    assert told(report) == []
    assert report.entries == 65_902


@pytest.fixture(scope="module")
def nearly_full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recorded]:
    """A log whose range wants 536 entries."""
    whole = WholeLog(tmp_path_factory.mktemp("full") / "log")
    whole.step(whole.events(65_000))
    log = whole.close()
    assert whole.recorded is not None
    return log, whole.recorded
