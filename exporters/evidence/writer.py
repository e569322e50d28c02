"""The writer of the evidence log.

    append, sync      the step's entries, then they are on the disk
    recorded          the state's transaction is durable, and holds the size that ``sync`` gave
    cut_back          the step failed: the log is what it was
    publish           tiles and a signed head over the recorded size

A signed head never covers more than the state has recorded. So after a crash a longer log is cut back to that size, and a
shorter or another one refuses to open: somebody restored an older copy, or removed something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from config.errors import EvidenceError, LogUnwritable
from exporters.evidence import layout
from exporters.evidence.entries import SALT_BYTES, Entries, joined
from exporters.evidence.erase import erase_entries
from exporters.evidence.files import DiskFiles, Files
from exporters.evidence.frames import FrameEncoder
from exporters.evidence.heads import Signed
from exporters.evidence.keys import add_verifier, read_verifiers
from exporters.evidence.loading import NOTHING, Cut, Loader
from exporters.evidence.log_leaves import checkpoint_leaf, shard_leaf
from exporters.evidence.note import Signer
from exporters.evidence.recorded import LastSigned, Recorded
from exporters.evidence.shard_writer import ShardWriter


class EvidenceLog:
    """The open log; owned by one thread.

    Attributes:
        directory: of the log; name: the origin of its checkpoints, before the shard's.
        files: the file system.
        cut: what the last ``open`` or ``cut_back`` cut off; ``None`` if nothing.
    """

    def __init__(self, directory: Path, signers: Sequence[Signer], name: str, files: Files) -> None:
        """Not for callers: see ``open``."""
        self.directory = directory
        self.name = name
        self.cut: Cut | None = None
        self._signers = signers
        self.files = files
        self._encoder = FrameEncoder()
        self._shard: ShardWriter
        with _said(directory):
            self._lock = files.lock(directory / layout.LOCK)
        self._pending: list[Entries] = []
        self._failed: str | None = None
        self._signed_us: int | None = None
        self._before: Signed | None = None
        self._held: LastSigned | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        recorded: Recorded | None,
        now_us: int,
        *,
        name: str,
        signed: LastSigned | None = None,
        successor: Signer | None = None,
        files: Files | None = None,
    ) -> Self:
        """Open or begin a log, at the size that the state has recorded.

        Args:
            recorded: ``None`` where the state knows of no log yet.
            name: the log's identity, first part of the origin line; without spaces and ``+``.
            signed: the last head that the state knows to be signed: the log must continue it.
            successor: of the signer, while keys are exchanged: both sign.
            files: another file system than the real one.

        Raises:
            LogLocked: another process writes this log.
            LogRolledBack: it holds less than was recorded, something was signed that the state does not know, or what was
                signed is not what is there.
            LogDamaged: what was recorded is torn or changed.
            LogUnwritable: the directory cannot be made or written, or the disk fails.
        """
        signers = (signer,) if successor is None else (signer, successor)
        log = cls(directory, signers, name, files or DiskFiles())
        log._held = signed
        try:
            with _said(directory):
                add_verifier(directory / layout.VERIFIERS, *(each.verifier for each in signers))
                log.files.measure(directory)
                log._load(recorded or Recorded(layout.shard_of(now_us), 0), new=recorded is None)
        except BaseException:
            log.close()
            raise
        return log

    @property
    def shard(self) -> str:
        """The month that is written."""
        return self._shard.name

    @property
    def size(self) -> int:
        """Entries of the shard that are on the disk."""
        return self._shard.size

    @property
    def last_signed(self) -> Signed | None:
        """The last head that was signed: right behind the turn of a month, that of the shard before."""
        return self._shard.heads.last or self._before

    @property
    def bytes_on_disk(self) -> int:
        """Bytes of all files of the log."""
        return self.files.bytes_on_disk

    def append(self, entries: Entries, now_us: int) -> None:
        """Take entries of the step; ``sync`` writes them. The first ones of a month begin a new shard.

        Args:
            now_us: the agent's clock; ``logged`` of what the log adds about itself.

        Raises:
            LogUnwritable: the last step failed, and ``cut_back`` was not called; or the old shard cannot be finished.
        """
        with self._written():
            if not self._pending and self._shard.size == self._shard.recorded:
                self._turn_month(now_us)
                self._pending += self._about_itself(now_us)
            self._pending.append(entries)

    def sync(self) -> Recorded:
        """Write what was appended, and return when it is on the disk: the size that the state's transaction records.

        Raises:
            LogUnwritable: it is not, and nothing of it counts; ``cut_back`` is next.
            EvidenceError: a leaf is longer than an entry may be.
        """
        with self._written():
            if self._pending:
                self._shard.write(joined(self._pending))
                self._pending.clear()
        return Recorded(self.shard, self.size)

    def recorded(self) -> None:
        """The state's transaction is durable. Ranges that are full become packs.

        Raises:
            LogUnwritable: a pack cannot be written. All is recorded nevertheless; ``cut_back`` to the new size is next.
        """
        self._shard.recorded = self._shard.size
        with self._written():
            self._shard.pack()

    def cut_back(self, recorded: Recorded | None) -> None:
        """The step failed: cut back to what the state has recorded, reading it again from the disk.

        Args:
            recorded: as the state now holds it; ``None`` if it knows of no log yet.

        Raises:
            LogUnwritable: the disk still fails; to be tried again.
            LogDamaged, LogRolledBack: what was recorded or signed is no longer what was written.
        """
        self._pending.clear()
        self.cut = None
        if self._failed is None and recorded == (self.shard, self.size):
            return
        with _said(self.directory):
            for segment in self._shard.segments:
                segment.cut()
            self._load(recorded or Recorded(self.shard, 0), new=recorded is None)
        self._failed = None

    def publish(self, now_us: int) -> Signed | None:
        """Write the tiles of the recorded size and sign its head; ``None`` if nothing is new.

        The next entries begin with a leaf that says so. To be called between steps, not between ``append`` and ``recorded``.

        Raises:
            LogUnwritable: the disk did not take it; the same call may succeed later.
        """
        assert not self._pending, "a head covers recorded entries only: sync first"
        assert self._shard.size == self._shard.recorded, "a head covers recorded entries only: recorded() comes first"
        with _said(self.directory):
            signed = self._shard.publish(self._signers, self.name)
        if signed is not None:
            self._signed_us = now_us
            self._hold(signed)
        return signed

    def erase(self, entries: Mapping[str, Collection[int]]) -> None:
        """Erase payloads for good, by shard; between steps, and behind the erasure's leaf.

        Raises:
            LogUnwritable: the disk did not take it; ``cut_back``, then the same call, which changes nothing twice.
            LogDamaged: a file is not what was written.
        """
        assert self._shard.size == self._shard.recorded, "what is erased must be recorded"
        recorded = Recorded(self.shard, self.size)
        with self._written():
            self._shard.close()
            for shard, chosen in entries.items():
                erase_entries(self.files, self.directory / shard, chosen, self._encoder)
            self._load(recorded, new=False)

    def close(self) -> None:
        """Let others write; safe twice. What was appended and not synced is dropped."""
        if hasattr(self, "_shard"):
            self._shard.close()
        if self._lock is not None:
            self._lock.close()

    def _turn_month(self, now_us: int) -> None:
        """Finish the old shard with its last head, and go on in the new one. A clock that goes back changes nothing."""
        shard = layout.shard_of(now_us)
        if shard <= self.shard:
            return
        self._shard.finish(self._signers, self.name)
        self._before = self.last_signed
        self._hold(self._before)
        self._shard = ShardWriter(self.files, self.directory / shard, self._encoder)

    def _hold(self, signed: Signed | None) -> None:
        """What is read again from the disk must continue this head."""
        if signed is not None:
            self._held = LastSigned(signed.shard, signed.size, signed.root)

    def _about_itself(self, now_us: int) -> list[Entries]:
        """What the log has to say before the next entries."""
        if self.size == 0:
            return [_entry(shard_leaf(*self._shard_before(), now_us))]
        last = self._shard.heads.last
        if last is not None and last.size == self.size:
            return [_entry(checkpoint_leaf(last.size, last.root, self._signed_us or now_us))]
        return []

    def _shard_before(self) -> tuple[str | None, str | None]:
        """Name and last note of the shard before."""
        if self._before is None:
            return None, None
        return self._before.shard, self._before.note.decode()

    def _load(self, recorded: Recorded, *, new: bool) -> None:
        loader = Loader(
            self.files, self._encoder, read_verifiers(self.directory / layout.VERIFIERS), self.name, self._held
        )
        names = self.files.names(self.directory)
        for name in names:
            if name.endswith(layout.GONE):
                self.files.remove_tree(self.directory / name)
        unknown = [name for name in names if layout.is_shard(name) and (new or name > recorded.shard)]
        cut = sum((loader.discard(self.directory / name) for name in unknown), NOTHING)
        self._before = loader.last_before(self.directory, recorded.shard)
        self._shard, cut_here = loader.load(self.directory / recorded.shard, recorded.size)
        self.cut = cut + cut_here if cut + cut_here != NOTHING else None

    @contextmanager
    def _written(self) -> Iterator[None]:
        """What fails within leaves the log failed until it is cut back: of its files nothing is known any more."""
        if self._failed is not None:
            raise LogUnwritable(self._failed)
        try:
            with _said(self.directory):
                yield
        except EvidenceError as error:
            self._failed = str(error)
            raise


def _entry(leaf: bytes) -> Entries:
    return Entries([leaf], [None], bytes(SALT_BYTES))


@contextmanager
def _said(directory: Path) -> Iterator[None]:
    """Errors of the file system, as errors of the log."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        raise LogUnwritable(
            f"{where}: {error.strerror or error}. Check the disk, its space and the permissions; the step is tried again"
        ) from error
