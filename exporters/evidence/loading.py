"""Loading a shard from the disk, up to the size that the state has recorded: all that opening and cutting back do.

What lies behind that size was never acknowledged and never signed, so it is cut off. What lies before it must be there, and
must give the root that was signed: by the shard's own files, and by the state, which whoever changes those does not reach.
Packs are not read: the tiles above them give the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.errors import LogDamaged, LogRolledBack
from exporters.evidence import layout
from exporters.evidence.edge import edge_of_ranges
from exporters.evidence.files import Files, replace
from exporters.evidence.frames import RANGE_ENTRIES, FrameEncoder
from exporters.evidence.heads import Heads, Signed, origin_of
from exporters.evidence.index import Index
from exporters.evidence.note import Verifier
from exporters.evidence.pack import FRAMES, Pack
from exporters.evidence.paths import decode_bundle
from exporters.evidence.recorded import LastSigned
from exporters.evidence.segment import Scan, Segment, count_beyond, scan
from exporters.evidence.shard_writer import ShardWriter
from exporters.evidence.spelling import encode_base64

RESTORE = (
    "State and log must be of the same moment: bring back the copy of both, or move this log aside, where it stays "
    "verifiable, and start with a new one and an empty state"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """What lay behind the recorded size, and was cut off.

    Attributes:
        entries: as far as they could be read; bytes: with a torn rest.
    """

    entries: int = 0
    bytes: int = 0

    def __add__(self, other: Cut) -> Cut:
        return Cut(self.entries + other.entries, self.bytes + other.bytes)


NOTHING = Cut()


@dataclass(slots=True)
class Loader:
    """How shards of a log are loaded.

    Attributes:
        verifiers: keys that may have signed; name: of the log, before the shard's in the origin.
        signed: a head that was signed for certain, whatever the files say; ``None`` where none is known.
    """

    files: Files
    encoder: FrameEncoder
    verifiers: Sequence[Verifier]
    name: str
    signed: LastSigned | None = None

    def load(self, path: Path, recorded: int) -> tuple[ShardWriter, Cut]:
        """The shard at its recorded size.

        Raises:
            LogRolledBack: it holds less than was recorded, or less or something else than was signed, or was recorded
                further before.
            LogDamaged: what was recorded is torn or changed, or does not give the signed root.
        """
        present = self._clean(path)
        shard = ShardWriter(self.files, path, self.encoder)
        shard.recorded = recorded
        shard.heads.load(self.verifiers, origin_of(self.name, path.name))
        if shard.signed_size > recorded:
            raise LogRolledBack(
                f"{path}: a checkpoint over {shard.signed_size} entries was signed, but the state has recorded {recorded}. "
                f"The state is an older copy. {RESTORE}"
            )
        packed = self._packed_ranges(path, recorded, present)
        shard.edge = edge_of_ranges(packed, shard.full.hashes)
        cut = self._load_segments(shard, path, present)
        _check_root(shard, path)
        self._check_signed(shard, path)
        loose = {name for name in (file.relative_to(path).as_posix() for file in present) if _is_loose(name)}
        shard.loose.load(shard.edge, shard.segments[0] if shard.segments else None, shard.signed_size, loose)
        shard.pack()
        return shard, cut

    def discard(self, path: Path) -> Cut:
        """Remove a shard that the state knows nothing of.

        Raises:
            LogRolledBack: a checkpoint of it was signed.
        """
        heads = Heads(self.files, path)
        heads.load(self.verifiers, origin_of(self.name, path.name))
        if heads.last is not None:
            raise LogRolledBack(
                f"{path}: a checkpoint over {heads.last.size} entries was signed, but the state has recorded none of them. "
                f"The state is new or an older copy. {RESTORE}"
            )
        segments = [file for file in self.files.walk(path) if layout.kind_of(file, path) == layout.SEGMENT]
        cut = sum((self._cut_size(file) for file in segments), NOTHING)
        self.files.remove_tree(path)
        return cut

    def last_before(self, directory: Path, shard: str) -> Signed | None:
        """The last head of the newest shard before this one.

        Raises:
            LogDamaged: it does not verify.
        """
        older = [name for name in self.files.names(directory) if layout.is_shard(name) and name < shard]
        for name in reversed(older):
            heads = Heads(self.files, directory / name)
            heads.load(self.verifiers, origin_of(self.name, name))
            if heads.last is not None:
                return heads.last
        return None

    def _clean(self, path: Path) -> dict[Path, int]:
        """The files of a shard, without those whose writing was interrupted."""
        present = self.files.walk(path)
        for file in [file for file in present if file.name.endswith(layout.FRESH)]:
            self.files.remove(file)
            del present[file]
        return present

    def _check_signed(self, shard: ShardWriter, path: Path) -> None:
        """The shard continues the head that was signed for certain: signing another one of its size would contradict it."""
        signed = self.signed
        if signed is None or signed.shard != path.name:
            return
        if shard.signed_size >= signed.size and _root_at(shard, signed.size) == signed.root:
            return
        last = shard.heads.last
        found = "none" if last is None else f"one over {last.size} entries with root {encode_base64(last.root)}"
        raise LogRolledBack(
            f"{path}: a checkpoint over {signed.size} entries with root {encode_base64(signed.root)} was signed; the "
            f"directory has {found}, which does not continue it. It was changed, or is another copy. {RESTORE}"
        )

    def _packed_ranges(self, path: Path, recorded: int, present: dict[Path, int]) -> int:
        """How many ranges are packed; a missing index is built again."""
        full = recorded // RANGE_ENTRIES
        packed = 0
        while packed < full and _has(path, packed, present, layout.PACK, layout.PAYLOAD):
            if not _has(path, packed, present, layout.INDEX):
                if _has(path, packed, present, layout.SEGMENT):
                    break  # packing was interrupted: it is done again
                self._index_again(path, packed)
            packed += 1
        beyond = [number for number in _numbers(path, present, layout.PACK) if number >= full]
        if beyond:
            raise LogRolledBack(
                f"{path}: packs hold entries up to {(max(beyond) + 1) * RANGE_ENTRIES}, which were recorded, but the state "
                f"has recorded {recorded}. The state is an older copy. {RESTORE}"
            )
        return packed

    def _load_segments(self, shard: ShardWriter, path: Path, present: dict[Path, int]) -> Cut:
        """Read what is recorded in segments, and cut off the rest."""
        needed = range(shard.edge.packed, -(-shard.recorded // RANGE_ENTRIES))
        cut = NOTHING
        for number in needed:
            file = layout.range_path(path, layout.SEGMENT, number)
            if file not in present:
                raise LogRolledBack(
                    f"{path}: the state has recorded {shard.recorded} entries, but those from {number * RANGE_ENTRIES} on "
                    f"are gone: there is no {file.relative_to(path)}, nor pack and payload file of that range. {RESTORE}"
                )
            found = self._scan(file, number, min(shard.recorded, (number + 1) * RANGE_ENTRIES))
            shard.edge.extend(found.hashes)
            shard.segments.append(Segment(self.files, file, number, found.size, found.starts))
            cut += self._cut(file, found, present[file])
        for number in _numbers(path, present, layout.SEGMENT):
            file = layout.range_path(path, layout.SEGMENT, number)
            if number >= needed.stop:
                cut += self._cut_size(file)
            if number not in needed:
                self.files.remove(file, durable=True)
        return cut

    def _scan(self, file: Path, number: int, until: int) -> Scan:
        try:
            return scan(self.files, file, number, until)
        except LogDamaged as error:
            raise LogDamaged(
                error.where, f"{error.what}, but the state has recorded {until} entries. {RESTORE}"
            ) from error

    def _cut(self, file: Path, found: Scan, size: int) -> Cut:
        if size == found.size:
            return NOTHING
        self.files.truncate(file, found.size)
        return Cut(found.beyond, size - found.size)

    def _cut_size(self, file: Path) -> Cut:
        return Cut(*count_beyond(self.files, file))

    def _index_again(self, path: Path, number: int) -> None:
        name = layout.range_path(path, layout.PACK, number)
        leaves: list[bytes] = []
        with self.files.read(name) as file:
            pack = Pack(file, str(name), number)
            for frame in map(pack.frame, range(FRAMES)):
                leaves += decode_bundle(frame.raw(), frame.where, frame.head.first, frame.head.count)
        replace(self.files, layout.range_path(path, layout.INDEX, number), Index.of(leaves).to_bytes(), durable=True)


def _check_root(shard: ShardWriter, path: Path) -> None:
    """The entries that were signed must still be those."""
    last = shard.heads.last
    if last is None:
        return
    if _root_at(shard, last.size) != last.root:
        raise LogDamaged(
            str(path),
            f"the first {last.size} of {shard.recorded} entries do not give the root that was signed over them. "
            f"`wachter log verify` names what was changed. {RESTORE}",
        )


def _root_at(shard: ShardWriter, size: int) -> bytes:
    """The root of the tree over the first ``size`` entries, of those that are there."""
    edge = shard.edge
    if size < edge.base:
        ranges, rest = divmod(size, RANGE_ENTRIES)
        edge = edge_of_ranges(ranges, shard.full.hashes)
        edge.extend(shard.full.leaves(ranges, rest) if rest else [])
    return edge.root(size)


def _has(path: Path, number: int, present: dict[Path, int], *kinds: str) -> bool:
    return all(layout.range_path(path, kind, number) in present for kind in kinds)


def _numbers(path: Path, present: dict[Path, int], kind: str) -> list[int]:
    """The ranges that have a file of a kind, in order."""
    names = (file.relative_to(path / kind).as_posix() for file in present if layout.kind_of(file, path) == kind)
    return sorted(number for name in names if (number := layout.parse_range(name)) is not None)


def _is_loose(name: str) -> bool:
    """Whether a file below a shard is a tile or a bundle that may go again."""
    return name.startswith((f"{layout.TILE}/0/", f"{layout.TILE}/entries/")) or (
        name.startswith(f"{layout.TILE}/") and ".p/" in name
    )
