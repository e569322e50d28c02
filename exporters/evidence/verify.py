"""Verifying a log: whether it is what was written, from the directory and the public key alone.

Every entry is read once. Its frame has the right digest; it hashes to the tree whose roots were signed; its payload is what
it commits to; each record of a partition is there once. Beside that, each file is one that belongs here, and holds what can
be computed from the entries. What is wrong is named by file and byte or entry.

What this cannot see: entries behind the last checkpoint, where whoever can write may still change them; a whole tail that
was removed with its checkpoints, unless an older checkpoint that was kept elsewhere says so (``kept``); another payload in
place of a sealed one, unless its key is here (``find_key``); and what the producers of events never sent.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.commitment import DOCUMENT
from exporters.evidence.findings import Findings, Report
from exporters.evidence.note import Verifier
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import FindKey
from exporters.evidence.verify_again import still_there
from exporters.evidence.verify_chain import ChainCheck
from exporters.evidence.verify_directory import check_directory, check_listed
from exporters.evidence.verify_files import Circumstances, FileCheck
from exporters.evidence.verify_heads import Head, check_heads
from exporters.evidence.verify_kept import KeptCheck
from exporters.evidence.verify_keys import KeyCheck
from exporters.evidence.verify_leaves import LeafCheck
from exporters.evidence.verify_seals import SealCheck
from exporters.evidence.verify_shard import ShardCheck

Progress = Callable[[int, int], None]
_MORE_LOOKS = 3
"""How often what seems wrong is looked at again while a writer changes it."""


def verify(
    directory: Path,
    vkeys: Sequence[Verifier],
    *,
    payloads: bool = True,
    kept: bytes | None = None,
    find_key: FindKey | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Verify a log.

    Args:
        vkeys: the public keys that may have signed, beside those that the log leads to from them.
        payloads: whether to read payloads too; without them it is twice as fast, and says nothing about them.
        kept: an older checkpoint, or a copy of one, that this log must continue.
        find_key: the keys of the state that this log belongs to, by their ids; sealed payloads are then opened, and
            compared with their leaves.
        progress: told entries done and entries in all.

    Raises:
        EvidenceError: there is no such directory, or it holds no log.
    """
    reader = LogReader(directory)
    for _ in range(_MORE_LOOKS):
        shards = reader.shards()
        with suppress(FileNotFoundError):
            report = _Verification(reader, vkeys, payloads, find_key, progress).run(kept)
            if report.ok or set(shards) <= set(reader.shards()):
                return report
        # a month has gone while it was read: its removal is then an entry, and the rest is read again
    return _Verification(reader, vkeys, payloads, find_key, progress).run(kept)


class _Verification:
    def __init__(
        self,
        reader: LogReader,
        vkeys: Sequence[Verifier],
        payloads: bool,
        find_key: FindKey | None,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._directory = reader.directory
        self._keys = KeyCheck(reader.directory, vkeys)
        self._manifest = reader.manifest
        self._payloads = payloads and (self._manifest is None or self._manifest.payloads)
        self._progress = progress
        self._findings = Findings(reader.directory)
        self._leaves = LeafCheck(self._findings)
        self._seals = SealCheck(self._leaves.about, self._document, find_key)
        self._checks: dict[str, ShardCheck] = {}
        self._done = self._total = 0
        self._live = is_written(reader.directory)

    def run(self, kept: bytes | None) -> Report:
        shards = self._reader.shards()
        self._total = sum(map(self._size, shards))
        for shard in shards:
            self._check_shard(shard, finished=self._manifest is not None or shard != shards[-1])
        self._keys.run(self._heads(), self._leaves.about, self._findings)
        check_directory(self._directory, self._manifest, self._keys.trusted, self._findings)
        if self._manifest is not None:
            check_listed(self._directory, self._manifest, self._sizes(), self._findings)
        self._check_chain()
        if kept is not None:
            KeptCheck(self._keys.trusted, self._checks, self._leaves.about, self._findings).run(kept)
        return Report(
            self._findings.findings,
            self._findings.notes,
            tuple(check.report() for check in self._checks.values()),
            tuple(self._leaves.offsets.missing),
            self._leaves.offsets.positions,
        )

    def _size(self, shard: str) -> int:
        try:
            return self._reader.size(shard)
        except LogDamaged:
            return 0

    def _check_shard(self, shard: str, *, finished: bool) -> None:
        path = self._reader.path(shard)
        heads = check_heads(path, self._keys.candidates, self._findings, live=self._live, finished=finished)
        check = self._checks[shard] = ShardCheck(
            self._reader,
            shard,
            heads,
            self._leaves,
            self._seals,
            self._findings,
            self._advance,
            with_payloads=self._payloads,
            finished=finished,
        )
        check.run()
        self._check_files(check)

    def _check_files(self, check: ShardCheck) -> None:
        """Beside a live writer files are looked at several times: what is wrong each time is wrong."""
        found = self._look_at_files(check)
        for _ in range(_MORE_LOOKS if self._live else 0):
            if found.findings:
                found.keep_common(self._look_at_files(check))
        self._findings.take(found)

    def _look_at_files(self, check: ShardCheck) -> Findings:
        export, found = self._manifest, Findings(self._directory)
        circumstances = Circumstances(
            has_payloads=export is None or export.payloads,
            is_of_tiles=export is not None and export.layout == "tiles",
            live=self._live,
        )
        if self._live:
            check.heads = self._heads_again(check)
        FileCheck(check.path, check.tree, check.signed, found, circumstances).run()
        return found

    def _heads_again(self, check: ShardCheck) -> list[Head]:
        """The heads as they are now; roots of new ones are compared as far as their entries were read."""
        ignored = Findings(self._directory)
        heads = check_heads(check.path, self._keys.candidates, ignored, live=True, finished=False)
        for head in heads[check.tree.checked :]:
            root = check.tree.root_at(head.size)
            if root is not None and root != head.root:
                self._findings.add(head.where, f"the first {head.size} entries do not give the root that was signed")
        return [head for head in heads if head.size <= check.entries]

    def _advance(self, entries: int) -> None:
        self._done += entries
        self._progress(self._done, max(self._done, self._total))

    def _sizes(self) -> dict[str, int]:
        return {shard: check.entries for shard, check in self._checks.items()}

    def _heads(self) -> dict[str, list[Head]]:
        return {shard: check.heads for shard, check in self._checks.items()}

    def _check_chain(self) -> None:
        is_export = self._manifest is not None
        chain = ChainCheck(
            self._directory, self._heads(), self._sizes(), self._leaves.about, self._findings, is_export=is_export
        )
        chain.run()
        if self._payloads:
            chain.check_erasures(
                {shard: check.payloads.erased for shard, check in self._checks.items()},
                self._document,
                partial(still_there, self._reader),
            )

    def _document(self, shard: str, entry: int) -> bytes | None:
        try:
            for payload in self._reader.payloads(shard, entry, entry + 1):
                if payload.state == "plain" and payload.data is not None:
                    return payload.data.removeprefix(DOCUMENT)
        except LogDamaged:  # said where it was checked
            return None
        return None


def is_written(directory: Path) -> bool:
    """Whether a process holds the lock of the log."""
    try:
        with (directory / layout.LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
