"""How far the state has recorded the log: the one truth about what counts."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

_TEXT = re.compile(r"(\d{4}-\d{2}) (\d+)")


class Recorded(NamedTuple):
    """The size of the log that the state's last transaction has recorded.

    Attributes:
        shard: the month that is written, such as ``2026-11``.
        size: entries of that shard; those of earlier shards are all recorded.
    """

    shard: str
    size: int

    def __str__(self) -> str:
        return f"{self.shard} {self.size}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``str`` wrote.

        Raises:
            ValueError: it is another text.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no recorded size of a log, such as '2026-11 70000'")
        return cls(match[1], int(match[2]))
