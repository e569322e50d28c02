"""The chunks of a reference: stretches as long as the windows that will be compared with it.

Events of one user, one hour or one campaign are not independent, so chunks of one and the same period differ by more than
chance says. How much more is what ``spread.py`` measures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.windows import WindowPlan

MIN_CHUNKS = 10
"""With fewer, the spread is unknown: phi is 1 and tolerances stay at their defaults."""

MAX_CHUNKS = 512
"""More are thinned evenly: their tables are held at once, and the spread of 512 is known to 7 %."""

Times = NDArray[np.int64]


def chunk_starts(occurred_us: Times, plan: WindowPlan) -> Times:
    """Starts of the non-empty chunks, ascending.

    Event-time windows give chunks of their length, aligned as they are; count windows give the shortest runs of whole panes
    with at least ``min_events`` events each (the last may have fewer).

    Args:
        occurred_us: (n,) event times in any order.
    """
    if plan.min_events is None:
        return np.unique((occurred_us - plan.offset_us) // plan.length_us * plan.length_us + plan.offset_us)
    panes, counts = np.unique(plan.pane_of(occurred_us), return_counts=True)
    starts = []
    room = 0
    for pane, count in zip(panes.tolist(), counts.tolist(), strict=True):
        if room <= 0:
            starts.append(pane)
            room = plan.min_events
        room -= count
    return np.array(starts, dtype=np.int64)


def chunk_of(occurred_us: Times, starts: Times) -> NDArray[np.intp]:
    """(n,) index of the chunk of each event."""
    return np.searchsorted(starts, occurred_us, side="right") - 1


def thinned(count: int) -> NDArray[np.intp]:
    """Indices of at most MAX_CHUNKS of ``count`` chunks, evenly spread."""
    if count <= MAX_CHUNKS:
        return np.arange(count)
    return np.arange(MAX_CHUNKS) * count // MAX_CHUNKS


def longest_gap_us(occurred_us: Times) -> int:
    """The longest time between two consecutive events; 0 for fewer than two."""
    return int(np.diff(np.sort(occurred_us)).max(initial=0))
