"""Which records of each partition were seen already: after a take-over a log may hold them a second time."""

from __future__ import annotations

from bisect import bisect_right

PartitionKey = tuple[str, int]


class Covered:
    """Runs of offsets, by partition; few, since reading goes on where it stood but for take-overs and gaps."""

    def __init__(self) -> None:
        self._runs: dict[PartitionKey, list[list[int]]] = {}

    def add(self, partition: PartitionKey, offset: int) -> bool:
        """Take note of a record; whether it is seen for the first time."""
        runs = self._runs.setdefault(partition, [])
        at = bisect_right(runs, offset, key=lambda run: run[0]) - 1
        if at >= 0 and offset < runs[at][1]:
            return False
        if at >= 0 and offset == runs[at][1]:
            runs[at][1] = offset + 1
        else:
            at += 1
            runs.insert(at, [offset, offset + 1])
        if at + 1 < len(runs) and runs[at][1] == runs[at + 1][0]:
            runs[at][1] = runs.pop(at + 1)[1]
        return True
