"""Profiling a column of a sample: what it seems to be, proposed once into the settings and never guessed again.

nothing, or lists and objects             left out
numbers (not truth values)                number; a time or an identifier is left out; 0 and 1 alone are a category
text that is a date or a time             left out: it moves by itself
text of which nearly every row has its own   left out: an identifier cannot drift
other text, truth values                  category
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?")
MANY_LEVELS = 256
IDENTIFIER_SHARE = 0.5
IDENTIFIER_MIN_DISTINCT = 50
_TIME_NAMES = re.compile(r"(^|_)(time|timestamp|ts|date|datetime|at|epoch)($|_)|_(ms|us|ns)$", re.IGNORECASE)
_ID_NAMES = re.compile(r"(^|[_.-])(id|uuid|guid|key|ref)$|Id$|ID$")
_EPOCH_RANGES = ((6e8, 5e9), (6e11, 5e12), (6e14, 5e15), (6e17, 5e18))
"""1989 to 2128 in seconds, milliseconds, microseconds and nanoseconds."""

Kind = Literal["number", "category", "left_out"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One column of a sample.

    Attributes:
        kind: the proposed type, or ``left_out``.
        note: why it is left out, or what is odd about it, for a person; empty where nothing is.
        rows, missing, distinct: counts; ``distinct`` of present values.
    """

    name: str
    kind: Kind
    note: str
    rows: int
    missing: int
    distinct: int

    @property
    def required(self) -> bool:
        """No row of the sample lacks it."""
        return self.missing == 0


def profile_column(name: str, values: Sequence[object]) -> Profile:
    """Profile the n raw values of a column, ``None`` where a row does not carry it."""
    present = [value for value in values if not is_missing(value)]
    distinct = len({str(value) for value in present})
    kind, note = _proposal(name, present, distinct)
    return Profile(name, kind, note, len(values), len(values) - len(present), distinct)


def is_missing(value: object) -> bool:
    """None, NaN and empty text are no values."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def is_number(value: object) -> bool:
    """A number that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_time_text(value: object) -> bool:
    """An ISO 8601 date or time."""
    return isinstance(value, str) and ISO_TIME.fullmatch(value.strip()) is not None


def is_epoch(value: object) -> bool:
    """A number that is a time since 1970 in s, ms, us or ns, if it is a time at all."""
    return is_number(value) and any(low <= float(value) <= high for low, high in _EPOCH_RANGES)  # type: ignore[arg-type]


def _proposal(name: str, present: list[object], distinct: int) -> tuple[Kind, str]:
    if not present:
        return "left_out", "no value in the sample"
    if any(isinstance(value, list | dict) for value in present):
        return "left_out", "lists or objects"
    if all(is_number(value) for value in present):
        return _numeric(name, present, distinct)
    return _textual(name, present, distinct)


def _numeric(name: str, present: list[object], distinct: int) -> tuple[Kind, str]:
    if _TIME_NAMES.search(name) and all(is_epoch(value) for value in present):
        return "left_out", "a time: it moves by itself"
    whole = all(float(value).is_integer() for value in present)  # type: ignore[arg-type]
    if whole and _is_identifier(present, distinct) and _ID_NAMES.search(name):
        return "left_out", "an identifier"
    if set(present) <= {0, 1} and distinct == 2:
        return "category", "0 or 1"
    return "number", "constant in the sample" if distinct == 1 else ""


def _textual(name: str, present: list[object], distinct: int) -> tuple[Kind, str]:
    if all(is_time_text(value) for value in present):
        return "left_out", "a time: it moves by itself"
    if _is_identifier(present, distinct):
        return "left_out", "an identifier: nearly every row has its own"
    if sum(is_number(value) for value in present) > len(present) / 2:
        return "number", "some values are no numbers"
    if distinct == 1:
        return "category", "constant in the sample"
    return "category", f"{distinct} levels" if distinct > MANY_LEVELS else ""


def _is_identifier(present: list[object], distinct: int) -> bool:
    return distinct >= IDENTIFIER_MIN_DISTINCT and distinct > IDENTIFIER_SHARE * len(present)
