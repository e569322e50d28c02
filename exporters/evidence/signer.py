"""Keys that sign notes, and those that verify them: Ed25519 (RFC 8032), signature type 0x01 of C2SP signed-note.

Keys are written as Go's ``golang.org/x/mod/sumdb/note`` writes them, and read only in that one spelling:

    public    NAME+ID+BASE64(0x01 || key)
    private   PRIVATE+KEY+NAME+ID+BASE64(0x01 || seed)
    ID        first 4 bytes, as 8 hex digits, of SHA-256(NAME || 0x0A || 0x01 || public key)
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.errors import NoteError
from exporters.evidence.spelling import encode_base64

ID_BYTES = 4

_ED25519 = b"\x01"
_KEY_BYTES = 32
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name.

    Attributes:
        name: who signs; without spaces and without ``+``.
        key: the Ed25519 public key, 32 bytes (RFC 8032).

    Raises:
        NoteError: the name is not allowed, or the key has another length.
    """

    name: str
    key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_length(self.name, self.key)

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, tell keys apart in a note."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """The key as a line of ``log.vkey``."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(_ED25519 + self.key)}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Return the key that a vkey text holds.

        Raises:
            NoteError: it is malformed, of another algorithm, or its id does not belong to it.
        """
        verifier = cls(*_parse_key(vkey, "verifier key, which reads NAME+ID+BASE64"))
        if str(verifier) != vkey:
            raise NoteError(f"the verifier key of {verifier.name!r} has an id that is not its own: it was changed")
        return verifier

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature, 64 bytes without the key id, is this key's signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under a name; it does not print.

    Attributes:
        name: as in ``Verifier``.
        seed: the Ed25519 private key, 32 bytes (RFC 8032).
    """

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_length(self.name, self.seed)

    @classmethod
    def generate(cls, name: str) -> Signer:
        """Return a new key from the operating system's randomness.

        Raises:
            NoteError: the name is empty or has a space or ``+`` in it.
        """
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, skey: str) -> Signer:
        """Return the key that a skey text holds; errors never show the key.

        Raises:
            NoteError: it is malformed, of another algorithm, or its id does not belong to it.
        """
        what = "signing key, which reads PRIVATE+KEY+NAME+ID+BASE64"
        if not skey.startswith(_PRIVATE):
            raise NoteError(f"this is no {what}")
        signer = cls(*_parse_key(skey.removeprefix(_PRIVATE), what))
        if signer.secret_text() != skey:
            raise NoteError(f"the signing key of {signer.name!r} has an id that is not its own: it was changed")
        return signer

    def secret_text(self) -> str:
        """Return the private key as its file holds it."""
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{encode_base64(_ED25519 + self.seed)}"

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        return Verifier(self.name, self._private_key().public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the signature of the text, 64 bytes."""
        return self._private_key().sign(text)

    def _private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def check_name(name: str) -> None:
    """Refuse a name that signed-note does not allow, or that would break the note it stands in.

    Raises:
        NoteError: it is empty, or holds a space, a control character or ``+``.
    """
    if not name or any(map(_is_forbidden, name)):
        raise NoteError(f"{name[:60]!r} is no key name: choose one without spaces and plus, such as example.com/watch")


def _is_forbidden(character: str) -> bool:
    surrogate = "\ud800" <= character <= "\udfff"  # has no UTF-8
    return character.isspace() or character < " " or character == "+" or surrogate


def _check_length(name: str, key: bytes) -> None:
    if len(key) != _KEY_BYTES:
        raise NoteError(f"the key of {name!r} has {len(key)} bytes; an Ed25519 key has {_KEY_BYTES}")


def _parse_key(text: str, what: str) -> tuple[str, bytes]:
    """Name and key bytes of NAME+ID+BASE64; errors show neither, the key may be private."""
    name, _, rest = text.partition("+")
    _, _, spelled = rest.partition("+")
    try:
        typed = base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"this is no {what}") from None
    if not typed.startswith(_ED25519):
        raise NoteError(f"this is no {what}, of an Ed25519 key")
    return name, typed[len(_ED25519) :]
