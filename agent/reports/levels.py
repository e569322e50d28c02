"""Texts of events on their way into a page that another library draws.

That page puts texts into scripts and into labels that know markup. So signs that markup is made of are replaced by their
look-alikes, long texts are cut, rare levels become one, and levels that the settings do not reveal become numbers.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

MOST_LEVELS = 50
MOST_CHARACTERS = 60
OTHERS = "(all others)"
_LOOKALIKES = str.maketrans(
    {"<": "‹", ">": "›", "&": "＆", '"': "”", "'": "’", "`": "’", "\\": "＼", "{": "(", "}": ")"}
)


def harmless(text: str) -> str:
    """The text without markup, control and direction signs, at most 60 characters."""
    shown = "".join("�" if unicodedata.category(sign)[0] == "C" else sign for sign in text[: MOST_CHARACTERS + 1])
    cut = shown if len(shown) <= MOST_CHARACTERS else f"{shown[: MOST_CHARACTERS - 1]}…"
    return cut.translate(_LOOKALIKES)


def names_of_levels(columns: Iterable[Sequence[object]], *, is_revealed: bool) -> Mapping[object, str]:
    """What each level is called: the 50 most frequent by their text or, where it is not to be seen, by their rank."""
    counts = Counter(value for column in columns for value in column if value is not None)
    ranked = sorted(counts, key=lambda level: (-counts[level], str(level)))
    shown = {level: harmless(str(level)) if is_revealed else f"level {rank}" for rank, level in enumerate(ranked, 1)}
    return {level: shown[level] if rank < MOST_LEVELS else OTHERS for rank, level in enumerate(ranked)}
