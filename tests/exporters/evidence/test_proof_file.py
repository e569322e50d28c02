from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import EvidenceError, NoteError, ProofError
from exporters.evidence.note import Checkpoint, Signer, sign_checkpoint
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.tree import fold, leaf_hashes
from tests.exporters.evidence import naive

SIGNER = Signer("example.com/watch", bytes(range(32)))
KNOWN = [SIGNER.verifier]
ORIGIN = "example.com/watch/2026-11"
ENTRIES = [b"entry %d" % number for number in range(75)]
LEAVES = leaf_hashes(ENTRIES)
NOTE = sign_checkpoint(Checkpoint(ORIGIN, len(LEAVES), fold(LEAVES)), SIGNER)
PROOF = ProofFile(73, tuple(naive.inclusion(73, LEAVES)), NOTE)
FILE = PROOF.to_bytes()


def test_a_proof_file_is_text_as_the_standard_lays_it_out() -> None:
    lines = replace(PROOF, extra=b"more").to_bytes().decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 73"]
    assert [len(line) for line in lines[3:6]] == [44, 44, 44]
    blank = lines.index("")
    assert blank == 3 + len(PROOF.hashes)
    assert "\n".join(lines[blank + 1 :]).encode() == NOTE


def test_without_extra_data_there_is_no_such_line() -> None:
    assert FILE.startswith(b"c2sp.org/tlog-proof@v1\nindex 73\n")


@given(st.integers(0, 74), st.none() | st.binary(max_size=50))
def test_every_entry_is_proven_by_its_file(index: int, extra: bytes | None) -> None:
    proof = ProofFile(index, tuple(naive.inclusion(index, LEAVES)), NOTE, extra)
    again = ProofFile.parse(proof.to_bytes())
    assert again == proof
    assert again.check(ENTRIES[index], KNOWN, ORIGIN).size == 75


def test_the_only_entry_of_a_log_needs_no_hashes() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, LEAVES[0]), SIGNER)
    again = ProofFile.parse(ProofFile(0, (), note).to_bytes())
    assert again.check(ENTRIES[0], KNOWN).root == LEAVES[0]


def test_another_entry_is_not_proven() -> None:
    with pytest.raises(ProofError, match="the proof of entry 73 leads to the root"):
        PROOF.check(ENTRIES[72], KNOWN)


def test_a_proof_of_another_log_is_refused() -> None:
    with pytest.raises(NoteError, match=r"not of 'example\.com/watch/2026-12'"):
        PROOF.check(ENTRIES[73], KNOWN, "example.com/watch/2026-12")


def test_a_proof_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(NoteError, match="no known key signed"):
        PROOF.check(ENTRIES[73], [Signer.generate("example.com/watch").verifier])


def test_any_flipped_bit_of_a_proof_file_is_found() -> None:
    for position in range(8 * len(FILE)):
        changed = bytearray(FILE)
        changed[position // 8] ^= 1 << (position % 8)
        with pytest.raises(EvidenceError):
            ProofFile.parse(bytes(changed)).check(ENTRIES[73], KNOWN)


def test_any_cut_proof_file_is_refused() -> None:
    for end in range(len(FILE)):
        with pytest.raises(EvidenceError):
            ProofFile.parse(FILE[:end]).check(ENTRIES[73], KNOWN)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_proof_error(data: bytes) -> None:
    with pytest.raises(ProofError):
        ProofFile.parse(data)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"c2sp.org/tlog-proof@v2\nindex 1", "line 1 of a proof reads"),
        (b"c2sp.org/tlog-proof@v1", "no line that reads: index NUMBER"),
        (b"c2sp.org/tlog-proof@v1\nindex 01", "not a decimal number"),
        (b"c2sp.org/tlog-proof@v1\nindex  1", "not a decimal number"),
        (b"c2sp.org/tlog-proof@v1\nindex 1 ", "not a decimal number"),
        (b"c2sp.org/tlog-proof@v1\nextra AA\nindex 1", "extra data in line 2 is not base64"),
        (b"c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 1", "no line that reads: index NUMBER"),
        (b"c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA", "is not base64"),
        (b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA", "a hash in the proof has 3 bytes"),
        (b"c2sp.org/tlog-proof@v1\nindex 1" + b"\nAAAA" * 64, "64 hashes"),
        (b"c2sp.org/tlog-proof@v1\nindex 1\n\xff", "not ASCII text at byte"),
    ],
)
def test_a_malformed_head_is_refused_with_its_fault(head: bytes, what: str) -> None:
    with pytest.raises(ProofError, match=what):
        ProofFile.parse(head + b"\n\n" + NOTE)


def test_a_file_without_a_checkpoint_is_refused() -> None:
    with pytest.raises(ProofError, match="no blank line with a checkpoint behind it"):
        ProofFile.parse(b"c2sp.org/tlog-proof@v1\nindex 1\n")
