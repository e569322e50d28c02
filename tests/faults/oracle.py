"""What the windows of a story must say: a short batch computation over its rows that shares no code with the product.

numpy over the rows of one window at a time; exact, because the values lie on a grid (see the generator).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.faults.generator import GROUPS, PURPOSES, Rows, Story, iso, micros

Mask = NDArray[np.bool_]


class Key(NamedTuple):
    """One measurement of one window."""

    window_start: str
    metric: str
    subject: str = ""


class Value(NamedTuple):
    """Its value, rounded to 10 significant digits, and the number of events or labels behind it."""

    value: float
    n: int


Expected = dict[Key, Value]


def expected(story: Story, counted: Mask | None = None, labelled: Mask | None = None) -> Expected:
    """All windows of a story.

    Args:
        counted: (events,) those that must have been counted; all without it.
        labelled: (events,) those whose label must have been; all that come without it.
    """
    rows, found = story.rows, Expected()
    counted = np.ones(story.events, dtype=np.bool_) if counted is None else counted
    labelled = rows.labelled if labelled is None else labelled
    length_us = micros(story.start + story.window) - micros(story.start)
    for number in range(story.windows):
        begin = micros(story.start) + number * length_us
        inside = counted & (rows.at_us >= begin) & (rows.at_us < begin + length_us)
        for (metric, subject), value in _window(rows, inside, inside & labelled).items():
            found[Key(iso(begin)[:19] + "Z", metric, subject)] = value
    return found


def _window(rows: Rows, events: Mask, labels: Mask) -> dict[tuple[str, str], Value]:
    n = int(events.sum())
    found = {("volume", ""): Value(n, n)}
    if n == 0:
        return found
    found["missing_share", "x"] = _share(np.isnan(rows.x), events)
    found["missing_share", "purpose"] = _share(rows.purpose < 0, events)
    found["unseen_share", "purpose"] = _share(rows.purpose == len(PURPOSES) - 1, events)
    found["latency_mean", ""] = _mean(rows.latency_ms, events)
    found["label_coverage", ""] = _share(labels, events)
    if labels.any():
        right = rows.predicted == rows.truth
        found["accuracy", ""] = _share(right, labels)
        found["brier", ""] = _mean((rows.score - rows.truth) ** 2, labels)
    for number, group in enumerate(GROUPS):
        found["group_selection_rate", f"sex={group}"] = _share(rows.predicted, events & (rows.group == number))
        found["label_coverage", f"sex={group}"] = _share(labels, events & (rows.group == number))
    return found


def _share(these: Mask, among: Mask) -> Value:
    n = int(among.sum())
    return Value(rounded(int((these & among).sum()) / n), n)


def _mean(values: NDArray[np.float64], among: Mask) -> Value:
    n = int(among.sum())
    return Value(rounded(math.fsum(values[among].tolist()) / n), n)


def rounded(value: float) -> float:
    """To 10 significant digits, as measurements are."""
    return float(f"{value:.9e}")
