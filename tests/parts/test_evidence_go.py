"""Logs and proofs in our formats, checked by a Go program that stands on golang.org/x/mod/sumdb and none of our code."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.evidence.note import Signer
from exporters.evidence.proof_file import ProofFile
from exporters.evidence.proofs import prove_inclusion
from exporters.evidence.tree import fold, leaf_hashes
from tests.parts import golang
from tests.parts.tiled_log import NAME, SIGNER, flip, put, write_shard

pytestmark = pytest.mark.parts

Verify = Callable[..., tuple[int, str]]

ENTRIES = [b'{"type":"inference","id":"event-%d"}' % number for number in range(70_000)]


@pytest.fixture(scope="module")
def verify() -> Verify:
    """Run the program; exit code, and what it printed."""
    return golang.verifier()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 70 000 entries; tests copy it before they change it."""
    log = tmp_path_factory.mktemp("large") / "log"
    write_shard(log, ENTRIES)
    return log


@pytest.fixture
def log(large: Path, tmp_path: Path) -> Path:
    """A log of 70 000 entries that may be changed."""
    return Path(shutil.copytree(large, tmp_path / "log"))


def test_a_log_of_70_000_entries_verifies(verify: Verify, large: Path) -> None:
    code, said = verify(large)
    assert said.startswith("ok    2026-11: 70000 entries, 277 tiles, root ")
    assert f"of {NAME}/2026-11 signed by {NAME}+" in said
    assert code == 0


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537])
def test_a_log_of_any_size_verifies(verify: Verify, tmp_path: Path, size: int) -> None:
    write_shard(tmp_path, ENTRIES[:size])
    assert verify(tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("tile/entries/005", "tile/0/005: hash 0 is "),
        ("tile/entries/273.p/112", "tile/0/273.p/112: hash 0 is "),
        ("tile/0/005", "the hash of entry 1280 is"),
        ("tile/0/273.p/112", "the hash of entry 69888 is"),
        ("tile/1/000", "the hash of tile/0/000 is"),
        ("tile/1/001.p/17", "the hash of tile/0/256 is"),
        ("tile/2/000.p/1", "the hash of tile/1/000 is"),
    ],
)
def test_a_flipped_bit_of_a_file_is_found_where_it_is(verify: Verify, log: Path, file: str, says: str) -> None:
    flip(log / "2026-11" / file, position=10 if "entries" in file else 0)
    code, said = verify(log)
    assert code == 1
    assert says in said


def test_any_flipped_bit_is_found(verify: Verify, tmp_path: Path) -> None:
    chance = random.Random(4)
    write_shard(tmp_path / "log", ENTRIES[:1_000])
    files = [path for path in sorted((tmp_path / "log" / "2026-11").rglob("*")) if path.is_file()]
    for _ in range(120):
        file = chance.choice(files)
        position = chance.randrange(file.stat().st_size)
        flip(file, position)
        assert verify(tmp_path / "log")[0] == 1, f"byte {position} of {file}"
        flip(file, position)
    assert verify(tmp_path / "log")[0] == 0


@pytest.mark.parametrize("file", ["tile/entries/000", "tile/0/272", "tile/1/000", "tile/2/000.p/1", "tile/1/001.p/17"])
def test_a_missing_or_shortened_file_is_found(verify: Verify, log: Path, file: str) -> None:
    path = log / "2026-11" / file
    path.write_bytes(path.read_bytes()[:-1])
    code, said = verify(log)
    assert (code, f"{file}: " in said) == (1, True)
    path.unlink()
    code, said = verify(log)
    assert (code, "no such file" in said) == (1, True)


def test_swapped_entries_are_found(verify: Verify, tmp_path: Path) -> None:
    write_shard(tmp_path, ENTRIES[:300])
    swapped = tmp_path / "other"
    write_shard(swapped, [*ENTRIES[:7], ENTRIES[8], ENTRIES[7], *ENTRIES[9:300]])
    shutil.copy(swapped / "2026-11" / "tile/entries/000", tmp_path / "2026-11" / "tile/entries/000")
    shutil.rmtree(swapped)
    code, said = verify(tmp_path)
    assert code == 1
    assert said.count("WRONG") == 2


def test_a_rewritten_log_does_not_verify_without_the_key(verify: Verify, tmp_path: Path) -> None:
    write_shard(tmp_path, ENTRIES[:300], signers=[Signer.generate(NAME)])
    code, said = verify(tmp_path)
    assert (code, "note has no verifiable signatures" in said) == (1, True)


def test_keys_held_elsewhere_are_used(verify: Verify, tmp_path: Path) -> None:
    signer = Signer.generate(NAME)
    write_shard(tmp_path / "log", ENTRIES[:300], signers=[signer])
    put(tmp_path / "held.vkey", f"{SIGNER.verifier}\n{signer.verifier}\n".encode())
    assert verify("-key", tmp_path / "held.vkey", tmp_path / "log")[0] == 0


def test_a_log_that_grew_begins_with_its_older_checkpoints(verify: Verify, large: Path, tmp_path: Path) -> None:
    for size in (0, 1, 255, 256, 65_536, 69_999, 70_000):
        old = write_shard(tmp_path / str(size), ENTRIES[:size])
        put(tmp_path / "old", old)
        code, said = verify("-old", tmp_path / "old", large)
        assert (code, f"begins with the {size} entries" in said) == (0, True)


def test_a_log_with_another_beginning_is_found_by_an_older_checkpoint(
    verify: Verify, large: Path, tmp_path: Path
) -> None:
    put(tmp_path / "old", write_shard(tmp_path / "other", [*ENTRIES[:99], b"was changed later"]))
    code, said = verify("-old", tmp_path / "old", large)
    assert (code, "does not begin with the 100 entries" in said) == (1, True)


def test_a_log_that_was_cut_back_is_found_by_an_older_checkpoint(verify: Verify, large: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "log", ENTRIES[:500])
    code, said = verify("-old", large / "2026-11" / "checkpoint", tmp_path / "log")
    assert (code, "signed are 70000 entries; the log has only 500: it was cut back" in said) == (1, True)


def write_two_shards(log: Path, held_by_second: bytes | None = None) -> None:
    head = write_shard(log, ENTRIES[:300], "2026-10")
    link = {"type": "shard", "previous": "2026-10", "note": (held_by_second or head).decode(), "logged": 0}
    write_shard(log, [json.dumps(link).encode(), *ENTRIES[:20]], "2026-11")


def test_a_shard_follows_the_one_before(verify: Verify, tmp_path: Path) -> None:
    write_two_shards(tmp_path)
    code, said = verify(tmp_path)
    assert (code, "ok    2026-11: follows 2026-10\n" in said) == (0, True)


def test_a_shard_that_follows_another_head_is_found(verify: Verify, tmp_path: Path) -> None:
    other = write_shard(tmp_path / "elsewhere", ENTRIES[:299], "2026-10")
    write_two_shards(tmp_path / "log", held_by_second=other)
    code, said = verify(tmp_path / "log")
    assert (code, "entry 0 follows 299 entries of 2026-10" in said) == (1, True)


def test_an_older_shard_may_be_gone(verify: Verify, tmp_path: Path) -> None:
    write_two_shards(tmp_path)
    shutil.rmtree(tmp_path / "2026-10")
    code, said = verify(tmp_path)
    assert (code, "follows 2026-10, which is not here" in said) == (0, True)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 65_535, 65_536, 69_999])
def test_a_proof_file_of_an_entry_verifies(verify: Verify, large: Path, tmp_path: Path, index: int) -> None:
    put(tmp_path / "one.tlog-proof", proof_of(index, large).to_bytes())
    put(tmp_path / "entry", ENTRIES[index])
    said = verify("-proof", tmp_path / "one.tlog-proof", "-entry", tmp_path / "entry", "-key", large / "log.vkey")
    assert said[0] == 0
    assert f"is entry {index} of {NAME}/2026-11" in said[1]


def test_a_proof_file_does_not_prove_another_entry(verify: Verify, large: Path, tmp_path: Path) -> None:
    put(tmp_path / "one.tlog-proof", proof_of(41, large).to_bytes())
    put(tmp_path / "entry", ENTRIES[42])
    code, said = verify("-proof", tmp_path / "one.tlog-proof", "-entry", tmp_path / "entry", "-key", large / "log.vkey")
    assert (code, said.startswith("WRONG")) == (1, True)


LEAVES = leaf_hashes(ENTRIES)


def proof_of(index: int, log: Path) -> ProofFile:
    def read(level: int, number: int) -> bytes:
        return fold(LEAVES[number << level : (number + 1) << level])

    hashes = prove_inclusion(index, len(LEAVES), read)
    return ProofFile(index, tuple(hashes), (log / "2026-11" / "checkpoint").read_bytes(), b"opaque")


@pytest.mark.parametrize("arguments", [[], ["-proof", "x"], ["/nowhere"], ["-unknown"], ["a", "b"]])
def test_what_cannot_be_asked_ends_with_2(verify: Verify, arguments: list[str]) -> None:
    assert verify(*arguments)[0] == 2


def test_the_golden_notes_are_those_that_go_signs(verify: Verify, tmp_path: Path) -> None:
    golang.go("run", "./golden", str(tmp_path))
    committed = golang.ROOT / "tests" / "exporters" / "evidence" / "golden"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in committed.iterdir()
    }


def test_the_program_is_as_go_formats_it_and_passes_its_checks(verify: Verify) -> None:
    golang.go("vet", "./...")
    assert subprocess.run(["gofmt", "-l", golang.SOURCE], capture_output=True, text=True, check=True).stdout == ""
