"""Text and bytes from elsewhere, harmless to look at."""

from __future__ import annotations

from agent.visible import printable


def test_printable_shows_every_byte_and_can_be_read_back() -> None:
    text = printable(bytes(range(256)))
    assert text.isascii()
    assert text.isprintable()
    assert text.encode().decode("unicode_escape").encode("latin-1") == bytes(range(256))
