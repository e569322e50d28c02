"""Takes pictures of the columns of an incident when one of its windows is judged, while the window's tables are there."""

from __future__ import annotations

from collections.abc import Sequence

from agent.flow.contexts import Context
from agent.flow.windowing import Due
from agent.state import pictures as kept
from agent.state.store import Store
from detectors.explanation import ranked
from detectors.incident import Incident, Kind, Transition
from detectors.incidents import StreamIncidents, find
from detectors.tables import Tables
from exporters.column_pictures import column_pictures, columns_by_change
from exporters.dossier import Pictures

MOST_COLUMNS = 8
AT_LEAST = 4
SHOWS = frozenset({Kind.OPENED, Kind.RECURRED, Kind.EXTENDED})
"""Transitions that a window brought, which is out of tolerance itself."""


class Album:
    """Owned by the loop's thread. What was taken stays in memory until ``write``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: dict[str, Pictures] = {}

    def changed(self, incidents: StreamIncidents, told: Sequence[Transition]) -> list[Incident]:
        """The incidents whose pictures are out of date after these transitions."""
        names = dict.fromkeys(transition.incident_id for transition in told if transition.kind in SHOWS)
        return [incident for name in names if (incident := find(incidents, name)) is not None]

    def take(self, incident: Incident, item: Due, context: Context, window: Tables) -> None:
        """The columns that the incident names, as they are in this window; where it names few, those that changed most."""
        reference = context.reference.tables if context.reference else None
        named = column_pictures(context.layout, window, reference, columns_of(incident)[:MOST_COLUMNS])
        others = [one for one in columns_by_change(context.layout, window, reference) if one not in named]
        columns = (*named, *others[: max(0, AT_LEAST - len(named))])
        if columns:
            self._taken[incident.id] = Pictures(item.start_us, item.end_us, columns)

    def write(self) -> None:
        """Inside the transaction."""
        for incident_id, pictures in self._taken.items():
            kept.put(self._store.connection, incident_id, pictures)

    def written(self) -> None:
        """After the transaction."""
        self._taken.clear()


def shown_window(incident: Incident, due: Sequence[Due]) -> Due | None:
    """Which of the windows that are due the incident speaks of: the latest one that a finding rests on."""
    spans = {(found.latest.window_start_us, found.latest.window_end_us) for found in incident.findings}
    mine = [item for item in due if not (item.retires or item.empty) and (item.start_us, item.end_us) in spans]
    return max(mine, key=lambda item: item.end_us, default=None)


def columns_of(incident: Incident) -> list[str]:
    """What its findings and what moved with it speak of, the most telling first; not all of it is a column."""
    subjects = [finding.subject for finding in ranked(incident)] + [row.subject for row in incident.moved]
    return [subject for subject in dict.fromkeys(subjects) if subject]
