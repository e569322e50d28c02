"""The few things that the writer of the log asks of a file system, so that a test can stand in for a disk that fails.

What was written lasts through a power loss only behind ``sync``, and a file's name only behind ``sync_directory`` of the
directory it stands in. After a ``sync`` that failed nothing is known of the file: whoever wrote it opens it anew,
truncates it to what was synced before, and reads that again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Literal, Protocol

from config.errors import LogLocked
from exporters import lock
from exporters.evidence import layout


class Output(Protocol):
    """A file that is written at its end."""

    def write(self, data: bytes) -> None:
        """Write all of the bytes."""

    def sync(self) -> None:
        """Return when what was written is on the disk."""

    def close(self) -> None:
        """Give the descriptor back; safe twice."""


class Files(Protocol):
    """Every call may raise ``OSError``."""

    @property
    def bytes_on_disk(self) -> int:
        """Bytes of the files below the directory that ``measure`` was asked about, whatever this object does to them."""

    def lock(self, path: Path) -> IO[str] | None:
        """Hold a lock file until the result is closed; raises ``LogLocked`` where another process holds it."""

    def measure(self, directory: Path) -> None:
        """Find out how many bytes the files below a directory have now."""

    def walk(self, directory: Path) -> dict[Path, int]:
        """Every file below a directory and its bytes; none where there is no such directory."""

    def names(self, directory: Path) -> list[str]:
        """What a directory holds, in order; nothing where there is no such directory."""

    def read(self, path: Path) -> BinaryIO:
        """Open a file for reading."""

    def append(self, path: Path) -> Output:
        """Open a file to write at its end, made where it is missing, as are the directories above it, durably."""

    def create(self, path: Path, *, durable: bool = True) -> Output:
        """Open a new file; what bore its name before is gone. Directories are made as for ``append``.

        Unless ``durable``, a power loss may take those directories.
        """

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name; what bore the name before is gone."""

    def remove(self, path: Path, *, durable: bool = False) -> None:
        """Remove a file, if it is there, and the directories that this leaves empty, up to three.

        Unless ``durable``, a power loss may bring it back.
        """

    def remove_tree(self, directory: Path) -> None:
        """Remove a directory with all that is in it, if it is there, durably."""

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to this many bytes, and settle it."""

    def settle(self, path: Path) -> None:
        """Sync a file, and let it be read from the disk: behind a sync that failed, memory shows what is not there."""

    def sync_directory(self, directory: Path) -> None:
        """Return when the names in a directory are on the disk."""


@contextmanager
def written_whole(files: Files, path: Path, *, durable: bool = True) -> Iterator[Output]:
    """A new file that takes the place of what bears its name when the block ends well, and lasts then if ``durable``."""
    fresh = path.with_name(path.name + layout.FRESH)
    output = files.create(fresh, durable=durable)
    try:
        yield output
        if durable:
            output.sync()
    finally:
        output.close()
    files.rename(fresh, path)
    if durable:
        files.sync_directory(path.parent)


def replace(files: Files, path: Path, data: bytes, *, durable: bool) -> None:
    """Give a file new content, whole or not at all; behind this call it lasts through a power loss if ``durable``."""
    with written_whole(files, path, durable=durable) as output:
        output.write(data)


def read_whole(files: Files, path: Path) -> bytes | None:
    """The content of a file; ``None`` where it is missing."""
    try:
        with files.read(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


class DiskFiles:
    """The real thing. ``durable=False`` skips every wait for the disk, for tests and benchmarks."""

    def __init__(self, *, durable: bool = True) -> None:
        self.durable = durable
        self.bytes_on_disk = 0

    def lock(self, path: Path) -> IO[str] | None:
        try:
            return lock.hold(path)
        except lock.Held as error:
            raise LogLocked(
                f"{path.parent}: process {error.holder} writes this log. One writer per log: stop it first"
            ) from error

    def measure(self, directory: Path) -> None:
        self.bytes_on_disk = sum(self.walk(directory).values())

    def walk(self, directory: Path) -> dict[Path, int]:
        return {
            Path(folder, name): os.stat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(directory)
            for name in names
        }

    def names(self, directory: Path) -> list[str]:
        return sorted(os.listdir(directory)) if directory.is_dir() else []

    def read(self, path: Path) -> BinaryIO:
        return path.open("rb")

    def append(self, path: Path) -> Output:
        self._make_directory(path.parent, durable=True)
        return _DiskOutput(self, path, "ab")

    def create(self, path: Path, *, durable: bool = True) -> Output:
        self._make_directory(path.parent, durable=durable)
        self.bytes_on_disk -= _size(path)
        return _DiskOutput(self, path, "wb")

    def rename(self, old: Path, new: Path) -> None:
        self.bytes_on_disk -= _size(new)
        os.replace(old, new)

    def remove(self, path: Path, *, durable: bool = False) -> None:
        self.bytes_on_disk -= _size(path)
        with suppress(FileNotFoundError):
            os.unlink(path)
        for parent in path.parents[:3]:
            try:
                os.rmdir(parent)
            except OSError:
                break
        if durable:
            self.sync_directory(next(parent for parent in path.parents if parent.is_dir()))

    def remove_tree(self, directory: Path) -> None:
        if directory.is_dir():
            self.bytes_on_disk -= sum(self.walk(directory).values())
            shutil.rmtree(directory)
            self.sync_directory(directory.parent)

    def truncate(self, path: Path, size: int) -> None:
        before = _size(path)
        os.truncate(path, size)
        self.bytes_on_disk += size - before
        self.settle(path)

    def settle(self, path: Path) -> None:
        with path.open("rb") as file:
            self.wait(file.fileno())
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def sync_directory(self, directory: Path) -> None:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.wait(descriptor)
        finally:
            os.close(descriptor)

    def wait(self, descriptor: int) -> None:
        """``fsync``, where this file system is to be durable."""
        if self.durable:
            os.fsync(descriptor)

    def _make_directory(self, directory: Path, *, durable: bool) -> None:
        if os.path.isdir(directory):
            return
        self._make_directory(directory.parent, durable=durable)
        directory.mkdir(exist_ok=True)
        if durable:
            self.sync_directory(directory.parent)


class _DiskOutput:
    def __init__(self, files: DiskFiles, path: Path, mode: Literal["ab", "wb"]) -> None:
        self._files = files
        self._file = path.open(mode, buffering=0)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._file.write(view) or 0  # a raw write may take a part only
            self._files.bytes_on_disk += written
            view = view[written:]

    def sync(self) -> None:
        self._files.wait(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
