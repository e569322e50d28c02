"""What is sealed cannot hide: it stands only where the log says so, and is opened where its key is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.evidence import log_leaves
from exporters.evidence.bundle import export_bundle
from exporters.evidence.files import DiskFiles
from exporters.evidence.reader import LogReader
from exporters.evidence.retention import remove_shard
from exporters.evidence.seal import OVERHEAD_BYTES
from exporters.evidence.verify import verify
from tests.exporters.evidence.payload_edits import edit_payloads, sealed_as
from tests.exporters.evidence.whole_log import DECEMBER_US, SIGNER, OneKey, WholeLog, bare, small_log

KEYS = (SIGNER.verifier,)
GARBAGE = b"\xff" * 60
FIND_KEY = OneKey().find
PLAIN = b'{"log":{"payloads":"plain"}}'


def whole_log(path: Path, document: bytes = PLAIN, *, sealed: bool = False) -> Path:
    """Start, settings, a window, three events; and its directory."""
    whole = WholeLog(path / "log")
    whole.step(whole.start(), whole.settings(document), whole.window(), whole.events(3, sealed=sealed))
    return whole.close()


def told(log: Path) -> set[str]:
    return {finding.what for finding in verify(log, KEYS).findings}


def test_payloads_replaced_by_sealed_garbage_are_found_where_none_may_be_sealed(tmp_path: Path) -> None:
    log = whole_log(tmp_path)
    edit_payloads(log / "2026-11", sealed_as(GARBAGE, 4, 5, 6))
    (finding,) = verify(log, KEYS).findings
    assert finding.what == "its payload is sealed, though the settings in force did not say so"
    assert (finding.where.endswith("entry 4"), finding.more) == (True, 2)


def test_documents_are_never_sealed(tmp_path: Path) -> None:
    log = whole_log(tmp_path, b'{"log":{"payloads":"sealed"}}', sealed=True)
    assert told(log) == set()
    edit_payloads(log / "2026-11", sealed_as(GARBAGE, 3))
    assert told(log) == {"its payload is sealed, though only those of records ever are"}


def test_settings_that_are_replaced_do_not_say_what_may_be_sealed(tmp_path: Path) -> None:
    log = whole_log(tmp_path)
    edit_payloads(log / "2026-11", sealed_as(GARBAGE))
    assert "its payload is sealed, though only those of records ever are" in told(log)


def test_what_is_shorter_than_any_seal_is_none(tmp_path: Path) -> None:
    log = whole_log(tmp_path, b'{"log":{"payloads":"sealed"}}')
    edit_payloads(log / "2026-11", sealed_as(b"x" * OVERHEAD_BYTES, 5))
    assert told(log) == {"its payload is too short to be a sealed one"}


def test_before_any_settings_nothing_is_sealed(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.start(), whole.events(2, sealed=True))
    assert told(whole.close()) == {"its payload is sealed, though the settings in force did not say so"}


@pytest.mark.parametrize(("last", "sound"), [(b'{"log":{"payloads":"sealed"}}', True), (PLAIN, False), (b"{}", False)])
def test_the_settings_in_force_decide(tmp_path: Path, last: bytes, sound: bool) -> None:
    whole = WholeLog(tmp_path / "log")
    first = PLAIN if sound else b'{"log":{"payloads":"sealed"}}'
    whole.step(whole.settings(first), whole.settings(last), whole.events(3, sealed=True))
    assert verify(whole.close(), KEYS).ok is sound


def test_where_the_settings_stand_in_a_month_that_is_gone_either_may_be(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.start(), whole.settings(), whole.events(3, sealed=True))
    whole.sign()
    signed = whole.log.last_signed
    assert signed is not None
    whole.now_us = DECEMBER_US
    whole.step(whole.events(3, sealed=True))
    whole.step(bare(log_leaves.retention_leaf("2026-11", signed.size, signed.root, DECEMBER_US)))
    remove_shard(DiskFiles(durable=False), whole.directory, "2026-11")
    assert verify(whole.close(), KEYS).findings == ()


def test_with_their_keys_sealed_payloads_are_opened_and_compared(tmp_path: Path) -> None:
    report = verify(small_log(tmp_path / "log"), KEYS, find_key=FIND_KEY)
    assert report.findings == ()
    assert report.notes == ()
    assert [shard.payloads.get("opened") for shard in report.shards] == [40, 90]
    assert not any("sealed" in shard.payloads for shard in report.shards)


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (bytes(60), "its sealed payload is not what was written: its key does not open it"),
        (GARBAGE, "its payload is sealed under a key that the state does not have"),
    ],
)
def test_with_the_keys_a_sealed_payload_that_was_replaced_is_found(tmp_path: Path, blob: bytes, said: str) -> None:
    log = whole_log(tmp_path, b'{"log":{"payloads":"sealed"}}', sealed=True)
    edit_payloads(log / "2026-11", sealed_as(blob, 5))
    assert verify(log, KEYS).ok  # what no key is here for cannot be told
    (finding,) = verify(log, KEYS, find_key=FIND_KEY).findings
    assert finding.what.startswith(said)
    assert "entry 5" in finding.where


def test_with_the_keys_the_sealed_payload_of_another_entry_is_found(tmp_path: Path) -> None:
    log = whole_log(tmp_path, b'{"log":{"payloads":"sealed"}}', sealed=True)
    other = next(LogReader(log).payloads("2026-11", 4)).data
    assert other is not None
    edit_payloads(log / "2026-11", sealed_as(other, 5))
    assert not verify(log, KEYS, find_key=FIND_KEY).ok


def test_an_entry_that_is_not_signed_yet_may_have_a_key_that_the_state_has_not(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.settings())
    whole.sign()
    whole.step(whole.events(3, sealed=True))
    whole.log.close()
    assert verify(whole.directory, KEYS, find_key=lambda key_id: None).ok


def test_an_export_may_be_older_than_an_erasure(tmp_path: Path) -> None:
    reader = LogReader(small_log(tmp_path / "log"))
    export_bundle(reader, KEYS, reader.shards(), tmp_path / "out", "packs", payloads=True)
    report = verify(tmp_path / "out", KEYS, find_key=lambda key_id: None)
    assert report.findings == ()
    assert ["the person was erased since" in note.what for note in report.notes] == [True, True]
