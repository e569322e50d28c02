"""Proofs for entries of a log that lies here: made from what was signed last, and checked before they are given away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from config.errors import ProofError
from exporters.evidence.note import Checkpoint, Verifier, verify
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.proofs import prove_inclusion
from exporters.evidence.reader import LogReader


class Proved(NamedTuple):
    """A proof that holds.

    Attributes:
        file: the proof; its ``extra`` are the bytes of the entry, so that the file needs no company.
        entry: the bytes that are proven; checkpoint: under which; signed_by: keys of its signatures.
    """

    file: ProofFile
    entry: bytes
    checkpoint: Checkpoint
    signed_by: tuple[Verifier, ...]


def prove_entry(reader: LogReader, verifiers: Sequence[Verifier], shard: str, index: int) -> Proved:
    """The proof of one entry under the last checkpoint of its shard.

    Raises:
        ProofError: no checkpoint covers the entry yet, or the log does not give the root that was signed.
        EvidenceError: the entry or the checkpoint cannot be read.
    """
    entry = reader.entry(shard, index)
    signed = reader.signed(shard, tuple(verifiers))
    if signed is None or index >= signed.size:
        size = 0 if signed is None else signed.size
        raise ProofError(
            f"{shard}, entry {index}: no checkpoint covers it yet, the last one covers {size} entries. "
            "The agent signs one every few seconds (log.cadence)"
        )
    hashes = prove_inclusion(index, signed.size, reader.hashes(shard))
    return check_proof(ProofFile(index, tuple(hashes), signed.note, entry), entry, verifiers)


def check_proof(file: ProofFile, entry: bytes | None, verifiers: Sequence[Verifier]) -> Proved:
    """Check a proof against the bytes of an entry; without them, against those that it carries.

    Raises:
        NoteError: the checkpoint in it does not verify.
        ProofError: the entry does not stand there, or there is none to check.
    """
    proven = file.extra if entry is None else entry
    if proven is None:
        raise ProofError("the proof does not carry the entry that it is about; give the entry's bytes in a file")
    checkpoint = file.check(proven, verifiers)
    return Proved(file, proven, checkpoint, verify(file.note, verifiers).signed_by)
