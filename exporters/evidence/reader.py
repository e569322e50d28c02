"""Reading a log: entries, payloads, hashes for proofs, and the entries of an id; offline, or beside the agent that writes.

Everything is read in bounded memory: a frame of entries or payloads at a time. What is read is checked against the digests
of its frames alone; ``verify.py`` checks it against what was signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from config.errors import EvidenceError, KeyFileError, LogDamaged, NoteError
from exporters.evidence import layout
from exporters.evidence.bundle_manifest import read_manifest
from exporters.evidence.entries import SEALED
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.hash_reader import HashReader
from exporters.evidence.heads import Signed
from exporters.evidence.index import indexed_id
from exporters.evidence.index_search import candidates
from exporters.evidence.keys import read_verifiers
from exporters.evidence.note import Checkpoint, Verifier, open_checkpoint, text_of
from exporters.evidence.payload_frame import ERASED, PayloadBlock, parse
from exporters.evidence.proofs import ReadHash
from exporters.evidence.range_reader import RangeReader, open_range, range_count

PayloadState = Literal["plain", "sealed", "absent", "erased"]


@dataclass(frozen=True, slots=True)
class Payload:
    """What lies beside an entry.

    Attributes:
        index: of the entry in its shard.
        data: as it is stored, sealed or not; ``None`` where the entry never had any (``absent``), or no longer has
            (``erased``).
        salt: 32 bytes; subject: tag of the person it speaks of, 0 for nobody.
    """

    index: int
    data: bytes | None
    salt: bytes
    state: PayloadState
    subject: int


class LogReader:
    """A log, or an export of one, that is read.

    Attributes:
        manifest: what an export says of itself; ``None`` for a log.

    Raises:
        EvidenceError: there is no such directory, or it holds no log.
    """

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise EvidenceError(f"{directory}: there is no such directory")
        self.directory = directory
        self.manifest = read_manifest(directory)
        if not (directory / layout.VERIFIERS).is_file() and not layout.shards(directory):
            raise EvidenceError(
                f"{directory}: holds no log: neither {layout.VERIFIERS} nor a shard such as 2026-11 lies there. "
                "Name the directory of the log itself; by default it is `log` in the state directory"
            )

    def shards(self) -> list[str]:
        """Names of the shards, the oldest first."""
        return layout.shards(self.directory)

    def path(self, shard: str) -> Path:
        """The directory of a shard."""
        return self.directory / shard

    def verifiers(self) -> tuple[Verifier, ...]:
        """The public keys that lie beside the log.

        Raises:
            KeyFileError: there are none that can be read.
        """
        return read_verifiers(self.directory / layout.VERIFIERS)

    def size(self, shard: str) -> int:
        """Entries of a shard that can be read, signed or not.

        Raises:
            LogDamaged: the last range cannot be read, or entries that the checkpoint speaks of are gone.
        """
        claimed = self._claimed(shard)  # first: what is signed was written before, so a live log holds at least as much
        size = self._size(shard)
        if size < claimed and self.path(shard).is_dir():
            raise LogDamaged(
                str(self.path(shard)),
                f"holds {size} entries, but its checkpoint covers {claimed}: a pack or segment is missing, or was cut off",
            )
        return size

    def _size(self, shard: str) -> int:
        for number in reversed(range(range_count(self.path(shard)))):
            found = self.open_range(shard, number)
            if found is not None:
                with found:
                    return found.end
        return 0

    def _claimed(self, shard: str) -> int:
        """Entries that the checkpoint of a shard speaks of, whoever signed it; 0 before the first one."""
        path = self.path(shard) / layout.CHECKPOINT
        try:
            return Checkpoint.parse(text_of(path.read_bytes())).size
        except FileNotFoundError:
            return 0
        except NoteError as error:
            raise LogDamaged(str(path), str(error)) from None

    def signed(self, shard: str, verifiers: tuple[Verifier, ...]) -> Signed | None:
        """The last signed head of a shard; ``None`` before the first one.

        Raises:
            NoteError: it does not verify.
        """
        path = self.path(shard) / layout.CHECKPOINT
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            checkpoint = open_checkpoint(note, verifiers)
        except NoteError as error:
            raise NoteError(f"{path}: {error}") from None
        return Signed(shard, checkpoint.size, checkpoint.root, note)

    def entries(self, shard: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries [start, stop) of a shard, or all from ``start`` on.

        Raises:
            LogDamaged: a frame or an entry is not what was written, or a range is missing.
        """
        for found in self._ranges(shard, start, stop):
            for block in found.entry_blocks(start):
                if stop is not None and block.first >= stop:
                    return
                yield from block.entries()[max(0, start - block.first) : None if stop is None else stop - block.first]

    def entry(self, shard: str, index: int) -> bytes:
        """One entry.

        Raises:
            EvidenceError: there is none.
        """
        for entry in self.entries(shard, index, index + 1):
            return entry
        raise EvidenceError(f"{self.path(shard)}: there is no entry {index}; the shard has {self.size(shard)}")

    def payload_blocks(self, shard: str, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, PayloadBlock]]:
        """Index of the first entry, and payloads as columns, of each frame that speaks of [start, stop).

        Raises:
            LogDamaged: a frame is not what was written.
        """
        for found in self._ranges(shard, start, stop):
            for frame in found.payload_frames(start):
                if stop is not None and frame.head.first >= stop:
                    return
                yield frame.head.first, parse(frame.raw(), frame.head.count, frame.where)

    def payloads(self, shard: str, start: int = 0, stop: int | None = None) -> Iterator[Payload]:
        """The payloads of the entries [start, stop), one each.

        Raises:
            LogDamaged: a frame is not what was written.
        """
        for first, block in self.payload_blocks(shard, start, stop):
            for payload in payloads_of(first, block):
                if payload.index >= start and (stop is None or payload.index < stop):
                    yield payload

    def hashes(self, shard: str) -> ReadHash:
        """``read(level, index)`` for proofs; checked by whoever checks the proof."""
        return HashReader(self.path(shard), lambda start, stop: self.entries(shard, start, stop)).read

    def find(self, text: str) -> list[tuple[str, int]]:
        """Shard and index of every entry with this id: the decision, its labels and reviews, or an incident's transitions.

        Packed ranges are looked up in their index, the others are read.

        Raises:
            LogDamaged: a range cannot be read.
        """
        return [(shard, index) for shard in self.shards() for index in self._find_in(shard, text)]

    def open_range(self, shard: str, number: int) -> RangeReader | None:
        """A range of a shard; ``None`` where there is none.

        Raises:
            LogDamaged: it cannot be read.
        """
        of_tiles = self.manifest is not None and self.manifest.layout == "tiles"
        return open_range(self.path(shard), number, of_tiles=of_tiles)

    def _find_in(self, shard: str, text: str) -> Iterator[int]:
        needle = msgspec.json.encode(text)
        for found in self._ranges(shard, 0, None):
            places = candidates(self.path(shard), found.number, text) if found.form == "pack" else None
            if places is None:
                yield from _scan(found, text, needle)
                continue
            for place in places:
                index = found.number * RANGE_ENTRIES + place
                if indexed_id(self.entry(shard, index)) == text:
                    yield index

    def _ranges(self, shard: str, start: int, stop: int | None) -> Iterator[RangeReader]:
        number = start // RANGE_ENTRIES
        while stop is None or number * RANGE_ENTRIES < stop:
            found = self.open_range(shard, number)
            if found is None:
                if self.size(shard) > number * RANGE_ENTRIES:
                    raise LogDamaged(str(self.path(shard)), f"the pack or segment of range {number} is missing")
                return
            with found:
                yield found
            number += 1


def payloads_of(first: int, block: PayloadBlock) -> Iterator[Payload]:
    """The payloads of a block, one for each of its entries."""
    columns = zip(block.payloads(), block.lengths.tolist(), block.forms.tolist(), block.subjects.tolist(), strict=True)
    for number, (data, length, form, subject) in enumerate(columns):
        state: PayloadState = "sealed" if form == SEALED else "plain"
        if data is None:
            state = "erased" if length == ERASED else "absent"
        yield Payload(first + number, data, block.salt(number), state, subject)


def _scan(found: RangeReader, text: str, needle: bytes) -> Iterator[int]:
    for block in found.entry_blocks():
        if needle not in block.raw:
            continue
        for number, entry in enumerate(block.entries()):
            if needle in entry and indexed_id(entry) == text:
                yield block.first + number


def trusted_keys(directory: Path, given: str | None) -> tuple[Verifier, ...]:
    """The public keys to verify with: a file, a key as text, or without either those that lie beside the log.

    Raises:
        KeyFileError, NoteError: they cannot be read.
    """
    if given is None:
        return read_verifiers(directory / layout.VERIFIERS)
    if Path(given).is_file():
        return read_verifiers(Path(given))
    if "+" not in given:
        raise KeyFileError(f"{given}: there is no such file, and it is no verifier key, which reads NAME+ID+BASE64")
    return (Verifier.parse(given),)
