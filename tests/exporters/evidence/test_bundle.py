"""Exports: whole, verified like a log, and damaged no more unnoticed than one."""

from __future__ import annotations

import base64
import json
import random
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from config.errors import EvidenceError, LogDamaged
from exporters.evidence import layout
from exporters.evidence.bundle import Layout, export_bundle
from exporters.evidence.paths import bundles, tiles
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from tests.exporters.evidence.mutations import drop_file, flip_byte
from tests.exporters.evidence.whole_log import SIGNER, WholeLog, large_log, small_log

KEYS = (SIGNER.verifier,)
FORMS: tuple[Layout, ...] = ("tiles", "packs")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> LogReader:
    return LogReader(small_log(tmp_path_factory.mktemp("small") / "log"))


def export(log: LogReader, out: Path, form: Layout = "tiles", *, payloads: bool = False) -> Path:
    export_bundle(log, KEYS, log.shards(), out, form, payloads=payloads)
    return out


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("payloads", [False, True])
def test_an_export_verifies_like_a_log(log: LogReader, tmp_path: Path, form: Layout, payloads: bool) -> None:
    report = verify(export(log, tmp_path / "out", form, payloads=payloads), KEYS)
    assert report.findings == ()
    assert report.entries == 672
    assert report.checkpoints == 5
    assert bool(report.shards[0].payloads) == payloads


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_an_export_of_packs_verifies(tmp_path: Path, form: Layout) -> None:
    large = LogReader(large_log(tmp_path / "log"))
    assert verify(export(large, tmp_path / "out", form, payloads=True), KEYS).findings == ()


def test_every_tile_of_the_signed_size_is_there_and_nothing_else(log: LogReader, tmp_path: Path) -> None:
    out = export(log, tmp_path / "out")
    signed = log.signed("2026-11", KEYS)
    assert signed is not None
    wanted = {tile.path for tile in tiles(signed.size)} | {bundle.path for bundle in bundles(signed.size)}
    shard = out / "2026-11"
    found = {path.relative_to(shard).as_posix() for path in (shard / layout.TILE).rglob("*") if path.is_file()}
    assert found == wanted


def test_no_payload_is_exported_unasked(log: LogReader, tmp_path: Path) -> None:
    for form in FORMS:
        out = export(log, tmp_path / form, form)
        assert not any(b"income" in path.read_bytes() for path in out.rglob("*") if path.is_file())
        assert not list(out.rglob(layout.PAYLOAD))


def test_what_is_not_signed_is_not_exported(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.start(), whole.events(10))
    whole.sign()
    whole.step(whole.events(300))
    for form in FORMS:
        out = export(LogReader(whole.directory), tmp_path / form, form, payloads=True)
        assert verify(out, KEYS).findings == ()
        assert LogReader(out).size("2026-11") == 12
    whole.log.close()


def test_settings_come_as_documents_with_their_digest_and_proofs_carry_their_entry(
    log: LogReader, tmp_path: Path
) -> None:
    out = export(log, tmp_path / "out")
    manifest = json.loads((out / layout.BUNDLE).read_text())
    (name,) = manifest["documents"]
    assert manifest["documents"][name] == sha256((out / "documents" / name).read_bytes()).hexdigest()
    for proof in manifest["proofs"]:
        file = ProofFile.parse((out / "proofs" / proof).read_bytes())
        assert file.extra is not None
        assert file.check(file.extra, KEYS).size == 376


def test_the_guide_names_keys_roots_and_the_tools_of_others(log: LogReader, tmp_path: Path) -> None:
    guide = (export(log, tmp_path / "out") / layout.BUNDLE_README).read_text()
    signed = log.signed("2026-12", KEYS)
    assert signed is not None
    assert str(SIGNER.verifier) in guide
    assert base64.b64encode(signed.root).decode() in guide
    assert "golang.org/x/mod/sumdb" in guide
    assert len(guide.splitlines()) < 70


def test_later_months_can_be_exported_alone(log: LogReader, tmp_path: Path) -> None:
    export_bundle(log, KEYS, ["2026-12"], tmp_path / "out", "tiles", payloads=False)
    report = verify(tmp_path / "out", KEYS)
    assert report.findings == ()
    assert any("was not exported" in str(note) for note in report.notes)


def test_a_directory_that_holds_something_is_refused(log: LogReader, tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("x")
    with pytest.raises(EvidenceError, match="the directory is not empty"):
        export(log, tmp_path)


def test_a_damaged_log_is_not_exported(log: LogReader, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(log.directory, tmp_path / "log"))
    segment = layout.range_path(copy / "2026-11", layout.SEGMENT, 0)
    data = bytearray(segment.read_bytes())
    data[100] ^= 1
    segment.write_bytes(data)
    with pytest.raises(LogDamaged, match="its digest differs"):
        export(LogReader(copy), tmp_path / "out")


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_or_missing_file_of_an_export_is_found(log: LogReader, tmp_path: Path, form: Layout) -> None:
    whole = export(log, tmp_path / "whole", form, payloads=True)
    missed = []
    for seed in range(40):
        copy = Path(shutil.copytree(whole, tmp_path / "copy"))
        done = (flip_byte if seed % 4 else drop_file)(copy, random.Random(seed))
        with suppress(EvidenceError):  # bundle.json cannot be read
            if verify(copy, KEYS).ok:
                missed.append(done)
        shutil.rmtree(copy)
    assert missed == []


@pytest.mark.parametrize(("shard", "size"), [("2026-11", 376), ("2026-12", 296)])
def test_a_month_that_is_gone_from_an_export_is_named(log: LogReader, tmp_path: Path, shard: str, size: int) -> None:
    out = export(log, tmp_path / "out")
    shutil.rmtree(out / shard)
    assert [str(finding) for finding in verify(out, KEYS).findings] == [
        f"bundle.json: lists shard {shard} with {size} entries, which is not here"
    ]


def test_an_older_state_of_a_month_in_its_place_is_named(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    whole.step(whole.start(), whole.events(10))
    whole.sign()
    early = export(LogReader(whole.directory), tmp_path / "early")
    whole.step(whole.events(5))
    whole.close()
    late = export(LogReader(whole.directory), tmp_path / "late")
    shutil.rmtree(late / "2026-11")
    shutil.copytree(early / "2026-11", late / "2026-11")
    assert [str(finding) for finding in verify(late, KEYS).findings] == [
        "bundle.json: lists 18 entries of 2026-11, 12 are here"
    ]


def test_a_month_that_was_put_into_an_export_is_named(log: LogReader, tmp_path: Path) -> None:
    export_bundle(log, KEYS, ["2026-12"], tmp_path / "out", "tiles", payloads=False)
    shutil.copytree(export(log, tmp_path / "all") / "2026-11", tmp_path / "out" / "2026-11")
    assert "2026-11: bundle.json does not list this shard" in map(str, verify(tmp_path / "out", KEYS).findings)


def test_payloads_of_entries_that_an_export_has_not_are_named(log: LogReader, tmp_path: Path) -> None:
    out = export(log, tmp_path / "out", payloads=True)
    shutil.copy(out / "2026-12" / "payload" / "000", out / "2026-12" / "payload" / "001")
    found = [finding.where for finding in verify(out, KEYS).findings]
    assert found == ["2026-12/payload/001"]


def test_payloads_in_an_export_without_are_named(log: LogReader, tmp_path: Path) -> None:
    out = export(log, tmp_path / "out")
    shutil.copytree(export(log, tmp_path / "all", payloads=True) / "2026-12" / "payload", out / "2026-12" / "payload")
    assert [finding.where for finding in verify(out, KEYS).findings] == ["2026-12/payload/000"]


@pytest.mark.parametrize("name", [layout.BUNDLE, layout.BUNDLE_README])
def test_what_an_export_says_of_itself_is_as_it_was_written(log: LogReader, tmp_path: Path, name: str) -> None:
    out = export(log, tmp_path / "out")
    (out / name).write_bytes((out / name).read_bytes() + b"\n")
    assert [finding.where for finding in verify(out, KEYS).findings] == [name]
