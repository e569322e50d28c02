"""One range of a shard, open for reading, beside a writer that may append to it or pack it meanwhile.

A range lies in a pack and a payload file or, while it is written, in a segment, whose last frame may not be whole yet. In an
export as tiles it lies in entry bundles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal, NamedTuple, Self

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.frame_file import FrameFile
from exporters.evidence.frames import ENTRIES, ENTRIES_PER_FRAME, PAYLOADS, RANGE_ENTRIES, Frame
from exporters.evidence.pack import FRAMES, Pack
from exporters.evidence.paths import decode_bundle, entries_path, parse_entries_path

Form = Literal["pack", "segment", "tiles"]


class EntryBlock(NamedTuple):
    """Consecutive entries, never across a multiple of 256.

    Attributes:
        first: index of the first one; size: how many there should be.
        where: file, and byte offset in it; raw: the entries, each behind its length.
    """

    first: int
    size: int
    where: str
    raw: bytes

    @property
    def end(self) -> int:
        """Index behind the last one."""
        return self.first + self.size

    def entries(self) -> list[bytes]:
        """The entries.

        Raises:
            LogDamaged: one is cut off, or there are more or fewer.
        """
        return decode_bundle(self.raw, self.where, self.first, self.size)


class RangeReader:
    """Entries and payloads of a range, in their order. Close it, or use it as a context.

    Attributes:
        number: of the range; form: how it lies there; end: index behind its last entry.
        framed: the segment or payload file; ``None`` where there is none.
    """

    def __init__(self, shard: Path, number: int, form: Form) -> None:
        """Raises:
        FileNotFoundError: the range does not lie there in this form, or no longer.
        LogDamaged: the trailer of the pack is not what was written.
        """
        self.number = number
        self.form = form
        self.framed: FrameFile | None = None
        self._opened = ExitStack()
        self._first = number * RANGE_ENTRIES
        opens: dict[Form, Callable[[Path], None]] = {
            "pack": self._open_pack,
            "segment": self._open_segment,
            "tiles": self._open_tiles,
        }
        try:
            opens[form](shard)
        except BaseException:
            self.close()
            raise

    def entry_blocks(self, first: int = 0) -> Iterator[EntryBlock]:
        """Entries, from the block that holds entry ``first`` on.

        Raises:
            LogDamaged: a block is not what was written.
        """
        return self._blocks(max(first, self._first))

    def payload_frames(self, first: int = 0) -> Iterator[Frame]:
        """Frames of payloads, from the one that speaks of entry ``first`` on.

        Raises:
            LogDamaged: a frame is not what was written.
        """
        return iter(()) if self.framed is None else self.framed.frames(PAYLOADS, first)

    def close(self) -> None:
        """Give the descriptors back; safe twice."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_pack(self, shard: Path) -> None:
        path = layout.range_path(shard, layout.PACK, self.number)
        pack = Pack(self._opened.enter_context(path.open("rb")), str(path), self.number)
        self._open_payloads(shard)
        self.end = self._first + RANGE_ENTRIES

        def blocks(first: int) -> Iterator[EntryBlock]:
            frames = range((first - self._first) // ENTRIES_PER_FRAME, FRAMES)
            return map(_block_of, map(pack.frame, frames))

        self._blocks = blocks

    def _open_segment(self, shard: Path) -> None:
        path = layout.range_path(shard, layout.SEGMENT, self.number)
        segment = self.framed = FrameFile(path, (ENTRIES, PAYLOADS))
        self._opened.callback(segment.close)
        self.end = segment.end(ENTRIES, self._first)
        self._blocks = lambda first: map(_block_of, segment.frames(ENTRIES, first))

    def _open_tiles(self, shard: Path) -> None:
        bundles = _bundles(shard, self.number)
        if not bundles:
            raise FileNotFoundError(shard / entries_path(self.number * FRAMES))
        self._open_payloads(shard)
        self.end = bundles[-1].end
        self._blocks = lambda first: (block._replace(raw=_read(block)) for block in bundles if block.end > first)

    def _open_payloads(self, shard: Path) -> None:
        path = layout.range_path(shard, layout.PAYLOAD, self.number)
        if path.is_file():
            self.framed = FrameFile(path, (PAYLOADS,))
            self._opened.callback(self.framed.close)


def open_range(shard: Path, number: int, *, of_tiles: bool = False) -> RangeReader | None:
    """The range as it lies now; ``None`` where there is none.

    Args:
        of_tiles: the shard is exported as tiles. In a log, bundles are derived, and stand in for nothing.

    Raises:
        LogDamaged: as ``RangeReader``.
    """
    now: Form = "pack" if is_packed_now(shard, number) else "segment"
    forms: tuple[Form, ...] = ("tiles",) if of_tiles else (now, "pack", "segment")
    for form in forms:  # a segment may become a pack between two looks
        try:
            return RangeReader(shard, number, form)
        except FileNotFoundError:
            continue
    return None


def is_packed_now(shard: Path, number: int) -> bool:
    """Whether the packing of a range was finished; before that its segment counts."""
    kinds = (layout.PACK, layout.PAYLOAD, layout.INDEX)
    has_segment = layout.range_path(shard, layout.SEGMENT, number).is_file()
    return not has_segment or all(layout.range_path(shard, kind, number).is_file() for kind in kinds)


def range_count(shard: Path) -> int:
    """How many ranges a shard has, as far as its files say; one that is missing within counts."""
    numbers = {
        *layout.ranges(shard, layout.SEGMENT),
        *layout.ranges(shard, layout.PACK),
    }  # as they move: none is missed
    if not numbers:
        return _bundle_count(shard)
    return max(numbers) + 1


def _block_of(frame: Frame) -> EntryBlock:
    return EntryBlock(frame.head.first, frame.head.count, frame.where, frame.raw())


def _bundles(shard: Path, number: int) -> list[EntryBlock]:
    """The bundles of a range, unread; they end before the first one that is missing."""
    found = []
    for index in range(number * FRAMES, (number + 1) * FRAMES):
        width = _width_of(shard, index)
        if width:
            path = shard / entries_path(index, width)
            found.append(EntryBlock(index * ENTRIES_PER_FRAME, width, str(path), b""))
        if width < ENTRIES_PER_FRAME:
            break
    return found


def _width_of(shard: Path, index: int) -> int:
    """Entries of the widest bundle of a number; 0 where there is none."""
    path = shard / entries_path(index)
    if path.is_file():
        return ENTRIES_PER_FRAME
    partial = path.with_name(path.name + ".p")
    names = [file.name for file in partial.iterdir()] if partial.is_dir() else []
    return max((int(name) for name in names if re.fullmatch(r"[1-9]\d{0,2}", name)), default=0) % ENTRIES_PER_FRAME


def _bundle_count(shard: Path) -> int:
    """How many ranges the bundles of a shard reach into."""
    last = -1
    for path in layout.files_below(shard / layout.TILE / "entries"):
        with suppress(LogDamaged):
            last = max(last, parse_entries_path(path.relative_to(shard).as_posix()).index)
    return last // FRAMES + 1


def _read(block: EntryBlock) -> bytes:
    return Path(block.where).read_bytes()
