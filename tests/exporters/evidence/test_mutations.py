"""Whatever is changed in a log is found and named; an untouched copy is never accused.

``WACHTER_TEST_MUTATIONS`` sets how many random changes are tried; the long form is 10000.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from config.errors import EvidenceError
from exporters.evidence.bundle import Layout, export_bundle
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from tests.exporters.evidence.mutations import MUTATIONS, files_of
from tests.exporters.evidence.whole_log import SIGNER, large_log, small_log, tiny_log

COUNT = int(os.environ.get("WACHTER_TEST_MUTATIONS", "300"))
PORTIONS = 10
LARGE_SHARE = 30
"""One in so many is tried on a log with packs too, which takes fifty times as long."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_log(tmp_path_factory.mktemp("small") / "log")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large_log(tmp_path_factory.mktemp("large") / "log")


def missed(log: Path, scratch: Path, seeds: range) -> list[str]:
    """What was done to a copy and not found, by seed."""
    unseen = []
    for seed in seeds:
        copy = shutil.copytree(log, scratch / "log")
        rng = random.Random(seed)
        done = rng.choice(MUTATIONS)(copy, rng)
        if is_sound(copy):
            unseen.append(f"seed {seed}: {done}")
        shutil.rmtree(copy)
    return unseen


def is_sound(log: Path) -> bool:
    try:
        return verify(log, [SIGNER.verifier]).ok
    except EvidenceError:  # bundle.json of an export cannot be read
        return False


def test_an_untouched_copy_is_not_accused(small: Path, tmp_path: Path) -> None:
    report = verify(Path(shutil.copytree(small, tmp_path / "log")), [SIGNER.verifier])
    assert report.findings == ()
    assert report.notes == ()
    assert report.checkpoints == 5


@pytest.mark.slow
@pytest.mark.parametrize("portion", range(PORTIONS))
@pytest.mark.timeout(COUNT)
def test_random_changes_are_found(small: Path, tmp_path: Path, portion: int) -> None:
    size = -(-COUNT // PORTIONS)
    assert missed(small, tmp_path, range(portion * size, (portion + 1) * size)) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["tiles", "packs"])
@pytest.mark.timeout(60 + COUNT)
def test_random_changes_of_an_export_are_found(small: Path, tmp_path: Path, form: Layout) -> None:
    reader, out = LogReader(small), tmp_path / "out"
    export_bundle(reader, [SIGNER.verifier], reader.shards(), out, form, payloads=True)
    assert is_sound(out)
    assert missed(out, tmp_path, range(COUNT // 4)) == []


@pytest.mark.slow
@pytest.mark.timeout(60 + COUNT)
def test_random_changes_of_a_log_with_packs_are_found(large: Path, tmp_path: Path) -> None:
    assert verify(large, [SIGNER.verifier]).ok
    assert missed(large, tmp_path, range(COUNT // LARGE_SHARE)) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_flipped_byte_of_a_log_of_50_entries_is_found(tmp_path: Path) -> None:
    log = tiny_log(tmp_path / "log")
    unseen = []
    for path in files_of(log):
        whole = path.read_bytes()
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
            if verify(log, [SIGNER.verifier]).ok:
                unseen.append(f"{path.relative_to(log)} byte {at}")
        path.write_bytes(whole)
    assert unseen == []
    assert verify(log, [SIGNER.verifier]).ok


@pytest.mark.slow
@pytest.mark.timeout(60 + COUNT)
def test_every_cut_of_a_file_of_a_log_of_50_entries_is_found(tmp_path: Path) -> None:
    log = tiny_log(tmp_path / "log")
    unseen = []
    for path in files_of(log):
        whole = path.read_bytes()
        for size in range(0, len(whole), max(1, len(whole) // COUNT)):
            path.write_bytes(whole[:size])
            if verify(log, [SIGNER.verifier]).ok:
                unseen.append(f"{path.relative_to(log)} cut to {size}")
        path.write_bytes(whole)
    assert unseen == []
