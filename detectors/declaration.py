"""What the settings say about a model's columns, in the terms of the layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detectors.layout import GroupSet, Task

ColumnKind = Literal["number", "category"]


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """A monitored feature as declared.

    Attributes:
        minimum, maximum: operating envelope of a number, both inclusive.
        levels: the only levels of a category; ``None`` where any may come.
        median, iqr: location and width of a number, used where there is no reference or where its IQR is 0.
    """

    name: str
    kind: ColumnKind
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] | None = None
    median: float | None = None
    iqr: float | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A model as declared.

    Attributes:
        scored: events carry scores; ``None`` means that the reference decides, and no where there is none.
        stated_error: a stated mean absolute error of a regression, which sizes its grid where there is no reference.
        groups: protected attributes and intersections with their groups.
    """

    task: Task
    columns: tuple[DeclaredColumn, ...]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    scored: bool | None = None
    stated_error: float | None = None
    groups: tuple[GroupSet, ...] = ()
    subjects: bool = False
