"""Where the files of a log lie.

    LOG/log.vkey, lock, holds.jsonl
    LOG/<shard>/checkpoint                 the last signed note
    LOG/<shard>/checkpoints                every signed note, each followed by a line ``--- <size>``
    LOG/<shard>/tile/...                   C2SP tiles; entries and level 0 only for ranges that are not packed
    LOG/<shard>/{pack,payload,index}/<N>   entries, payloads and ids of range N = entries [N 65536, (N + 1) 65536)
    LOG/<shard>/segment/<N>                frames of a range that is being written

A shard is a month of the agent's clock, UTC. N is written as C2SP writes tile numbers: groups of three digits, all but the
last behind an ``x``: ``000``, ``x001/234``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from config.errors import EvidenceError
from exporters.evidence.paths import index_digits

VERIFIERS = "log.vkey"
LOCK = "lock"
HOLDS = "holds.jsonl"
CHECKPOINT = "checkpoint"
CHECKPOINTS = "checkpoints"
BUNDLE = "bundle.json"
BUNDLE_README = "README.txt"
TILE = "tile"

PACK = "pack"
PAYLOAD = "payload"
INDEX = "index"
SEGMENT = "segment"

FRESH = ".new"
"""End of the name of a file that is being written and will be renamed."""

GONE = ".gone"
"""End of the name of a shard that is being removed."""

_SHARD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_NUMBER = re.compile(r"(x\d{3}/)*\d{3}")


def shard_of(now_us: int) -> str:
    """The shard of a time: its month, UTC."""
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).strftime("%Y-%m")


def is_shard(name: str) -> bool:
    """Whether a directory of the log bears the name of a shard."""
    return _SHARD.fullmatch(name) is not None


def shards(directory: Path) -> list[str]:
    """The shards of a log, oldest first."""
    return sorted(path.name for path in directory.iterdir() if path.is_dir() and is_shard(path.name))


def range_path(shard: Path, kind: str, number: int) -> Path:
    """The file of a range: ``PACK``, ``PAYLOAD``, ``INDEX`` or ``SEGMENT``."""
    return shard / kind / index_digits(number)


def kind_of(file: Path, shard: Path) -> str:
    """The folder of a shard in which a file lies, such as ``PACK``; its own name where it lies in none."""
    return file.relative_to(shard).parts[0]


def parse_range(name: str) -> int | None:
    """The number of the range that a file's path below its kind's folder stands for; ``None`` if it stands for none."""
    if _NUMBER.fullmatch(name) is None:
        return None
    number = int(name.replace("x", "").replace("/", ""))
    return number if index_digits(number) == name else None


def ranges(shard: Path, kind: str) -> list[int]:
    """The ranges of which a shard has a file of this kind, in order."""
    folder = shard / kind
    names = (path.relative_to(folder).as_posix() for path in files_below(folder))
    return sorted(number for name in names if (number := parse_range(name)) is not None)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder; what a writer removes meanwhile is passed over.

    Raises:
        EvidenceError: a folder cannot be listed.
    """
    for directory, _, names in os.walk(folder, onerror=_refuse):
        yield from (Path(directory, name) for name in names)


def _refuse(error: OSError) -> None:
    """What is not there, or no longer, holds no files; what cannot be looked into may hold some."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise EvidenceError(f"{error.filename}: cannot be listed ({error.strerror})") from None
