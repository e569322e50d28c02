"""How the shards of a log hang together, and whether what the log says about itself is so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from config.errors import LogDamaged
from exporters.evidence import layout, retention
from exporters.evidence.findings import Findings
from exporters.evidence.leaf import CheckpointLeaf, Erasure, Hold, Leaf, Release, Retention, Shard
from exporters.evidence.retention import parse_holds, spelled
from exporters.evidence.verify_heads import Head

About = Sequence[tuple[str, int, Leaf]]
"""Leaves about the log, with shard and entry."""
_Entries: TypeAlias = defaultdict[str, set[int]]
T = TypeVar("T")


class _Erased(msgspec.Struct):
    """A line of the document of an erasure: ranges of entries, both ends included."""

    shard: str
    entries: list[tuple[int, int]]


class ChainCheck:
    """Checks a log whose shards were read.

    Args:
        heads: of each shard that is there, oldest first; about: what the log says of itself.
        is_export: shards before and behind, and holds, need not be there.
    """

    def __init__(
        self,
        directory: Path,
        heads: Mapping[str, Sequence[Head]],
        sizes: Mapping[str, int],
        about: About,
        findings: Findings,
        *,
        is_export: bool = False,
    ) -> None:
        self._directory = directory
        self._heads = heads
        self._sizes = sizes
        self._about = about
        self._findings = findings
        self._is_export = is_export

    def run(self) -> None:
        """Check everything but erasures, which need payloads."""
        self._check_beginnings()
        self._check_order()
        self._check_checkpoints()
        self._check_removed()
        if not self._is_export:
            self._check_holds()
        self._check_origins()

    def check_erasures(
        self,
        erased: Mapping[str, Collection[int]],
        document_of: Callable[[str, int], bytes | None],
        still_there: Callable[[str, Collection[int]], Collection[int]],
    ) -> None:
        """Each payload that is gone is named by an erasure, and each that is named by one is gone.

        Args:
            erased: entries without their payload, by shard; document_of: the document of an entry.
            still_there: those of some entries of a shard that have a payload now.
        """
        named, under_way = self._named(document_of)
        for shard, gone in erased.items():
            for entry in sorted(set(gone) - named[shard]):
                where = self._where(shard, entry)
                self._findings.add(where, "its payload is erased, and no erasure of the log names it", "erased")
            for entry in still_there(shard, named[shard].difference(gone)):
                self._not_erased(shard, entry, is_under_way=entry in under_way[shard])

    def _named(self, document_of: Callable[[str, int], bytes | None]) -> tuple[_Entries, _Entries]:
        """What erasures name, by shard; and of that, what the last entry of the log names, which may still be under way."""
        named: _Entries = defaultdict(set)
        under_way: _Entries = defaultdict(set)
        newest = max(self._sizes, default="")
        for shard, entry, _ in self._of(Erasure):
            is_last = shard == newest and entry == self._sizes[shard] - 1
            for line in self._read(shard, entry, document_of(shard, entry)):
                size = self._sizes.get(line.shard, 0)
                for first, last in line.entries:
                    entries = range(first, min(last + 1, size))
                    named[line.shard].update(entries)
                    if is_last:
                        under_way[line.shard].update(entries)
        return named, under_way

    def _not_erased(self, shard: str, entry: int, *, is_under_way: bool) -> None:
        where = self._where(shard, entry)
        if is_under_way:
            self._findings.note(where, "an erasure names its payload, and is under way or was interrupted", "kept")
        else:
            self._findings.add(
                where, "its payload is there, though an erasure of the log names it: it was put back", "kept"
            )

    def _of(self, kind: type[T]) -> Iterable[tuple[str, int, T]]:
        return ((shard, entry, leaf) for shard, entry, leaf in self._about if isinstance(leaf, kind))

    def _where(self, shard: str, entry: int) -> str:
        return f"{self._directory / shard}, entry {entry}"

    def _check_beginnings(self) -> None:
        """Entry 0 of a shard says which one came before, and no other entry does."""
        begun = set()
        for shard, entry, leaf in self._of(Shard):
            if entry == 0:
                begun.add(shard)
                self._check_previous(shard, leaf)
            else:
                self._findings.add(self._where(shard, entry), "a shard begins within a shard")
        for shard in self._heads:
            if shard not in begun and self._sizes[shard]:
                self._findings.add(
                    self._where(shard, 0), "the shard does not begin with the leaf that says which one was before"
                )

    def _check_previous(self, shard: str, leaf: Shard) -> None:
        where = self._where(shard, 0)
        before = max((name for name in self._heads if name < shard), default=None)
        if leaf.previous is None or leaf.note is None:
            if before is not None and self._sizes[before]:
                self._findings.add(where, f"says that no shard was before it, but {before} was")
            return
        if leaf.previous not in self._heads:
            return  # removed, or missing: see _check_removed
        heads = self._heads[leaf.previous]
        if leaf.previous != before:
            self._findings.add(where, f"follows shard {leaf.previous}, but {before} lies between them")
        if not heads or heads[-1].note != leaf.note.encode():
            self._findings.add(
                where, f"the last checkpoint of {leaf.previous} is another one than this shard was begun with"
            )

    def _check_order(self) -> None:
        """An old shard is signed as a whole."""
        for shard in list(self._heads)[:-1]:
            signed = self._heads[shard][-1].size if self._heads[shard] else 0
            if self._sizes[shard] > signed:
                self._findings.add(
                    self._directory / shard,
                    f"its last checkpoint covers {signed} of {self._sizes[shard]} entries, though it ended",
                )

    def _check_checkpoints(self) -> None:
        """Each checkpoint that the log mentions is there."""
        for shard, entry, leaf in self._of(CheckpointLeaf):
            known = {head.size: head.root for head in self._heads[shard]}
            if known.get(leaf.size) != leaf.root:
                self._findings.add(
                    self._where(shard, entry),
                    f"a checkpoint over {leaf.size} entries was signed, and is not among checkpoints",
                    "mentioned",
                )

    def _check_removed(self) -> None:
        """A shard that others follow, and that is not there, was removed after its time."""
        removed = {leaf.shard: leaf for _, _, leaf in self._of(Retention)}
        for shard, _, leaf in self._of(Shard):
            if leaf.previous is None or leaf.note is None or leaf.previous in self._heads:
                continue
            retention = removed.get(leaf.previous)
            if self._is_export and leaf.previous < min(self._heads):
                self._findings.note(self._directory / shard, f"the shard before it, {leaf.previous}, was not exported")
            elif retention is None:
                self._findings.add(
                    self._directory / leaf.previous,
                    f"the shard is missing, though {shard} follows it and nothing says that it was removed",
                )
            elif leaf.note.split("\n")[1:2] != [str(retention.size)]:
                self._findings.add(
                    self._where(shard, 0), f"shard {leaf.previous} was removed at another size than it was signed"
                )

    def _check_holds(self) -> None:
        """``holds.jsonl`` holds what was held and not released."""
        held: dict[str, Hold] = {}
        for _, _, leaf in self._about:
            if isinstance(leaf, Hold):
                held[leaf.hold] = leaf
            elif isinstance(leaf, Release):
                held.pop(leaf.hold, None)
        path = self._directory / layout.HOLDS
        data = path.read_bytes() if path.is_file() else b""
        try:
            holds = parse_holds(data, path)
        except LogDamaged as error:
            self._findings.damaged(error)
            return
        if data != spelled(holds):
            self._findings.add(path, "holds more than one hold a line")
        written = {hold.hold: hold for hold in holds}
        for name, leaf in held.items():
            if not _is_of(leaf, written.pop(name, None)):
                self._findings.add(path, f"the hold {name!r} is not the one that the log has", "hold")
        for name in written:
            self._findings.note(path, f"the hold {name!r} is no entry of the log yet")

    def _check_origins(self) -> None:
        """All shards are of one log."""
        names = {head.origin.rpartition("/")[0]: shard for shard, heads in self._heads.items() for head in heads[-1:]}
        if len(names) > 1:
            self._findings.add(self._directory, f"shards of several logs: {', '.join(sorted(names))}")

    def _read(self, shard: str, entry: int, document: bytes | None) -> Sequence[_Erased]:
        try:
            return [msgspec.json.decode(line, type=_Erased) for line in (document or b"").splitlines()]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._findings.add(self._where(shard, entry), f"the erasure does not say what was erased: {error}")
            return []


def _is_of(leaf: Hold, hold: retention.Hold | None) -> bool:
    """Whether a hold in force is the one of which an entry says that it was placed."""
    return hold is not None and hold == retention.Hold(
        leaf.hold, tuple(leaf.shards), leaf.actor, leaf.reason, leaf.logged
    )
