"""A file system in memory that forgets what was not synced, and fails or loses its power when it is told to.

What a power loss leaves is as bad as POSIX allows: of bytes behind the last sync of a file any part is there, the rest
missing or zeros; of names that changed since the last sync of their directory each is the old or any newer one. What was
written before a sync that failed counts as clean afterwards: a later sync that succeeds does not bring it to the disk.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import IO, BinaryIO


class PowerLoss(BaseException):
    """The machine went off in the middle of a call."""


class Inode:
    def __init__(self) -> None:
        self.content = b""
        self.synced = b""
        self.lost: tuple[int, int] | None = None

    def sync(self) -> None:
        self.synced = self.content
        if self.lost is not None:
            start, stop = self.lost
            self.synced = self.content[:start] + bytes(len(self.content[start:stop])) + self.content[stop:]

    def fail_to_sync(self) -> None:
        self.lost = (len(self.synced), len(self.content))

    def cut(self, size: int) -> None:
        self.content = self.content[:size]
        if self.lost is not None and size <= self.lost[0]:
            self.lost = None

    def lose_power(self, random: Random) -> None:
        extra = self.content[len(self.synced) :]
        kept = extra[: random.randint(0, len(extra))]
        zeros = bytes(random.choice([0, random.randint(0, len(extra) - len(kept))]))
        self.content = self.synced = self.synced + kept + zeros
        self.lost = None


class FrailDisk:
    """Implements ``Files``. ``before`` is called with every change and what undoes half of it; it may raise."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self.names_: dict[Path, Inode] = {}
        self.durable: dict[Path, Inode] = {}
        self.older: dict[Path, list[Inode | None]] = {}
        self.trouble: type[BaseException] | None = None
        self.trouble_after = 0

    # what a test does to it

    def fail_after(self, changes: int, trouble: type[BaseException]) -> None:
        """Let the change behind so many others fail, with ``OSError`` or ``PowerLoss``."""
        self.trouble, self.trouble_after = trouble, changes

    def heal(self) -> bool:
        """Let nothing fail any more; whether the trouble is still to come."""
        waiting = self.trouble is not None
        self.trouble = None
        return waiting

    def lose_power(self) -> None:
        for path, versions in self.older.items():
            chosen = self.random.choice([self.durable.get(path), *versions, self.names_.get(path)])
            if chosen is None:
                self.names_.pop(path, None)
            else:
                self.names_[path] = chosen
        for inode in {id(inode): inode for inode in self.names_.values()}.values():
            inode.lose_power(self.random)
        self.durable = dict(self.names_)
        self.older.clear()

    # Files

    @property
    def bytes_on_disk(self) -> int:
        return sum(len(inode.content) for inode in self.names_.values())

    def lock(self, path: Path) -> IO[str] | None:
        return None

    def measure(self, directory: Path) -> None:
        return None

    def walk(self, directory: Path) -> dict[Path, int]:
        return {path: len(inode.content) for path, inode in self.names_.items() if directory in path.parents}

    def names(self, directory: Path) -> list[str]:
        return sorted({path.relative_to(directory).parts[0] for path in self.walk(directory)})

    def read(self, path: Path) -> BinaryIO:
        if path not in self.names_:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return io.BytesIO(self.names_[path].content)

    def append(self, path: Path) -> Output:
        self.change(lambda: None)
        if path not in self.names_:
            self._name(path, Inode())
        return Output(self, self.names_[path])

    def create(self, path: Path, *, durable: bool = True) -> Output:
        self.change(lambda: None)
        if path in self.names_:
            self.names_[path].cut(0)
        else:
            self._name(path, Inode())
        return Output(self, self.names_[path])

    def rename(self, old: Path, new: Path) -> None:
        self.change(lambda: None)
        inode = self.names_[old]
        self._name(new, inode)
        self._name(old, None)

    def remove(self, path: Path, *, durable: bool = False) -> None:
        if path in self.names_:
            self.change(lambda: None)
            self._name(path, None)
        if durable:
            self.sync_directory(path.parent)

    def remove_tree(self, directory: Path) -> None:
        for path in list(self.walk(directory)):
            self.remove(path, durable=True)

    def truncate(self, path: Path, size: int) -> None:
        inode = self.names_[path]
        self.change(inode.fail_to_sync)
        inode.cut(size)
        self._settle(inode)

    def settle(self, path: Path) -> None:
        if path not in self.names_:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        inode = self.names_[path]
        self.change(inode.fail_to_sync)
        self._settle(inode)

    def sync_directory(self, directory: Path) -> None:
        self.change(lambda: None)
        there = {parent for path in self.names_ for parent in path.parents}
        for path in [path for path in self.older if directory in path.parents]:
            if path.parent != directory and path.parent in there:
                continue  # only a directory that is gone from this one takes its files with it
            del self.older[path]
            self.durable.pop(path, None)
            if path in self.names_:
                self.durable[path] = self.names_[path]

    def change(self, half: Callable[[], None]) -> None:
        """Every change passes here; the one that fails does ``half`` of its work."""
        if self.trouble is None:
            return
        if self.trouble_after > 0:
            self.trouble_after -= 1
            return
        trouble, self.trouble = self.trouble, None
        half()
        raise trouble(errno.EIO, "the disk fails", "a file")

    def _settle(self, inode: Inode) -> None:
        inode.sync()
        inode.content = inode.synced
        inode.lost = None

    def _name(self, path: Path, inode: Inode | None) -> None:
        self.older.setdefault(path, []).append(self.names_.get(path))
        if inode is None:
            self.names_.pop(path, None)
        else:
            self.names_[path] = inode


class Output:
    def __init__(self, disk: FrailDisk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    def write(self, data: bytes) -> None:
        self._disk.change(lambda: self._add(data[: self._disk.random.randint(0, len(data))]))
        self._add(data)

    def sync(self) -> None:
        self._disk.change(self._inode.fail_to_sync)
        self._inode.sync()

    def close(self) -> None:
        return None

    def _add(self, data: bytes) -> None:
        self._inode.content += data
