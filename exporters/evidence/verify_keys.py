"""Whether the keys that signed a log are those that were given, or follow from them.

Who holds the key of the log's beginning verifies all of it: an entry ``key`` under a checkpoint of a trusted key names the
next one. What stands in ``log.vkey`` beside the log is where a candidate comes from, and never a reason to trust it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from config.errors import EvidenceError
from exporters.evidence import layout
from exporters.evidence.findings import Findings
from exporters.evidence.keys import read_verifiers
from exporters.evidence.leaf import Key, Leaf
from exporters.evidence.note import Verifier
from exporters.evidence.verify_heads import Head

About = Sequence[tuple[str, int, Leaf]]


class KeyCheck:
    """The keys of a log.

    Attributes:
        candidates: those that were given, and those beside the log: whose signatures are read.
        trusted: those that were given, and behind ``run`` those that the log leads to.
    """

    def __init__(self, directory: Path, given: Sequence[Verifier]) -> None:
        self.trusted = tuple(dict.fromkeys(given))
        self.candidates = tuple(dict.fromkeys((*given, *_beside(directory))))

    def run(self, heads: Mapping[str, Sequence[Head]], about: About, findings: Findings) -> None:
        """Follow the checkpoints of all shards, oldest first.

        Args:
            heads: those whose signatures by candidates are right; about: what the log says of itself, with shard and entry.
        """
        if len(self.candidates) == len(self.trusted):
            return
        for shard, signed in heads.items():
            exchanges = [(entry, leaf) for where, entry, leaf in about if where == shard and isinstance(leaf, Key)]
            for head in signed:
                self._follow(head, [leaf for entry, leaf in exchanges if entry < head.size])
                unknown = [key for key in head.signed_by if key not in self.trusted]
                if unknown:
                    findings.add(head.where, f"a checkpoint does not verify: {_what(unknown, head)}", "note")

    def _follow(self, head: Head, exchanges: Sequence[Key]) -> None:
        for leaf in exchanges:
            if any(str(key) == leaf.old for key in head.signed_by if key in self.trusted):
                new = (key for key in self.candidates if str(key) == leaf.new and key not in self.trusted)
                self.trusted += tuple(new)


def _what(unknown: Sequence[Verifier], head: Head) -> str:
    keys = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in unknown)
    which = "no known key signed the note" if len(unknown) == len(head.signed_by) else "not all its keys are known"
    return f"{which}; {keys} is in {layout.VERIFIERS}, and no entry under a checkpoint of a known key names it"


def _beside(directory: Path) -> Iterator[Verifier]:
    try:
        yield from read_verifiers(directory / layout.VERIFIERS)
    except EvidenceError:  # said where the directory is checked
        return
