"""Signed notes and checkpoints: C2SP signed-note v1.0.0 and tlog-checkpoint.

A note is text that ends in a newline, a blank line, and one line a signature: name, and base64 of key id and signature.
A checkpoint is a note whose text is origin, size of the tree and root:

    example.com/watch/2026-11
    70000
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/watch Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+...

What is read is read strictly: one text has one spelling, so nothing can be changed and still verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.errors import NoteError
from exporters.evidence.signer import ID_BYTES, Signer, Verifier, check_name
from exporters.evidence.spelling import MAX_NUMBER, decode_base64, decode_number, encode_base64
from exporters.evidence.tree import HASH_BYTES

__all__ = ["Checkpoint", "Note", "Signer", "Verifier", "open_checkpoint", "sign", "sign_checkpoint", "verify"]

MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000

_SIGNATURE_PREFIX = "— "


@dataclass(frozen=True, slots=True)
class Note:
    """A note of which at least one signature verified.

    Attributes:
        text: what was signed, with its last newline.
        signed_by: the known keys whose signature verified, in the note's order.
    """

    text: str
    signed_by: tuple[Verifier, ...]


def sign(text: str, *signers: Signer) -> bytes:
    """Return the text as a note, signed by every signer; while a key is exchanged, by the old and the new one.

    Raises:
        NoteError: no signer, no newline at the end, or a control character in the text.
    """
    if not signers:
        raise NoteError("a note needs at least one signer")
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends with a newline")
    body = text.encode()
    _check_characters(text)
    lines = [_signature_line(signer, body) for signer in signers]
    return body + b"\n" + "".join(lines).encode()


def _signature_line(signer: Signer, body: bytes) -> str:
    return f"{_SIGNATURE_PREFIX}{signer.name} {encode_base64(signer.verifier.key_id + signer.sign(body))}\n"


def verify(note: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Return the note if a known key signed it. Signatures of unknown keys are passed over, as the standard demands.

    Raises:
        NoteError: the note is malformed, a known key's signature is wrong, or no known key signed it.
    """
    text, lines = _split(note)
    body = text.encode()
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed_by: dict[Verifier, None] = {}
    for name, signed in [_parse_signature(line) for line in lines]:
        verifier = known.get((name, signed[:ID_BYTES]))
        if verifier is None:
            continue
        if not verifier.verify(body, signed[ID_BYTES:]):
            raise NoteError(f"the signature by {name}+{verifier.key_id.hex()} is wrong: the note was changed")
        signed_by[verifier] = None
    if not signed_by:
        wanted = ", ".join(f"{verifier.name}+{verifier.key_id.hex()}" for verifier in verifiers) or "none given"
        raise NoteError(f"no known key signed the note; known: {wanted}")
    return Note(text, tuple(signed_by))


def text_of(note: bytes) -> str:
    """The text of a note, whoever signed it: what it says, not what is so.

    Raises:
        NoteError: the note is malformed.
    """
    return _split(note)[0]


def _split(note: bytes) -> tuple[str, list[str]]:
    """Text, with its last newline, and signature lines of a note, without theirs."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError(f"a note of {len(note)} bytes; {MAX_NOTE_BYTES} are the most that is read")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"the note is not UTF-8 at byte {error.start}") from None
    _check_characters(whole)
    text, blank_line, signatures = whole.rpartition("\n\n")
    if not blank_line:
        raise NoteError("the note has no blank line between text and signatures")
    if not signatures.endswith("\n"):
        raise NoteError("the note does not end with a signature line and its newline: it was cut off, or never signed")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"a note with {len(lines)} signatures; {MAX_SIGNATURES} are the most that are read")
    return text + "\n", lines


def _check_characters(text: str) -> None:
    for position, character in enumerate(text):
        if character < " " and character != "\n":
            raise NoteError(f"the note has the control character {character!r} at position {position}")


def _parse_signature(line: str) -> tuple[str, bytes]:
    """Name, and key id with signature, of a signature line."""
    if not line.startswith(_SIGNATURE_PREFIX):
        raise NoteError(f"not a signature line, which begins with an em dash and a space: {line[:60]!r}")
    name, _, spelled = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    check_name(name)
    signed = decode_base64(spelled, f"signature by {name}")
    if len(signed) <= ID_BYTES:
        raise NoteError(f"the signature by {name} has no bytes behind its key id")
    return name, signed


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: what its signer vouches for.

    Attributes:
        origin: the identity of the log, its first line.
        size: number of entries.
        root: root of the tree over them, 32 bytes.
        extensions: further lines, opaque; this log writes none.

    Raises:
        NoteError: a line is empty or holds a newline, the size is out of range, or the root has another length.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise NoteError(f"a line of a checkpoint is not empty and has no newline in it: {line[:60]!r}")
            _check_characters(line)
        if not 0 <= self.size <= MAX_NUMBER:
            raise NoteError(f"a tree of {self.size} entries; the size is from 0 to {MAX_NUMBER}")
        if len(self.root) != HASH_BYTES:
            raise NoteError(f"a root of {len(self.root)} bytes; SHA-256 has {HASH_BYTES}")

    def text(self) -> str:
        """Return the text to be signed."""
        return "\n".join((self.origin, str(self.size), encode_base64(self.root), *self.extensions)) + "\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint that the text of a note is.

        Raises:
            NoteError: it is not one.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1]:
            raise NoteError("a checkpoint has the lines origin, size and root, each with its newline")
        origin, size, root, *extensions = lines[:-1]
        return cls(
            origin,
            decode_number(size, "size in the checkpoint"),
            decode_base64(root, "root in the checkpoint"),
            tuple(extensions),
        )


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Return the checkpoint as a signed note. The signer must never sign two heads that are inconsistent."""
    return sign(checkpoint.text(), *signers)


def open_checkpoint(note: bytes, verifiers: Sequence[Verifier], origin: str | None = None) -> Checkpoint:
    """Return the checkpoint in a note that a known key signed and, where given, that is of this origin.

    Raises:
        NoteError: as ``verify`` and ``Checkpoint.parse``, or the checkpoint is of another log.
    """
    checkpoint = Checkpoint.parse(verify(note, verifiers).text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError(f"the checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint
