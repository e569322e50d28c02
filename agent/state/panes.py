"""The tables of panes: open ones in memory, the others in the state, read back when a label or a window asks for them.

Most cells of a pane are empty where events are few: tables of 100 KiB that hold 40 events compress to 2 KiB. So they are
written compressed, and wait so for the end of their step where there are many.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import zstandard

from agent.state.store import Store
from detectors.tables import Tables, total

CACHED_PANES = 64
CHANGED_PANES = 128
_MAGIC = struct.pack("<I", zstandard.MAGIC_NUMBER)


class PaneId(NamedTuple):
    lane: int
    start_us: int


class Panes:
    """Owned by the loop's thread. What was changed stays in memory until ``write``; beside it the last used panes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._changed: OrderedDict[PaneId, Tables] = OrderedDict()
        self._packed: dict[PaneId, bytes] = {}
        self._dropped: list[PaneId] = []
        self._cached: OrderedDict[PaneId, Tables] = OrderedDict()
        self._held = {
            PaneId(lane, start) for lane, start in store.connection.execute("SELECT lane, start_us FROM pane")
        }
        self._compressor = zstandard.ZstdCompressor(level=1)

    def __contains__(self, pane: object) -> bool:
        return pane in self._held

    def starts(self, lane: int) -> list[int]:
        """Starts of the lane's panes that hold events, ascending."""
        return sorted(pane.start_us for pane in self._held if pane.lane == lane)

    def get(self, pane: PaneId) -> Tables | None:
        """The tables of a pane; ``None`` if it holds no event."""
        if pane in self._changed:
            return self._changed[pane]
        if pane in self._cached:
            self._cached.move_to_end(pane)
            return self._cached[pane]
        if pane not in self._held:
            return None
        body = self._packed.get(pane) or self.store.pane(*pane)
        assert body is not None
        tables = unpacked(body)
        self._cache(pane, tables)
        return tables

    def add(self, pane: PaneId, tables: Tables, taken_back: Tables | None = None) -> None:
        """Merge tables into a pane; ``taken_back`` was merged before and is subtracted."""
        held = self.get(pane)
        merged = tables if held is None else held + tables
        self._changed[pane] = merged if taken_back is None else merged - taken_back
        self._changed.move_to_end(pane)
        self._cached.pop(pane, None)
        self._packed.pop(pane, None)
        self._held.add(pane)
        while len(self._changed) > CHANGED_PANES:
            longest_ago, waiting = self._changed.popitem(last=False)
            self._packed[longest_ago] = self._pack(waiting)

    def window(self, lane: int, starts: Iterable[int]) -> Tables:
        """The sum of panes; empty tables where none of them holds an event."""
        found = (self.get(PaneId(lane, start)) for start in starts)
        return total(tables for tables in found if tables is not None)

    def drop(self, lane: int, before_us: int) -> None:
        """Forget the panes of a lane that start before a time."""
        gone = [pane for pane in self._held if pane.lane == lane and pane.start_us < before_us]
        for pane in gone:
            self._held.discard(pane)
            self._cached.pop(pane, None)
            self._changed.pop(pane, None)
            self._packed.pop(pane, None)
        self._dropped.extend(gone)

    def write(self) -> None:
        """Inside the transaction."""
        packing = ((pane, self._pack(tables)) for pane, tables in self._changed.items())
        self.store.put_panes((*pane, body) for pane, body in chain(self._packed.items(), packing))
        self.store.drop_panes(self._dropped)

    def written(self) -> None:
        """After the transaction."""
        for pane, tables in self._changed.items():
            self._cache(pane, tables)
        self._changed.clear()
        self._packed.clear()
        self._dropped.clear()

    def forget(self) -> None:
        """Give back the memory of panes that have not changed; what is needed again is read from the state."""
        self._cached.clear()

    def _cache(self, pane: PaneId, tables: Tables) -> None:
        self._cached[pane] = tables
        self._cached.move_to_end(pane)
        while len(self._cached) > CACHED_PANES:
            self._cached.popitem(last=False)

    def _pack(self, tables: Tables) -> bytes:
        return self._compressor.compress(tables.to_bytes())


def unpacked(body: bytes) -> Tables:
    """The tables of a pane as the state holds them; those of its first format are not compressed."""
    return Tables.from_bytes(zstandard.ZstdDecompressor().decompress(body) if body.startswith(_MAGIC) else body)
