"""The proof that one entry stands in a log, as a file that verifies offline: C2SP tlog-proof v1.

    c2sp.org/tlog-proof@v1
    extra <base64>              optional, opaque, not vouched for by the proof
    index 73894
    <base64 hash>               the inclusion proof, from the leaf's sibling upwards, one hash a line
    ...

    example.com/watch/2026-11   the signed checkpoint, as it stands
    ...

Who has the entry's bytes, this file and the log's public key needs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.errors import NoteError, ProofError
from exporters.evidence.note import Checkpoint, Verifier, open_checkpoint
from exporters.evidence.proofs import check_inclusion
from exporters.evidence.spelling import decode_base64, decode_number, encode_base64
from exporters.evidence.tree import HASH_BYTES, leaf_hash

SUFFIX = ".tlog-proof"
MAX_PROOF_HASHES = 63
"""A tree of fewer than 2^63 leaves is no higher."""

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True)
class ProofFile:
    """What a proof file holds.

    Attributes:
        index: number of the entry in its log, from 0.
        hashes: the inclusion proof, each 32 bytes, from the leaf's sibling upwards.
        note: the signed checkpoint, verbatim.
        extra: opaque bytes for the reader, which nothing vouches for.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + encode_base64(self.extra))
        lines.append(f"{_INDEX}{self.index}")
        lines += map(encode_base64, self.hashes)
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @classmethod
    def parse(cls, data: bytes) -> ProofFile:
        """Return what a proof file holds; the note in it is checked by ``check``.

        Raises:
            ProofError: it is no proof file; the line is named.
        """
        head, blank_line, note = data.partition(b"\n\n")
        if not blank_line:
            raise ProofError("the proof has no blank line with a checkpoint behind it: it was cut off")
        try:
            index, hashes, extra = _parse_head(head.decode("ascii"))
        except UnicodeDecodeError as error:
            raise ProofError(f"the proof is not ASCII text at byte {error.start}") from None
        except NoteError as error:
            raise ProofError(f"the proof is malformed: {error}") from None
        return cls(index, hashes, note, extra)

    def check(self, entry: bytes, verifiers: Sequence[Verifier], origin: str | None = None) -> Checkpoint:
        """Return the checkpoint that proves the entry to stand at ``index`` in the log.

        Args:
            entry: the bytes of the entry, as the log holds them.
            verifiers: keys of the log that the reader trusts.
            origin: the log it should be; ``None`` takes any that these keys sign.

        Raises:
            NoteError: the checkpoint is malformed, of another log, or no known key signed it.
            ProofError: the entry does not stand there.
        """
        checkpoint = open_checkpoint(self.note, verifiers, origin)
        check_inclusion(leaf_hash(entry), self.index, checkpoint.size, checkpoint.root, self.hashes)
        return checkpoint


def _parse_head(text: str) -> tuple[int, tuple[bytes, ...], bytes | None]:
    header, *lines = text.split("\n")
    if header != _HEADER:
        raise ProofError(f"line 1 of a proof reads {_HEADER}, not {header[:60]!r}")
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA), "extra data in line 2")
    if not lines or not lines[0].startswith(_INDEX):
        raise ProofError("the proof has no line that reads: index NUMBER")
    index = decode_number(lines[0].removeprefix(_INDEX), "index of the entry")
    if len(lines) - 1 > MAX_PROOF_HASHES:
        raise ProofError(f"the proof has {len(lines) - 1} hashes; no tree is higher than {MAX_PROOF_HASHES}")
    return index, tuple(map(_parse_hash, lines[1:])), extra


def _parse_hash(line: str) -> bytes:
    found = decode_base64(line, "hash in the proof")
    if len(found) != HASH_BYTES:
        raise ProofError(f"a hash in the proof has {len(found)} bytes; SHA-256 has {HASH_BYTES}")
    return found
