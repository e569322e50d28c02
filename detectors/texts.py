"""From raw values to names and codes.

A value becomes the text that JSON would write: ``"car"`` is ``car``, ``true`` is ``true``, ``3`` and ``3.0`` are ``3``.
Everything that is compared by name goes through ``text_of``: levels, classes and groups, in settings, reference and events
alike, so that a producer may send ``1`` where the settings say ``"1"``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.columns import NO_CODE
from detectors.layout import FIRST_LEVEL, INVALID, MISSING, UNSEEN_CELLS, CategoricalColumn, name_hash

MAX_REMEMBERED = 4096
"""Codes of unseen names kept per column beyond the layout's own; a flood of new names is hashed anew each time."""

_UNSEEN_SHIFT = 64 - (UNSEEN_CELLS - 1).bit_length()
_ABSENT = (None, "")


class InvalidText(ValueError):
    """The value has no name: a fraction, an infinity, a list, an object, text that is not Unicode."""


def text_of(value: object) -> str | None:
    """The name of a value; ``None`` where there is none (``None``, ``""``, NaN).

    Raises:
        InvalidText: the value cannot be a name.
    """
    if isinstance(value, str):
        return _unicode(value) if value else None
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return _digits(int(value))
    if isinstance(value, float | np.floating):
        return _whole(float(value))
    raise InvalidText(f"a {type(value).__name__} is no name")


def _digits(number: int) -> str:
    """Decimal digits; beyond 2^63 Python's conversion costs quadratic time and no producer means a name."""
    if not -(1 << 63) <= number < 1 << 64:
        raise InvalidText("an integer beyond 64 bits is no name")
    return str(number)


def _whole(number: float) -> str | None:
    if math.isnan(number):
        return None
    if not number.is_integer():
        raise InvalidText(f"{number!r} is no name: only whole numbers are")
    return _digits(int(number))


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidText("text with a lone surrogate is no name") from error
    return text


class Codes(dict[object, int]):
    """A look-up from raw value to code that computes and remembers what it has not met.

    Only texts are remembered: ``True``, ``1`` and ``1.0`` are one key to a dict and three values to us.
    """

    def __init__(self, known: Mapping[str, int], *, missing: int, invalid: int, unknown: int) -> None:
        super().__init__(known.items())
        self[None] = missing
        self.missing = missing
        self.invalid = invalid
        self.unknown = unknown
        self._known = dict(known)
        self._room = MAX_REMEMBERED

    def __missing__(self, value: object) -> int:
        try:
            text = text_of(value)
        except InvalidText:
            return self.invalid
        if text is None:
            return self.missing
        known = self._known.get(text)
        code = self.code_of_unknown(text) if known is None else known
        if self._room and isinstance(value, str):
            self._room -= 1
            self[value] = code
        return code

    def code_of_unknown(self, text: str) -> int:
        """Code of a name that is not known."""
        return self.unknown

    def encode(self, values: Sequence[object]) -> NDArray[np.int32]:
        """(n,) codes of n raw values."""
        try:
            return np.fromiter(map(self.__getitem__, values), dtype=np.int32, count=len(values))
        except TypeError:  # an unhashable value: a list or an object where a name belongs
            return np.fromiter((self._code(value) for value in values), dtype=np.int32, count=len(values))

    def _code(self, value: object) -> int:
        return self[value] if value.__hash__ is not None else self.invalid


class LevelCodes(Codes):
    """Codes of a categorical column as layout.py numbers them; unseen names by the top bits of their hash."""

    def __init__(self, column: CategoricalColumn) -> None:
        levels = {name: FIRST_LEVEL + i for i, name in enumerate(column.levels)}
        super().__init__(levels, missing=MISSING, invalid=INVALID, unknown=column.other)
        self._rare = frozenset(column.rare)
        self._other = column.other
        self.first_unseen = column.first_unseen

    def code_of_unknown(self, text: str) -> int:
        hashed = name_hash(text)
        return self._other if hashed in self._rare else self.first_unseen + (hashed >> _UNSEEN_SHIFT)

    def unseen_names(self, values: Sequence[object], codes: NDArray[np.int32]) -> tuple[str, ...]:
        """The names behind unseen codes, each once, sorted."""
        rows = np.flatnonzero(codes >= self.first_unseen).tolist()
        return tuple(sorted({text for row in rows if (text := text_of(values[row])) is not None}))


def class_codes(classes: Sequence[str]) -> Codes:
    """Codes of a classifier's classes: i for classes[i], len(classes) for any other name, NO_CODE for none."""
    known = {name: code for code, name in enumerate(classes)}
    return Codes(known, missing=NO_CODE, invalid=NO_CODE, unknown=len(classes))


def group_codes(values: Sequence[str]) -> Codes:
    """Codes of one attribute's values: 1 + i for values[i], 0 for anything else."""
    return Codes({name: 1 + i for i, name in enumerate(values)}, missing=0, invalid=0, unknown=0)
