"""The layout: what fixes the shape of every table of one model version.

It is made once, from a reference (``wachter reference build``) or from the settings' declarations, and never changes while
a window is open: its digest is part of the key under which tables are stored.

Cells of a numeric column, by local index (K = number of value cells, K + 1 edges):

    0 missing | 1 invalid | 2 below edges[0] | 3 .. K + 2 value cells [edges[i], edges[i+1]) | K + 3 at or above edges[K]

Codes of a categorical column (L = number of levels):

    0 missing | 1 invalid | 2 .. L + 1 levels | L + 2 other (known, too rare for its own cell) | L + 3 .. L + 66 unseen
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

MISSING = 0
INVALID = 1
BELOW = 2
FIRST_VALUE = 3
FIRST_LEVEL = 2
UNSEEN_CELLS = 64
NAME_SEED = 0x5741434854455231
"""Seed of xxh3-64 for level names; part of the public table format."""

T = TypeVar("T")

NUMERIC_CELLS = 32
SCORE_CELLS = 128
MAX_LEVELS = 256
SUB_TABLES = 16
MAX_CONFUSION_CLASSES = 32


class Task(StrEnum):
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Role(StrEnum):
    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"


class NumericColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A number per event.

    Attributes:
        edges: (K + 1,) strictly increasing; value cell i is [edges[i], edges[i + 1]).
        centre: reference median; scale: a power of two near the reference IQR (grid.py).
        minimum, maximum: the declared operating envelope, both inclusive.
        required: a missing value is a flaw of the data, not a normal state.
    """

    name: str
    role: Role
    edges: tuple[float, ...]
    centre: float
    scale: float
    minimum: float | None = None
    maximum: float | None = None
    required: bool = True

    @property
    def cells(self) -> int:
        return len(self.edges) + FIRST_VALUE


class CategoricalColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A name per event.

    Attributes:
        levels: the reference's levels with a cell of their own, at most 256, by mass (ties by name).
        rare: keyed hashes (``name_hash``) of reference levels without an own cell, sorted.
        closed: the settings declared the levels; any other is a violation, not only unseen.
    """

    name: str
    role: Role
    levels: tuple[str, ...]
    rare: tuple[int, ...] = ()
    closed: bool = False
    required: bool = True

    @property
    def other(self) -> int:
        return FIRST_LEVEL + len(self.levels)

    @property
    def first_unseen(self) -> int:
        return self.other + 1

    @property
    def cells(self) -> int:
        return self.first_unseen + UNSEEN_CELLS


class GroupSet(msgspec.Struct, frozen=True, kw_only=True):
    """A protected attribute, or a declared intersection of several.

    Group codes: 0 missing or not declared, 1 .. len(groups) the groups in order. A group of an intersection is the tuple of
    its attributes' values; of a single attribute a tuple of one.
    """

    attributes: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        return " x ".join(self.attributes)

    @property
    def codes(self) -> int:
        return len(self.groups) + 1


class Layout(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that fixes the shapes of a model version's tables.

    Attributes:
        numeric, categorical: monitored columns: features, the prediction (numeric for regression, else categorical)
            and, for scored classifiers, the score (for multi-class models the probability of the predicted class).
        classes: labels in order; code i is classes[i], code len(classes) any other label. Empty for regression.
        positive: the positive class of a binary task.
        scored: events carry the positive class's score (binary) or a probability per class (multi-class).
        score_edges: edges of the score cells used by performance and bias, (S + 1,).
        error_edges: edges of the |error| cells of a regression.
        target_centre, target_scale: grid of a regression's values and errors.
        groups: protected attributes and declared intersections.
        subjects: events carry ``subject_ref``: sub-tables are keyed by subject, every interval is a jackknife.
    """

    task: Task
    numeric: tuple[NumericColumn, ...]
    categorical: tuple[CategoricalColumn, ...]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    scored: bool = False
    score_edges: tuple[float, ...] = ()
    error_edges: tuple[float, ...] = ()
    target_centre: float = 0.0
    target_scale: float = 1.0
    groups: tuple[GroupSet, ...] = ()
    subjects: bool = False

    @cached_property
    def digest(self) -> str:
        """First 16 hex digits of xxh3-128 over the layout's JSON."""
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(self))[:16]

    @cached_property
    def numeric_offsets(self) -> NDArray[np.intp]:
        """(C + 1,) first cell of each numeric column in the flattened tables; the last is their length."""
        return np.cumsum([0, *(column.cells for column in self.numeric)]).astype(np.intp)

    @cached_property
    def categorical_offsets(self) -> NDArray[np.intp]:
        """(D + 1,) first code of each categorical column in the flattened tables; the last is their length."""
        return np.cumsum([0, *(column.cells for column in self.categorical)]).astype(np.intp)

    @cached_property
    def edges(self) -> tuple[NDArray[np.float64], ...]:
        """Edges of each numeric column as arrays."""
        return tuple(np.array(column.edges) for column in self.numeric)

    @cached_property
    def class_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.classes)}

    def derived(self, build: Callable[[Layout], T]) -> T:
        """What ``build`` makes of this layout, made once: look-ups and index arrays that other modules keep with it."""
        memo: dict[Callable[[Layout], T], T] = self.__dict__.setdefault("_derived", {})
        if build not in memo:
            memo[build] = build(self)
        return memo[build]

    @property
    def positive_code(self) -> int:
        """Code of the positive class of a binary task."""
        return self.classes.index(self.positive) if self.positive is not None else -1

    @property
    def score_count(self) -> int:
        """Scores kept per event: one for binary, one per class for multi-class, none where not scored."""
        if not self.scored:
            return 0
        return len(self.classes) if self.task is Task.MULTICLASS else 1


def name_hash(name: str) -> int:
    """Keyed 64-bit hash of a level's name; part of the public table format."""
    return xxhash.xxh3_64_intdigest(name.encode(), NAME_SEED)


def uniform_score_edges() -> tuple[float, ...]:
    """128 uniform cells of [0, 1]; the last edge lies just above 1, so that a score of 1 is inside."""
    return (*(i / SCORE_CELLS for i in range(SCORE_CELLS)), float(np.nextafter(1.0, 2.0)))
