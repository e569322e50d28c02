"""The tables of panes: open ones in memory, the others in the state, read back when a label or a window asks for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from agent.state.store import Store
from detectors.tables import Tables, total

CACHED_PANES = 64


class PaneId(NamedTuple):
    lane: int
    start_us: int


class Panes:
    """Owned by the loop's thread. What was changed stays in memory until ``write``; beside it the last used panes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._dirty: dict[PaneId, Tables] = {}
        self._dropped: list[PaneId] = []
        self._clean: OrderedDict[PaneId, Tables] = OrderedDict()
        self._held = {
            PaneId(lane, start) for lane, start in store.connection.execute("SELECT lane, start_us FROM pane")
        }

    def __contains__(self, pane: object) -> bool:
        return pane in self._held

    def starts(self, lane: int) -> list[int]:
        """Starts of the lane's panes that hold events, ascending."""
        return sorted(pane.start_us for pane in self._held if pane.lane == lane)

    def get(self, pane: PaneId) -> Tables | None:
        """The tables of a pane; ``None`` if it holds no event."""
        if pane in self._dirty:
            return self._dirty[pane]
        if pane in self._clean:
            self._clean.move_to_end(pane)
            return self._clean[pane]
        if pane not in self._held:
            return None
        body = self.store.pane(*pane)
        assert body is not None
        tables = Tables.from_bytes(body)
        self._remember(pane, tables)
        return tables

    def add(self, pane: PaneId, tables: Tables, taken_back: Tables | None = None) -> None:
        """Merge tables into a pane; ``taken_back`` was merged before and is subtracted."""
        held = self.get(pane)
        merged = tables if held is None else held + tables
        self._dirty[pane] = merged if taken_back is None else merged - taken_back
        self._clean.pop(pane, None)
        self._held.add(pane)

    def window(self, lane: int, starts: Iterable[int]) -> Tables:
        """The sum of panes; empty tables where none of them holds an event."""
        found = (self.get(PaneId(lane, start)) for start in starts)
        return total(tables for tables in found if tables is not None)

    def drop(self, lane: int, before_us: int) -> None:
        """Forget the panes of a lane that start before a time."""
        gone = [pane for pane in self._held if pane.lane == lane and pane.start_us < before_us]
        for pane in gone:
            self._held.discard(pane)
            self._clean.pop(pane, None)
            self._dirty.pop(pane, None)
        self._dropped.extend(gone)

    def write(self) -> None:
        """Inside the transaction."""
        self.store.put_panes((*pane, tables.to_bytes()) for pane, tables in self._dirty.items())
        self.store.drop_panes(self._dropped)

    def written(self) -> None:
        """After the transaction."""
        for pane, tables in self._dirty.items():
            self._remember(pane, tables)
        self._dirty.clear()
        self._dropped.clear()

    def forget(self) -> None:
        """Give back the memory of panes that have not changed; what is needed again is read from the state."""
        self._clean.clear()

    def _remember(self, pane: PaneId, tables: Tables) -> None:
        self._clean[pane] = tables
        self._clean.move_to_end(pane)
        while len(self._clean) > CACHED_PANES:
            self._clean.popitem(last=False)
