"""An export of a log with packs, checked by the Go program that shares no code with what wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.evidence.bundle import export_bundle
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.reader import LogReader
from tests.exporters.evidence.whole_log import SIGNER, large_log
from tests.parts import golang

pytestmark = pytest.mark.parts

Verify = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def verify() -> Verify:
    """Run the program; exit code, and what it printed."""
    return golang.verifier()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Over 140 000 entries in two months, two packed ranges and a loose one, many checkpoints."""
    log = LogReader(large_log(tmp_path_factory.mktemp("large") / "log", packed=2))
    out = tmp_path_factory.mktemp("export") / "out"
    export_bundle(log, (SIGNER.verifier,), log.shards(), out, "tiles", payloads=False)
    return out


def test_an_export_as_tiles_verifies_with_go(verify: Verify, exported: Path) -> None:
    code, out = verify(exported)
    assert code == 0, out
    assert "WRONG" not in out
    assert "2026-11" in out
    assert "2026-12" in out


def test_an_older_checkpoint_of_the_log_is_its_beginning(verify: Verify, exported: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.write_bytes((exported / "2026-11" / "checkpoints").read_bytes().partition(b"--- ")[0])
    code, out = verify("-old", older, exported)
    assert code == 0, out


def test_the_proofs_of_an_export_verify_with_go(verify: Verify, exported: Path, tmp_path: Path) -> None:
    proofs = sorted((exported / "proofs").iterdir())
    assert proofs
    for proof in proofs:
        entry = tmp_path / "entry"
        entry.write_bytes(ProofFile.parse(proof.read_bytes()).extra or b"")
        code, out = verify("-proof", proof, "-entry", entry, "-key", exported / "log.vkey")
        assert code == 0, out


def test_a_changed_entry_of_an_export_is_found_by_go(verify: Verify, exported: Path) -> None:
    path = exported / "2026-11" / "tile" / "entries" / "100"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"accepted", b"rejected", 1))
    code, out = verify(exported)
    path.write_bytes(whole)
    assert code == 1
    assert "WRONG" in out
