from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from config.errors import KeyFileError, NoteError
from exporters.evidence import keys
from exporters.evidence.note import sign, verify
from exporters.evidence.signer import Signer, Verifier

NAME = "example.com/watch"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_key_is_readable_by_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.create_key(tmp_path / "key", NAME)
    finally:
        os.umask(before)
    assert mode(tmp_path / "key") == 0o600


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    signer = keys.create_key(tmp_path / "key", NAME)
    assert keys.read_key(tmp_path / "key") == signer


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    signer = keys.create_key(tmp_path / "key", NAME)
    with pytest.raises(KeyFileError, match="never overwritten"):
        keys.create_key(tmp_path / "key", NAME)
    assert keys.read_key(tmp_path / "key") == signer


def test_a_disk_that_is_full_leaves_no_half_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(KeyFileError, match="key: the signing key cannot be written: No space left on device"):
            keys.create_key(tmp_path / "key", NAME)
    assert list(tmp_path.iterdir()) == []
    assert keys.create_key(tmp_path / "key", NAME) == keys.read_key(tmp_path / "key")


def test_what_a_crash_left_of_a_key_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_text("PRIVATE+KEY+exam")
    signer = keys.create_key(tmp_path / "key", NAME)
    assert keys.read_key(tmp_path / "key") == signer
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="never overwritten"):
        keys.create_key(tmp_path / "key", NAME)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="missing/key: the signing key cannot be written: No such file"):
        keys.create_key(tmp_path / "missing" / "key", NAME)


@pytest.mark.parametrize("allowed", [0o640, 0o604, 0o620, 0o602, 0o644, 0o610])
def test_a_key_that_others_may_use_is_refused_with_what_to_do(tmp_path: Path, allowed: int) -> None:
    path = tmp_path / "key"
    keys.create_key(path, NAME)
    path.chmod(allowed)
    with pytest.raises(KeyFileError, match=f"mode {allowed:04o}.*chmod 600 {path}"):
        keys.read_key(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"secret stuff\n", b"PRIVATE+KEY+a+00000000+AQ==\n"])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="key: ") as caught:
        keys.read_key(path)
    assert "secret stuff" not in str(caught.value)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="key: the signing key cannot be read: No such file"):
        keys.read_key(tmp_path / "key")


def test_verifiers_stand_one_a_line_the_newest_last(tmp_path: Path) -> None:
    path = tmp_path / "log.vkey"
    first, second = Signer.generate(NAME).verifier, Signer.generate(NAME).verifier
    keys.add_verifier(path, first)
    keys.add_verifier(path, second)
    assert keys.read_verifiers(path) == (first, second)
    assert path.read_text() == f"{first}\n{second}\n"
    assert mode(path) == 0o644


def test_the_newest_verifier_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "log.vkey"
    verifier = Signer.generate(NAME).verifier
    keys.add_verifier(path, verifier)
    keys.add_verifier(path, verifier)
    assert keys.read_verifiers(path) == (verifier,)


def test_a_key_that_was_exchanged_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "log.vkey"
    old, new = Signer.generate(NAME).verifier, Signer.generate(NAME).verifier
    keys.add_verifier(path, old)
    keys.add_verifier(path, new)
    with pytest.raises(KeyFileError, match=r"exchanged for a newer one.*rotate-key"):
        keys.add_verifier(path, old)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.vkey"
    path.write_text(f"{Signer.generate(NAME).verifier}\nnonsense\n")
    with pytest.raises(KeyFileError, match=r"log\.vkey: line 2: this is no verifier key"):
        keys.read_verifiers(path)


def test_a_key_that_stands_twice_is_refused() -> None:
    line = f"{Signer.generate(NAME).verifier}\n"
    with pytest.raises(NoteError, match="line 2: the key of line 1 stands there again"):
        keys.parse_verifiers(line + line)


@pytest.mark.parametrize("content", [b"", b"\xff"])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.vkey").write_bytes(content)
    with pytest.raises(KeyFileError, match=r"NAME\+ID\+BASE64"):
        keys.read_verifiers(tmp_path / "log.vkey")


def test_an_exchanged_key_signs_under_the_same_name_and_old_notes_still_verify(tmp_path: Path) -> None:
    path, verifiers_path = tmp_path / "key", tmp_path / "log.vkey"
    old = keys.create_key(path, NAME)
    keys.add_verifier(verifiers_path, old.verifier)
    new = keys.next_key(path)
    keys.add_verifier(verifiers_path, old.verifier, new.verifier)
    keys.exchange_key(path)
    known: tuple[Verifier, ...] = keys.read_verifiers(verifiers_path)
    assert known == (old.verifier, new.verifier)
    assert keys.read_key(path) == new != old
    assert (new.name, mode(path)) == (NAME, 0o600)
    assert verify(sign("old\n", old), known).signed_by == (old.verifier,)
    assert verify(sign("both\n", old, new), known).signed_by == known


def test_an_exchange_that_was_cut_off_can_be_repeated(tmp_path: Path) -> None:
    path, verifiers_path = tmp_path / "key", tmp_path / "log.vkey"
    old = keys.create_key(path, NAME)
    keys.add_verifier(verifiers_path, old.verifier)
    (tmp_path / "log.vkey.new").write_text("half a l")
    for _ in range(2):
        new = keys.next_key(path)
        keys.add_verifier(verifiers_path, old.verifier, new.verifier)
    keys.exchange_key(path)
    assert keys.read_key(path) == new
    assert keys.read_verifiers(verifiers_path) == (old.verifier, new.verifier)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["key", "log.vkey"]
