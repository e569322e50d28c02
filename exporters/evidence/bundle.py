"""Exports: a part of a log that others verify without this program.

    log.vkey                   public keys
    README.txt                 how to verify, in one page
    bundle.json                what was exported, and the SHA-256 of each document and of the page
    documents/                 settings and references that were in force, from their entries
    proofs/                    C2SP tlog-proofs of the entries that say so, and of starts
    <shard>/checkpoint         the signed head, and in ``checkpoints`` all of them
    <shard>/tile/...           C2SP tlog-tiles of the signed size: all of them (layout ``tiles``), or those above the packs
    <shard>/pack, segment      entries, compressed (layout ``packs``)
    <shard>/payload            payloads, only where asked for

Only what is signed is exported, and it is checked on the way: an export of a damaged log fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from config.errors import EvidenceError, NoteError
from exporters.evidence import layout
from exporters.evidence.bundle_manifest import DOCUMENTS, PROOFS, Manifest
from exporters.evidence.bundle_readme import readme
from exporters.evidence.bundle_shard import export_packs, export_tiles
from exporters.evidence.commitment import DOCUMENT
from exporters.evidence.heads import Signed
from exporters.evidence.leaf import Reference, Settings, Start, read_leaf
from exporters.evidence.note import Verifier
from exporters.evidence.proof_file import SUFFIX
from exporters.evidence.prove import prove_entry
from exporters.evidence.reader import LogReader

Layout = Literal["tiles", "packs"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds.

    Attributes:
        shards: with the entries of each; documents, proofs: names of their files.
    """

    shards: dict[str, int]
    documents: list[str]
    proofs: list[str]


def export_bundle(
    reader: LogReader,
    verifiers: Sequence[Verifier],
    shards: Sequence[str],
    out: Path,
    form: Layout,
    *,
    payloads: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Write an export of some shards into a directory that is new or empty.

    Args:
        verifiers: keys that the heads must verify with; they go into ``log.vkey``.
        progress: told entries done and entries in all.

    Raises:
        EvidenceError: the directory holds something, a shard is not signed, or the log is damaged.
    """
    if out.exists() and any(out.iterdir()):
        raise EvidenceError(
            f"{out}: the directory is not empty; name a new one, so that nothing foreign is in an export"
        )
    heads = [_head(reader, verifiers, shard) for shard in shards]
    out.mkdir(parents=True, exist_ok=True)
    (out / layout.VERIFIERS).write_text("".join(f"{verifier}\n" for verifier in verifiers))
    done, total = 0, sum(head.size for head in heads)
    for head in heads:
        export = export_tiles if form == "tiles" else export_packs
        for count in export(reader, head, out / head.shard, payloads=payloads):
            done += count
            progress(done, total)
    documents, proofs = _write_documents(reader, verifiers, heads, out)
    exported = Exported({head.shard: head.size for head in heads}, sorted(documents), proofs)
    page = readme(heads, verifiers, form, payloads=payloads).encode()
    manifest = Manifest(form, payloads, exported.shards, documents, proofs, sha256(page).hexdigest())
    (out / layout.BUNDLE).write_bytes(manifest.to_bytes())
    (out / layout.BUNDLE_README).write_bytes(page)
    return exported


def _head(reader: LogReader, verifiers: Sequence[Verifier], shard: str) -> Signed:
    head = reader.signed(shard, tuple(verifiers))
    if head is None:
        raise NoteError(f"{reader.path(shard)}: nothing of it is signed yet, so nothing can be exported")
    return head


def _write_documents(
    reader: LogReader, verifiers: Sequence[Verifier], heads: Sequence[Signed], out: Path
) -> tuple[dict[str, str], list[str]]:
    """Write settings and references, and the proofs of the entries that name them; SHA-256 by name, and names."""
    documents: dict[str, str] = {}
    proofs = []
    for shard, index, kind, digest in _named(reader, heads):
        name = f"{kind}-{shard}-{index}"
        _put(out / PROOFS / f"{name}{SUFFIX}", prove_entry(reader, verifiers, shard, index).file.to_bytes())
        proofs.append(f"{name}{SUFFIX}")
        document = None if digest is None else _document(reader, shard, index)
        if document is not None:
            file = f"{name}.json" if kind == "settings" else name
            _put(out / DOCUMENTS / file, document)
            documents[file] = sha256(document).hexdigest()
    return documents, proofs


def _named(reader: LogReader, heads: Sequence[Signed]) -> Iterator[tuple[str, int, str, str | None]]:
    """Entries of settings, references and starts: shard, index, kind and digest."""
    needles = (b'"type":"settings"', b'"type":"reference"', b'"type":"start"')
    for head in heads:
        for index, entry in enumerate(reader.entries(head.shard, 0, head.size)):
            if not entry.startswith(tuple(b"{" + needle for needle in needles)):
                continue
            leaf = read_leaf(entry, f"{reader.path(head.shard)}, entry {index}")
            if isinstance(leaf, Settings | Reference):
                yield head.shard, index, "settings" if isinstance(leaf, Settings) else "reference", leaf.new
            elif isinstance(leaf, Start):
                yield head.shard, index, "start", None


def _document(reader: LogReader, shard: str, index: int) -> bytes | None:
    for payload in reader.payloads(shard, index, index + 1):
        if payload.state == "plain" and payload.data is not None:
            return payload.data.removeprefix(DOCUMENT)
    return None


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
