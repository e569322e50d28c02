"""How long shards are kept: a month goes as a whole, after its time, and never while a hold lies on it.

The order that a crash cannot break: a ``retention`` leaf, recorded; then ``remove_shard``. A shard whose leaf is written and
which is still there is simply removed later, with a second leaf.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.errors import EvidenceError, LogDamaged
from exporters.evidence import layout
from exporters.evidence.files import Files, read_whole, replace


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shards that stay until somebody releases them; a line of ``holds.jsonl``.

    Attributes:
        hold: its id; shards: their names; actor, reason: who placed it, and why.
        logged: when, us.
    """

    hold: str
    shards: tuple[str, ...]
    actor: str
    reason: str
    logged: int


def read_holds(files: Files, directory: Path) -> list[Hold]:
    """The holds in force, oldest first.

    Raises:
        LogDamaged: a line of the file is no hold. Nothing may be pruned then.
    """
    path = directory / layout.HOLDS
    return parse_holds(read_whole(files, path) or b"", path)


def parse_holds(data: bytes, path: Path) -> list[Hold]:
    """The holds that the file's bytes say; raises as ``read_holds``."""
    holds = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            holds.append(msgspec.json.decode(line, type=Hold))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LogDamaged(f"{path}, line {number}", f"no hold can be read here ({error})") from error
    return holds


def spelled(holds: Iterable[Hold]) -> bytes:
    """The file's bytes."""
    return b"".join(msgspec.json.encode(hold) + b"\n" for hold in holds)


def place_hold(files: Files, directory: Path, hold: Hold) -> None:
    """Put a hold into force, durably; its leaf is the caller's.

    Raises:
        EvidenceError: one of this id is in force.
    """
    holds = read_holds(files, directory)
    if any(other.hold == hold.hold for other in holds):
        raise EvidenceError(f"a hold {hold.hold} is in force already; choose another id, or release it first")
    _write_holds(files, directory, [*holds, hold])


def release_hold(files: Files, directory: Path, hold_id: str) -> Hold:
    """End a hold, durably; its leaf is the caller's.

    Raises:
        EvidenceError: none of this id is in force.
    """
    holds = read_holds(files, directory)
    kept = [hold for hold in holds if hold.hold != hold_id]
    if len(kept) == len(holds):
        known = ", ".join(hold.hold for hold in holds) or "none"
        raise EvidenceError(f"no hold {hold_id} is in force; in force: {known}")
    _write_holds(files, directory, kept)
    return next(hold for hold in holds if hold.hold == hold_id)


def due_shards(files: Files, directory: Path, holds: Iterable[Hold], now_us: int, retention_us: int) -> list[str]:
    """The shards that may go now, oldest first: their month ended a retention ago, and no hold lies on them.

    The newest shard never goes: it is the one that is written.
    """
    held = {shard for hold in holds for shard in hold.shards}
    shards = [name for name in files.names(directory) if layout.is_shard(name)]
    return [name for name in shards[:-1] if name not in held and month_end_us(name) + retention_us <= now_us]


def remove_shard(files: Files, directory: Path, shard: str) -> None:
    """Remove a shard with all its files: at once for whoever looks, and to its end when the log is opened next."""
    gone = directory / f"{shard}{layout.GONE}"
    files.remove_tree(gone)
    files.rename(directory / shard, gone)
    files.sync_directory(directory)
    files.remove_tree(gone)


def month_end_us(shard: str) -> int:
    """The first microsecond behind a shard's month."""
    year, month = map(int, shard.split("-"))
    behind = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return int(behind.timestamp()) * 1_000_000


def _write_holds(files: Files, directory: Path, holds: Iterable[Hold]) -> None:
    replace(files, directory / layout.HOLDS, spelled(holds), durable=True)
