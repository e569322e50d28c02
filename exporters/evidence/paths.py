"""Files of a log that others read: C2SP tlog-tiles.

    tile/<L>/<N>[.p/<W>]       hashes of level L, 32 bytes each: number N of the tiles of 256
    tile/entries/<N>[.p/<W>]   the entries behind tile N of level 0, each behind its length as big-endian uint16

N is written in groups of three digits, all but the last with an ``x``: 1234067 is ``x001/x234/067``. A tile that is not
full, at the right edge of the tree, has its width W behind it: one of level L has floor(size / 256^L) mod 256 hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.errors import EvidenceError, LogDamaged
from exporters.evidence.tree import TILE_WIDTH

MAX_ENTRY_BYTES = 65_535
MAX_LEVEL = 63

_LENGTH_BYTES = 2
_TILE_BITS = TILE_WIDTH.bit_length() - 1
_INDEX = r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
_TILE_PATH = re.compile(rf"tile/(?P<level>[0-9]{{1,2}})/{_INDEX}")
_ENTRIES_PATH = re.compile(rf"tile/entries/{_INDEX}")


@dataclass(frozen=True, slots=True)
class Tile:
    """``width`` hashes of a level, from hash ``index * 256`` on; full with 256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it lies in the directory of a log."""
        return tile_path(self.level, self.index, self.width)


@dataclass(frozen=True, slots=True)
class Bundle:
    """``width`` entries, from entry ``index * 256`` on; full with 256."""

    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it lies in the directory of a log."""
        return entries_path(self.index, self.width)


def tile_path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of tile ``n`` of a level, such as ``tile/0/x001/x234/067.p/8``."""
    if not 0 <= level <= MAX_LEVEL:
        raise ValueError(f"there is no level {level}; levels are 0 to {MAX_LEVEL}")
    return f"tile/{level}/{index_digits(n)}{_width_suffix(width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the entries behind tile ``n`` of level 0, such as ``tile/entries/067``."""
    return f"tile/entries/{index_digits(n)}{_width_suffix(width)}"


def index_digits(n: int) -> str:
    """Return a number as path: ``x001/x234/067`` for 1234067. No file name is that of a directory."""
    if n < 0:
        raise ValueError(f"there is no tile {n}")
    digits = f"{n % 1000:03d}"
    while n := n // 1000:
        digits = f"x{n % 1000:03d}/{digits}"
    return digits


def parse_tile_path(path: str) -> Tile:
    """Return the tile that a path names.

    Raises:
        LogDamaged: it is no path of a tile, or not the one spelling of it.
    """
    match = _TILE_PATH.fullmatch(path)
    if match and int(match["level"]) <= MAX_LEVEL and _is_width(match["width"]):
        tile = Tile(int(match["level"]), _parse_digits(match["index"]), int(match["width"] or TILE_WIDTH))
        if tile.path == path:
            return tile
    raise LogDamaged(path, "no path of a tile, which reads tile/LEVEL/x001/x234/067 or, not full, ….p/WIDTH")


def parse_entries_path(path: str) -> Bundle:
    """Return the bundle of entries that a path names.

    Raises:
        LogDamaged: it is no path of a bundle, or not the one spelling of it.
    """
    match = _ENTRIES_PATH.fullmatch(path)
    if match and _is_width(match["width"]):
        bundle = Bundle(_parse_digits(match["index"]), int(match["width"] or TILE_WIDTH))
        if bundle.path == path:
            return bundle
    raise LogDamaged(path, "no path of entries, which reads tile/entries/x001/x234/067 or, not full, ….p/WIDTH")


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree of ``size`` leaves, level by level, full ones first.

    With ``since``, only those that a tree of ``since`` leaves did not have in this width: what to write as it grows.
    """
    level = 0
    while count := size >> (_TILE_BITS * level):
        known = since >> (_TILE_BITS * level)
        for index, width in _groups(count, known):
            yield Tile(level, index, width)
        level += 1


def bundles(size: int, since: int = 0) -> Iterator[Bundle]:
    """Yield the bundles of a log of ``size`` entries; with ``since``, those that one of ``since`` entries did not have."""
    for index, width in _groups(size, since):
        yield Bundle(index, width)


def _groups(count: int, known: int) -> Iterator[tuple[int, int]]:
    """Number and width of the groups of 256 that ``count`` things make, without those that ``known`` made so already."""
    if count == known:
        return
    full, rest = divmod(count, TILE_WIDTH)
    for index in range(known // TILE_WIDTH, full):
        yield index, TILE_WIDTH
    if rest:
        yield full, rest


def encode_bundle(entries: Sequence[bytes], first: int = 0) -> bytes:
    """Return the entries, each behind its length; ``first`` is the number of the first one, for errors.

    Raises:
        EvidenceError: an entry, which is named, is too long.
    """
    parts: list[bytes] = []
    for number, entry in enumerate(entries, start=first):
        if len(entry) > MAX_ENTRY_BYTES:
            raise EvidenceError(
                f"entry {number} has {len(entry)} bytes; {MAX_ENTRY_BYTES} are the most: put the rest into its payload"
            )
        parts += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, where: str, first: int = 0, width: int | None = None) -> list[bytes]:
    """Return the entries of a bundle.

    Args:
        data: what ``encode_bundle`` wrote.
        where: file of the bundle, for errors.
        first: number of its first entry, for errors.
        width: how many entries there must be; ``None`` where that is not known.

    Raises:
        LogDamaged: an entry, which is named with its byte offset, is cut off, or there are more or fewer than ``width``.
    """
    entries: list[bytes] = []
    offset, end = 0, len(data)
    while offset < end:
        begin = offset + _LENGTH_BYTES
        stop = begin + (data[offset] << 8 | data[offset + 1]) if begin <= end else begin
        if stop > end:
            what = f"entry {first + len(entries)} at byte {offset} is cut off: the file ends at byte {end}"
            raise LogDamaged(where, what)
        entries.append(data[begin:stop])
        offset = stop
    if width is not None and len(entries) != width:
        raise LogDamaged(where, f"holds {len(entries)} entries from entry {first} on, not {width}")
    return entries


def _width_suffix(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a width of {width}; a tile has 1 to {TILE_WIDTH} hashes")
    return "" if width == TILE_WIDTH else f".p/{width}"


def _is_width(text: str | None) -> bool:
    return text is None or 1 <= int(text) < TILE_WIDTH


def _parse_digits(text: str) -> int:
    return int(text.replace("x", "").replace("/", ""))
