"""Text and bytes from elsewhere made harmless to look at: what would steer a terminal or turn the writing, shown as text."""

from __future__ import annotations

import unicodedata

STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories of what moves a cursor, changes colours or turns the order of reading, as ESC and U+202E do."""
KEPT = "\n\t\u200c\u200d"
"""Line breaks, tabs, and the joiners that Persian, Indic scripts and emoji are written with."""


def visible(text: str) -> str:
    """The text with every character that steers as its escape, ``\\x1b``; line breaks, tabs and joiners stay."""
    if text.isprintable():
        return text
    return "".join(_escaped(one) if unicodedata.category(one) in STEERING and one not in KEPT else one for one in text)


def printable(value: bytes) -> str:
    """Bytes as text that cannot disturb a terminal: printable ASCII as it is, the rest as ``\\xNN``, ``\\`` doubled."""
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\\\" if b == 92 else f"\\x{b:02x}" for b in value)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
