"""``bundle.json``: what an export holds, and so what a reader of one may not miss."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from config.errors import EvidenceError
from exporters.evidence import layout

DOCUMENTS = "documents"
PROOFS = "proofs"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An export.

    Attributes:
        version: of this format.
        layout: how entries lie there; payloads: whether payloads do.
        shards: entries of each; documents: SHA-256, in hexadecimal, by name.
        proofs: names of their files; readme: SHA-256, in hexadecimal, of the page for readers.
    """

    layout: Literal["tiles", "packs"]
    payloads: bool
    shards: dict[str, int]
    documents: dict[str, str]
    proofs: list[str]
    readme: str
    version: Literal[1] = 1

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_manifest(directory: Path) -> Manifest | None:
    """What an export says of itself; ``None`` for a log, which has no such file.

    Raises:
        EvidenceError: the file cannot be read.
    """
    path = directory / layout.BUNDLE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path}: does not say what was exported ({error}); export anew") from None
