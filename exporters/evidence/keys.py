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


def next_key(path: Path) -> Signer:
    """The key that takes the place of a signing key, under the same name: made beside it, or there from an exchange that was
    interrupted. ``exchange_key`` ends what this begins.

    Raises:
        KeyFileError: either file cannot be read or written.
    """
    beside = _beside(path)
    name = read_key(path).name
    return read_key(beside) if beside.exists() else create_key(beside, name)


def exchange_key(path: Path) -> None:
    """Let the next key take the place of a signing key, whose private half is gone when this returns.

    Raises:
        KeyFileError: the file cannot be written.
    """
    try:
        _beside(path).replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise KeyFileError(f"{path}: the signing key cannot be exchanged: {error.strerror}") from None


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


def add_verifier(path: Path, *verifiers: Verifier) -> None:
    """Put public keys behind those of a ``log.vkey`` file, which is made where it is missing; those that are there stay.

    Raises:
        KeyFileError: the file is damaged or cannot be written, or holds a newer key than the last of these.
    """
    known = read_verifiers(path) if path.exists() else ()
    missing = [verifier for verifier in verifiers if verifier not in known]
    if not missing and known[-1] == verifiers[-1]:
        return
    if not missing:
        raise KeyFileError(
            f"{path}: the key {verifiers[-1].name}+{verifiers[-1].key_id.hex()} was exchanged for a newer one, that of the "
            "last line. If `wachter log rotate-key` was interrupted, run it again; else put the newer key in its place"
        )
    try:
        _replace_text(path, (*known, *missing))
    except OSError as error:
        raise KeyFileError(f"{path}: the public key cannot be written: {error.strerror}") from None


def _beside(path: Path) -> Path:
    """Where the next key waits."""
    return path.with_name(path.name + ".next")


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
