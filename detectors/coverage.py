"""Label coverage: which share of the predictions has its label.

Labels that come for some predictions only (the granted loans, the easy cases) make performance look other than it is. So
coverage is watched overall, per predicted class and per protected group, and where its upper Wilson limit (z = 3) lies below
the minimum, what rests on the labels must not decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.classification import margins
from detectors.error_sums import ROWS
from detectors.estimates import wilson
from detectors.family import Frame
from detectors.groups import group_offsets
from detectors.layout import GroupSet, Layout, Task
from detectors.measurement import Measurement
from detectors.outcomes import LABELLED, PREDICTED
from detectors.reasons import PROVISIONAL, SELECTIVE
from detectors.tables import Tables

BLOCKING_Z = 3.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """Labelled of predicted, for one subject: everything (empty), ``class=NAME`` or ``ATTRIBUTE=GROUP``."""

    subject: str
    labelled: int
    predicted: float
    minimum: float
    group_set: str = ""

    @property
    def selective(self) -> bool:
        """Too few labels to trust, even by the upper limit."""
        if self.predicted <= 0:
            return False
        upper = wilson(min(self.labelled, self.predicted), self.predicted, BLOCKING_Z).upper
        return bool(upper < self.minimum)


def label_count(tables: Tables, layout: Layout) -> int:
    """Labelled predictions of one side; 0 where it holds none of the label tables."""
    if layout.task is Task.REGRESSION:
        return int(tables.ints("outcomes.rows")[:, ROWS].sum()) if "outcomes.rows" in tables else 0
    if "outcomes.confusion" not in tables and "outcomes.margins" not in tables:
        return 0
    return int(margins(tables)[:, :, LABELLED].sum())


def coverages(window: Tables, frame: Frame) -> tuple[Coverage, ...]:
    """Overall first, then predicted classes, then the groups of each set."""
    layout = frame.layout
    labelled = label_count(window, layout)
    counted = _counted(window, layout)
    predictions = frame.predictions or counted or labelled
    sampled = predictions / counted if counted else 1.0
    overall = Coverage("", labelled, float(predictions), frame.min_coverage)
    return (overall, *_of_classes(window, frame, sampled), *_of_groups(window, frame, sampled))


def blocking(found: tuple[Coverage, ...], group_set: str = "") -> str | None:
    """``labels_selective`` where coverage is too low overall, for a predicted class, or for a group of the set."""
    judged = (coverage for coverage in found if coverage.group_set in ("", group_set))
    return SELECTIVE if any(coverage.selective for coverage in judged) else None


def measure_coverage(found: tuple[Coverage, ...], frame: Frame) -> Iterator[Measurement]:
    """``label_coverage``: the effect is the share without a label, against 1 - minimum."""
    for coverage in found:
        if coverage.predicted <= 0 or (coverage.group_set and coverage.predicted < frame.min_publish):
            continue
        labelled = min(coverage.labelled, coverage.predicted)
        value, lower, upper = (float(part) for part in wilson(labelled, coverage.predicted, frame.z))
        yield Measurement(
            metric="label_coverage",
            subject=coverage.subject,
            value=value,
            lower=lower,
            upper=upper,
            n=round(coverage.predicted),
            effect=1 - value,
            effect_lower=1 - upper,
            effect_upper=1 - lower,
            resolution=upper - value,
            tolerance=1 - coverage.minimum,
            direction="lower_is_worse",
            blocked=PROVISIONAL if frame.provisional else None,
        )


def group_name(group_set: GroupSet, code: int) -> str:
    """``sex=F``, for an intersection ``sex=F, age=25-40``; code 0 has no name."""
    values = group_set.groups[code - 1]
    return ", ".join(f"{attribute}={value}" for attribute, value in zip(group_set.attributes, values, strict=True))


def _counted(window: Tables, layout: Layout) -> int:
    """Predictions counted by the inference tally."""
    if "groups.predicted" in window:
        return int(window.ints("groups.predicted").sum())
    if "groups.predictions" in window and layout.groups:
        return int(window.ints("groups.predictions")[:, : layout.groups[0].codes].sum())
    return 0


def _of_classes(window: Tables, frame: Frame, sampled: float) -> Iterator[Coverage]:
    if "groups.predicted" not in window or not label_count(window, frame.layout):
        return
    labelled = margins(window)[:, :, PREDICTED].sum(axis=0)
    predicted = window.ints("groups.predicted") * sampled
    for code, name in enumerate(frame.layout.classes):
        yield Coverage(f"class={name}", int(labelled[code]), float(predicted[code]), frame.min_group_coverage)


def _of_groups(window: Tables, frame: Frame, sampled: float) -> Iterator[Coverage]:
    if "groups.predictions" not in window:
        return
    predicted = window.ints("groups.predictions").sum(axis=(0, 2)) * sampled
    labelled = _group_labels(window, len(predicted))
    for group_set, offset in zip(frame.layout.groups, group_offsets(frame.layout), strict=False):
        for code in range(1, group_set.codes):
            at = int(offset) + code
            subject = group_name(group_set, code)
            yield Coverage(subject, int(labelled[at]), float(predicted[at]), frame.min_group_coverage, group_set.name)


def _group_labels(window: Tables, codes: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if "group_outcomes.margins" in window:
        labelled: np.ndarray[tuple[int], np.dtype[np.int64]] = window.ints("group_outcomes.margins")[..., LABELLED].sum(
            axis=(0, 2)
        )
        return labelled
    if "group_outcomes.rows" in window:
        return np.asarray(window.ints("group_outcomes.rows").sum(axis=0))
    return np.zeros(codes, dtype=np.int64)
