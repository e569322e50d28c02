"""What lies in the directory of a log, or of an export, beside its shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from config.errors import EvidenceError, NoteError, ProofError
from exporters.evidence import layout
from exporters.evidence.bundle_manifest import DOCUMENTS, PROOFS, Manifest
from exporters.evidence.findings import Findings
from exporters.evidence.keys import read_verifiers
from exporters.evidence.note import Verifier
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.prove import check_proof

_FILES = frozenset((layout.VERIFIERS, layout.LOCK, layout.HOLDS))
_BEING_WRITTEN = frozenset(name + layout.FRESH for name in (layout.VERIFIERS, layout.HOLDS))
_OF_EXPORT = frozenset((layout.VERIFIERS, layout.BUNDLE, layout.BUNDLE_README, DOCUMENTS, PROOFS))


def check_directory(
    directory: Path, manifest: Manifest | None, verifiers: Sequence[Verifier], findings: Findings
) -> None:
    """Only what belongs to a log, or to an export, lies there; page, documents and proofs of an export are sound."""
    known = _FILES if manifest is None else _OF_EXPORT
    for path in sorted(directory.iterdir()):
        if path.is_dir() and path.name.endswith(layout.GONE):
            findings.note(path, "left of a shard whose removal was interrupted; the agent removes it")
        elif path.is_file() and path.name in _BEING_WRITTEN and manifest is None:
            findings.note(path, "left by a write that was interrupted; the next one takes its place")
        elif not (path.name in known or (path.is_dir() and layout.is_shard(path.name))):
            findings.add(path, "no file of the log; nothing of this name belongs here")
    _check_keys(directory / layout.VERIFIERS, findings)
    if manifest is not None:
        _check_pages(directory, manifest, findings)
        _check_documents(directory / DOCUMENTS, manifest, findings)
        _check_proofs(directory / PROOFS, manifest, verifiers, findings)


def check_listed(directory: Path, manifest: Manifest, sizes: Mapping[str, int], findings: Findings) -> None:
    """An export holds the months that it lists, with their entries, and no others.

    Args:
        sizes: entries of each shard that is there.
    """
    path = directory / layout.BUNDLE
    for shard, size in manifest.shards.items():
        if shard not in sizes:
            findings.add(path, f"lists shard {shard} with {size} entries, which is not here")
        elif sizes[shard] != size:
            findings.add(path, f"lists {size} entries of {shard}, {sizes[shard]} are here")
    for shard in sorted(sizes.keys() - manifest.shards.keys()):
        findings.add(directory / shard, f"{layout.BUNDLE} does not list this shard")


def _check_keys(path: Path, findings: Findings) -> None:
    try:
        spelled = "".join(f"{verifier}\n" for verifier in read_verifiers(path))
    except EvidenceError as error:
        findings.add(path, str(error).removeprefix(f"{path}: "))
    else:
        if path.read_bytes() != spelled.encode():
            findings.add(path, "holds more than one key a line")


def _check_pages(directory: Path, manifest: Manifest, findings: Findings) -> None:
    bundle, page = directory / layout.BUNDLE, directory / layout.BUNDLE_README
    if bundle.read_bytes() != manifest.to_bytes():
        findings.add(bundle, "is not spelled as it was exported")
    if not page.is_file():
        findings.add(page, "the file is missing")
    elif sha256(page.read_bytes()).hexdigest() != manifest.readme:
        findings.add(page, f"the page is not the one that was exported: its digest is not in {layout.BUNDLE}")


def _check_documents(folder: Path, manifest: Manifest, findings: Findings) -> None:
    for name in _names(folder, manifest.documents, findings):
        if sha256((folder / name).read_bytes()).hexdigest() != manifest.documents[name]:
            findings.add(
                folder / name, f"the document is not the one that was exported: its digest is not in {layout.BUNDLE}"
            )


def _check_proofs(folder: Path, manifest: Manifest, verifiers: Sequence[Verifier], findings: Findings) -> None:
    for name in _names(folder, manifest.proofs, findings):
        try:
            check_proof(ProofFile.parse((folder / name).read_bytes()), None, verifiers)
        except (ProofError, NoteError) as error:
            findings.add(folder / name, f"the proof does not hold: {error}")


def _names(folder: Path, listed: Sequence[str] | dict[str, str], findings: Findings) -> list[str]:
    """The files of a folder that are listed; others, and missing ones, are findings."""
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(present - set(listed)):
        findings.add(folder / name, f"{layout.BUNDLE} does not list it")
    for name in sorted(set(listed) - present):
        findings.add(folder / name, "the file is missing")
    return sorted(present & set(listed))
