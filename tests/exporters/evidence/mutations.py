"""Ways to damage a log: each changes the files below a directory and says what it did."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from exporters.evidence import layout
from exporters.evidence.frames import HEAD_BYTES, read_heads
from exporters.evidence.pack import TRAILER_BYTES

Mutation = Callable[[Path, random.Random], str]


def files_of(log: Path) -> list[Path]:
    """All files but the lock, which holds the number of a process and says nothing."""
    return sorted(path for path in log.rglob("*") if path.is_file() and path.name != layout.LOCK)


def flip_byte(log: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(log) if path.stat().st_size])
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    data[at] ^= rng.randrange(1, 256)
    path.write_bytes(data)
    return f"byte {at} of {path.relative_to(log)} flipped"


def truncate(log: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(log) if path.stat().st_size])
    data = path.read_bytes()
    size = rng.randrange(len(data))
    path.write_bytes(data[:size])
    return f"{path.relative_to(log)} cut to {size} of {len(data)} bytes"


def extend(log: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(log))
    more = rng.randbytes(rng.randrange(1, 200))
    path.write_bytes(path.read_bytes() + more)
    return f"{len(more)} bytes behind {path.relative_to(log)}"


def insert_bytes(log: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(log) if path.stat().st_size])
    data = path.read_bytes()
    at = rng.randrange(len(data))
    path.write_bytes(data[:at] + rng.randbytes(rng.randrange(1, 50)) + data[at:])
    return f"bytes inserted at {at} of {path.relative_to(log)}"


def drop_bytes(log: Path, rng: random.Random) -> str:
    path = rng.choice([path for path in files_of(log) if path.stat().st_size > 1])
    data = path.read_bytes()
    at = rng.randrange(len(data) - 1)
    path.write_bytes(data[:at] + data[at + 1 + rng.randrange(min(50, len(data) - at - 1)) :])
    return f"bytes dropped at {at} of {path.relative_to(log)}"


def drop_file(log: Path, rng: random.Random) -> str:
    path = rng.choice(files_of(log))
    path.unlink()
    return f"{path.relative_to(log)} removed"


def swap_files(log: Path, rng: random.Random) -> str:
    first, second = _two_unlike(log, rng)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    return f"{first.relative_to(log)} and {second.relative_to(log)} swapped"


def replace_file(log: Path, rng: random.Random) -> str:
    first, second = _two_unlike(log, rng)
    shutil.copyfile(first, second)
    return f"{second.relative_to(log)} replaced by {first.relative_to(log)}"


def insert_file(log: Path, rng: random.Random) -> str:
    source = rng.choice(files_of(log))
    names = ("001", "002.p/3", "x001/000", "300", "extra")
    target = source.parent / rng.choice(names)
    if target.exists():
        target = source.parent / "299"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return f"{source.relative_to(log)} copied to {target.relative_to(log)}"


def drop_frame(log: Path, rng: random.Random) -> str:
    path, frames, rest = _framed(log, rng)
    at = rng.randrange(len(frames))
    path.write_bytes(b"".join(frames[:at] + frames[at + 1 :]) + rest)
    return f"frame {at} of {path.relative_to(log)} dropped"


def swap_frames(log: Path, rng: random.Random) -> str:
    path, frames, rest = _framed(log, rng, at_least=2)
    first, second = sorted(rng.sample(range(len(frames)), 2))
    frames[first], frames[second] = frames[second], frames[first]
    path.write_bytes(b"".join(frames) + rest)
    return f"frames {first} and {second} of {path.relative_to(log)} swapped"


def repeat_frame(log: Path, rng: random.Random) -> str:
    path, frames, rest = _framed(log, rng)
    at, to = rng.randrange(len(frames)), rng.randrange(len(frames) + 1)
    path.write_bytes(b"".join([*frames[:to], frames[at], *frames[to:]]) + rest)
    return f"frame {at} of {path.relative_to(log)} inserted before frame {to}"


def drop_shard(log: Path, rng: random.Random) -> str:
    shard = rng.choice(layout.shards(log)[:-1])
    shutil.rmtree(log / shard)
    return f"shard {shard} removed"


def drop_note(log: Path, rng: random.Random) -> str:
    path = rng.choice([log / shard / layout.CHECKPOINTS for shard in layout.shards(log)])
    data = path.read_bytes()
    starts = [*_starts(data), len(data)]
    at = rng.randrange(len(starts) - 1)
    path.write_bytes(data[: starts[at]] + data[starts[at + 1] :])
    return f"note {at} of {path.relative_to(log)} dropped"


def _starts(data: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at = data.index(b"\n", data.index(b"--- ", at)) + 1
    return starts


MUTATIONS: tuple[Mutation, ...] = (
    flip_byte, flip_byte, flip_byte, truncate, extend, insert_bytes, drop_bytes, drop_file, swap_files, replace_file,
    insert_file, drop_frame, swap_frames, repeat_frame, drop_shard, drop_note,
)  # fmt: skip


def _two_unlike(log: Path, rng: random.Random) -> tuple[Path, Path]:
    while True:
        first, second = rng.sample(files_of(log), 2)
        if first.read_bytes() != second.read_bytes():
            return first, second


def _framed(log: Path, rng: random.Random, at_least: int = 1) -> tuple[Path, list[bytes], bytes]:
    """A file of frames, its frames, and what lies behind them."""
    kinds = (layout.PACK, layout.PAYLOAD, layout.SEGMENT)
    paths = [path for path in files_of(log) if set(kinds) & set(path.relative_to(log).parts)]
    rng.shuffle(paths)
    for path in paths:
        frames, rest = _split(path)
        if len(frames) >= at_least:
            return path, frames, rest
    raise AssertionError("the log has no such file")


def _split(path: Path) -> tuple[list[bytes], bytes]:
    data = path.read_bytes()
    end = len(data) - (TRAILER_BYTES if layout.PACK in path.parts else 0)
    spans = [(offset, offset + HEAD_BYTES + head.stored_bytes) for offset, head in read_heads(BytesIO(data[:end]), "")]
    return [data[start:stop] for start, stop in spans], data[end:]
