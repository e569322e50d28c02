"""Events that counted once and cannot be read any more: how many, of which model version, in which windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agent.replay.differences import Differences
from detectors.windows import WindowPlan
from exporters.evidence.leaf import Inference


class Erased:
    """Counts them by pane, so that any number of them takes little room; windows are made of whole panes."""

    def __init__(self) -> None:
        self._of_stream: Counter[tuple[str, str, str]] = Counter()
        self._first: dict[tuple[str, str, str], str] = {}
        self._in_pane: Counter[tuple[str, str, int]] = Counter()

    def add(self, leaf: Inference, where: str, plan: WindowPlan | None) -> None:
        """One more; ``plan`` is how windows of its model are cut, ``None`` where nobody watches it."""
        self._of_stream[leaf.stream] += 1
        self._first.setdefault(leaf.stream, where)
        if plan is not None:
            (pane,) = plan.pane_of(np.array([leaf.at])).tolist()
            self._in_pane[(*leaf.stream[:2], pane)] += 1

    def within(self, stream: Sequence[str], start_us: int, end_us: int) -> int:
        """How many of a stream's model lie in a window."""
        panes = ((pane, n) for (system, model, pane), n in self._in_pane.items() if [system, model] == [*stream[:2]])
        return sum(n for pane, n in panes if start_us <= pane < end_us)

    def tell(self, differences: Differences) -> None:
        """One difference for each model version."""
        for stream, events in sorted(self._of_stream.items()):
            what = "events whose payloads are gone cannot be counted again"
            differences.add("erased", what, stream=stream, events=events, first=self._first[stream])
