"""Who holds one key of a log verifies what the log leads to from it, and nothing that a stranger has signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.evidence.entries import Entries
from exporters.evidence.findings import Report
from exporters.evidence.keys import add_verifier, read_verifiers
from exporters.evidence.leaves import stop_leaf
from exporters.evidence.log_leaves import key_leaf
from exporters.evidence.note import Signer, sign
from exporters.evidence.recorded import Recorded
from exporters.evidence.verify import verify
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import DECEMBER_US, NAME, NOW_US, SIGNER, step

SECOND, THIRD, STRANGER = (Signer(NAME, bytes([n]) * 32) for n in (2, 3, 4))


def write(
    directory: Path,
    recorded: Recorded | None,
    leaf: bytes,
    signer: Signer,
    successor: Signer | None = None,
    now_us: int = NOW_US,
) -> Recorded:
    """Open the log, add a leaf, sign it, and close the log."""
    log = EvidenceLog.open(directory, signer, recorded, now_us, name=NAME, successor=successor)
    recorded = step(log, Entries([leaf], [None], bytes(32)), now_us)
    log.publish(now_us)
    log.close()
    return recorded


def exchange(directory: Path, recorded: Recorded, old: Signer, new: Signer, now_us: int = NOW_US) -> Recorded:
    return write(directory, recorded, key_leaf(str(old.verifier), str(new.verifier), "kim", now_us), old, new, now_us)


@pytest.fixture
def begun(tmp_path: Path) -> Recorded:
    """A log that one key has signed, in ``tmp_path``."""
    return write(tmp_path, None, stop_leaf(NOW_US, "stopped"), SIGNER)


def checked(directory: Path, *signers: Signer, kept: bytes | None = None) -> Report:
    return verify(directory, [signer.verifier for signer in signers], kept=kept)


def whats(report: Report) -> str:
    return "\n".join(str(finding) for finding in report.findings)


def test_the_key_of_the_beginning_verifies_what_was_signed_by_those_that_followed(
    tmp_path: Path, begun: Recorded
) -> None:
    recorded = exchange(tmp_path, begun, SIGNER, SECOND)
    recorded = write(tmp_path, recorded, stop_leaf(NOW_US, "again"), SECOND)
    recorded = exchange(tmp_path, recorded, SECOND, THIRD, DECEMBER_US)
    write(tmp_path, recorded, stop_leaf(DECEMBER_US, "again"), THIRD, now_us=DECEMBER_US)
    kept = (tmp_path / "2026-12/checkpoint").read_bytes()
    assert checked(tmp_path, SIGNER, kept=kept).findings == ()
    assert checked(tmp_path, SIGNER, SECOND, THIRD, kept=kept).findings == ()


def test_a_later_key_does_not_vouch_for_what_was_signed_before_it(tmp_path: Path, begun: Recorded) -> None:
    exchange(tmp_path, begun, SIGNER, SECOND)
    assert "no known key signed the note" in whats(checked(tmp_path, SECOND))


def test_a_key_that_lies_beside_the_log_and_that_no_entry_names_is_not_trusted(tmp_path: Path, begun: Recorded) -> None:
    write(tmp_path, begun, stop_leaf(NOW_US, "again"), STRANGER)
    assert STRANGER.verifier in read_verifiers(tmp_path / "log.vkey")
    found = whats(checked(tmp_path, SIGNER))
    assert "no entry under a checkpoint of a known key names it" in found
    assert STRANGER.verifier.key_id.hex() in found


def test_an_entry_that_no_known_key_has_signed_leads_to_no_other(tmp_path: Path, begun: Recorded) -> None:
    named = key_leaf(str(SIGNER.verifier), str(STRANGER.verifier), "kim", NOW_US)
    write(tmp_path, begun, named, STRANGER)
    assert "no entry under a checkpoint of a known key names it" in whats(checked(tmp_path, SIGNER))


def test_a_signature_that_a_stranger_added_is_found(tmp_path: Path, begun: Recorded) -> None:
    add_verifier(tmp_path / "log.vkey", STRANGER.verifier)
    path = tmp_path / "2026-11/checkpoint"
    note = path.read_bytes()
    both = sign(note.rpartition(b"\n\n")[0].decode() + "\n", SIGNER, STRANGER)
    path.write_bytes(both)
    heads = tmp_path / "2026-11/checkpoints"
    heads.write_bytes(heads.read_bytes().replace(note, both))
    assert "not all its keys are known" in whats(checked(tmp_path, SIGNER))


def test_keys_beside_the_log_that_cannot_be_read_leave_those_that_were_given(tmp_path: Path, begun: Recorded) -> None:
    (tmp_path / "log.vkey").write_text("nonsense\n")
    report = checked(tmp_path, SIGNER)
    assert [finding.where for finding in report.findings] == ["log.vkey"]
