"""What the state knows of the log: how far it is recorded, the one truth about what counts, and what was last signed."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple, Self

from exporters.evidence.spelling import encode_base64

_TEXT = re.compile(r"(\d{4}-\d{2}) (\d+)")
_SIGNED_TEXT = re.compile(r"(\d{4}-\d{2}) (\d+) ([A-Za-z0-9+/]{43}=)")


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
        shard, size = _fields(_TEXT, text, "recorded size of a log, such as '2026-11 70000'")
        return cls(shard, int(size))


class LastSigned(NamedTuple):
    """The last head that the state knows to be signed. It may lag behind the log's own files, and never leads.

    Attributes:
        shard: its month; size: entries covered; root: of the tree over them, 32 bytes.
    """

    shard: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.shard} {self.size} {encode_base64(self.root)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``str`` wrote.

        Raises:
            ValueError: it is another text.
        """
        shard, size, root = _fields(_SIGNED_TEXT, text, "signed head, such as '2026-11 70000 pQb0...='")
        return cls(shard, int(size), base64.b64decode(root))


def _fields(pattern: re.Pattern[str], text: str, what: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no {what}")
    return match.groups()
