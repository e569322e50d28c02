"""Volumes: how many events the closed windows of each model held, all versions together, for some weeks."""

from __future__ import annotations

from typing import NamedTuple

from agent.state.store import Store
from detectors.volume import MAX_WEEKS, WEEK_US

KEPT_US = (MAX_WEEKS + 1) * WEEK_US


class VolumeKey(NamedTuple):
    """A window of a model; windows of another length are not comparable."""

    system: str
    model: str
    length_us: int
    end_us: int


Series = tuple[str, str, int]
"""System, model and length: windows that can be compared."""


class Volumes:
    """Owned by the loop's thread. What is new stays in memory until ``write``.

    Attributes:
        revision: grows with every window.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.revision = 0
        self._new: dict[VolumeKey, int] = {}

    def series(self, at_most: int) -> dict[Series, dict[int, int]] | None:
        """Events of all windows that are known, by their ends; ``None`` where there are more windows than that."""
        rows = [*self.store.volumes(at_most + 1), *((*key, events) for key, events in self._new.items())]
        if len(rows) > at_most:
            return None
        found: dict[Series, dict[int, int]] = {}
        for system, model, length_us, end_us, events in rows:
            found.setdefault((system, model, length_us), {})[end_us] = events
        return found

    def get(self, key: VolumeKey) -> int | None:
        """Events of the window; ``None`` where it was not closed whole, or too long ago."""
        return self._new[key] if key in self._new else self.store.volume(*key)

    def put(self, key: VolumeKey, events: int) -> None:
        """A window was closed, and all of its events were read."""
        self._new[key] = events
        self.revision += 1

    def sum(self, key: VolumeKey, ends_us: tuple[int, ...]) -> int | None:
        """Events of the model's windows that ended at these times; ``None`` unless all are known."""
        found = [self.get(key._replace(end_us=end)) for end in ends_us]
        known = [events for events in found if events is not None]
        return sum(known) if len(known) == len(found) else None

    def same_hour_of_week(self, key: VolumeKey, ends_us: tuple[int, ...]) -> list[int]:
        """The same sum one, two ... weeks earlier, where it is known."""
        weeks = (self.sum(key, tuple(end - week * WEEK_US for end in ends_us)) for week in range(1, MAX_WEEKS + 1))
        return [events for events in weeks if events is not None]

    def write(self) -> None:
        """Inside the transaction."""
        if self._new:
            newest = max(key.end_us for key in self._new)
            self.store.put_volumes(((*key, events) for key, events in self._new.items()), newest - KEPT_US)

    def written(self) -> None:
        """After the transaction."""
        self._new.clear()
