"""Key files of a log: the signing key, readable by its owner alone, and ``log.vkey``, the public keys that verify the log.

``log.vkey`` holds one key a line, the newest last: checkpoints signed before an exchange of keys verify by the older lines.
It lies beside the log for convenience; who audits holds a copy from elsewhere, since whoever can write here can add a line.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from config.errors import KeyFileError, NoteError
from exporters.evidence.layout import FRESH
from exporters.evidence.signer import Signer, Verifier

MAX_KEY_FILE_BYTES = 65_536


def create_key(path: Path, name: str) -> Signer:
    """Make a signing key in a new file of mode 0600; it is on disk when this returns.

    Raises:
        KeyFileError: something lies there already, which is never overwritten, or the file cannot be written.
        NoteError: the name is not allowed.
    """
    signer = Signer.generate(name)
    try:
        _write_new(path, f"{signer.secret_text()}\n", mode=0o600)
    except FileExistsError:
        raise KeyFileError(f"{path}: a file lies there already; a signing key is never overwritten") from None
    except OSError as error:
        raise KeyFileError(f"{path}: the signing key cannot be written: {error.strerror}") from None
    return signer


def read_key(path: Path) -> Signer:
    """Return the signing key of a file.

    Raises:
        KeyFileError: the file cannot be read, holds no key, or can be read or written by others than its owner.
    """
    try:
        return Signer.parse(_one_line(_read_private(path)))
    except OSError as error:
        raise KeyFileError(f"{path}: the signing key cannot be read: {error.strerror}") from None
    except (NoteError, UnicodeDecodeError) as error:
        what = "not text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise KeyFileError(f"{path}: {what}") from None


def rotate_key(path: Path, verifiers_path: Path) -> Signer:
    """Exchange the signing key for a new one of the same name; the old private key is gone when this returns.

    The public key is added to ``log.vkey`` first: a crash between the two leaves a line that signs nothing. Sign one
    checkpoint with both keys if auditors shall learn of the new one from the old.

    Raises:
        KeyFileError: either file cannot be read or written.
    """
    name = read_key(path).name
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    signer = create_key(fresh, name)
    add_verifier(verifiers_path, signer.verifier)
    fresh.replace(path)
    _sync_directory(path.parent)
    return signer


def read_verifiers(path: Path) -> tuple[Verifier, ...]:
    """Return the public keys of a ``log.vkey`` file, the newest last.

    Raises:
        KeyFileError: the file cannot be read, is empty, or a line, which is named, is no key or stands there twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeyFileError(f"{path}: the public keys cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: not text; a line should read NAME+ID+BASE64") from None
    try:
        return parse_verifiers(text)
    except NoteError as error:
        raise KeyFileError(f"{path}: {error}") from None


def parse_verifiers(text: str) -> tuple[Verifier, ...]:
    """Return the public keys of a text with one key a line.

    Raises:
        NoteError: there is none, or a line, which is named, is no key or stands there twice.
    """
    verifiers: list[Verifier] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            verifier = Verifier.parse(line)
        except NoteError as error:
            raise NoteError(f"line {number}: {error}") from None
        if verifier in verifiers:
            raise NoteError(f"line {number}: the key of line {verifiers.index(verifier) + 1} stands there again")
        verifiers.append(verifier)
    if not verifiers:
        raise NoteError("there is no key; a line should read NAME+ID+BASE64")
    return tuple(verifiers)


def add_verifier(path: Path, verifier: Verifier) -> None:
    """Put a public key behind those of a ``log.vkey`` file, which is made where it is missing; one that is last stays.

    Raises:
        KeyFileError: the file is damaged or cannot be written, or an older line holds this key.
    """
    known = read_verifiers(path) if path.exists() else ()
    if known and known[-1] == verifier:
        return
    if verifier in known:
        raise KeyFileError(f"{path}: the key {verifier.name} was exchanged for a newer one; make a new key instead")
    try:
        _replace_text(path, (*known, verifier))
    except OSError as error:
        raise KeyFileError(f"{path}: the public key cannot be written: {error.strerror}") from None


def _replace_text(path: Path, verifiers: Sequence[Verifier]) -> None:
    fresh = path.with_name(path.name + FRESH)
    fresh.unlink(missing_ok=True)
    _write(fresh, "".join(f"{verifier}\n" for verifier in verifiers), mode=0o644)
    fresh.replace(path)
    _sync_directory(path.parent)


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise KeyFileError(
                f"{path}: others than its owner may use the signing key (mode {mode:04o}). "
                f"Run: chmod 600 {path}, and exchange the key if others have had access"
            )
        return file.read(MAX_KEY_FILE_BYTES)


def _one_line(data: bytes) -> str:
    """The text without the newline at its end."""
    return data.decode().removesuffix("\n")


def _write_new(path: Path, text: str, mode: int) -> None:
    """A new file, whole or not at all; raises ``FileExistsError`` where something bears its name."""
    fresh = path.with_name(path.name + FRESH)
    fresh.unlink(missing_ok=True)
    try:
        _write(fresh, text, mode)
        os.link(fresh, path)  # unlike a rename, never in place of another file
    finally:
        fresh.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)  # whatever the umask
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
