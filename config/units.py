"""Quantities as people write them: durations (``10m``, ``1d``) and sizes (``64MiB``).

A bare number is refused: a reader of ``lateness: 600`` cannot know what it means.
"""

from __future__ import annotations

import re

MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

SECOND_US = MICROSECONDS["s"]
HOUR_US = MICROSECONDS["h"]
DAY_US = MICROSECONDS["d"]
MAX_DURATION_US = 36_500 * DAY_US
"""A century, so that event time plus any duration remains in the calendar."""

DURATION_PATTERN = r"^([0-9]+(us|ms|s|m|h|d|w))+$"
SIZE_PATTERN = r"^[0-9]+ ?(B|KiB|MiB|GiB|TiB)$"

_PART = re.compile(r"([0-9]+)(us|ms|s|m|h|d|w)")


def parse_duration(text: str) -> int:
    """Microseconds of ``90s``, ``10m``, ``1d``, ``1h30m``.

    Raises:
        ValueError: the text is not made of whole numbers with units.
    """
    if not re.fullmatch(DURATION_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r} is not a duration")
    return sum(int(number) * MICROSECONDS[unit] for number, unit in _PART.findall(text))


def format_duration(microseconds: int) -> str:
    """The shortest single-unit form that ``parse_duration`` reads back: 600_000_000 is ``10m``."""
    for unit in ("d", "h", "m", "s", "ms"):
        if microseconds and microseconds % MICROSECONDS[unit] == 0:
            return f"{microseconds // MICROSECONDS[unit]}{unit}"
    return f"{microseconds}us" if microseconds else "0s"


def parse_size(text: str) -> int:
    """Bytes of ``512B``, ``64MiB``, ``8GiB``.

    Raises:
        ValueError: the text is not a whole number with a unit.
    """
    if not re.fullmatch(SIZE_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r} is not a size")
    number, unit = re.findall(r"[0-9]+|[A-Za-z]+", text)
    return int(number) * BYTES[unit]


def format_size(size: int) -> str:
    """The shortest form that ``parse_size`` reads back: 67_108_864 is ``64MiB``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]}{unit}"
    return f"{size}B"
