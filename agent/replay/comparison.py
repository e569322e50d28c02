"""What a replay computes, held against what the log recorded: windows and incidents, byte for byte.

A window, or a transition of an incident, is computed at the clock that made it due, and its entry follows. What is left on
either side when the next events come has no counterpart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from agent.clock import iso
from agent.flow.contexts import Contexts
from agent.flow.history import WindowRecord, rows
from agent.flow.incident_book import ENCODER, changed_incidents
from agent.flow.recording import Silent
from agent.replay.differences import Differences, first_difference, rests_on_runs
from agent.replay.erased import Erased
from agent.replay.log_entries import LogEntry
from agent.state.ledger import Ledger
from detectors.columns import ModelKey
from detectors.incident import Incident, Transition
from detectors.incident_record import to_json
from detectors.measurement import Track
from detectors.windows import BEGINNING_OF_TIME, END_OF_TIME
from exporters.evidence.leaf import Incident as IncidentLeaf
from exporters.evidence.leaf import Inference
from exporters.evidence.leaf import Window as WindowLeaf
from exporters.evidence.payload_text import document_of

AGENT = "agent-"
"""Incidents of the agent's own track: they depend on the journey of the events, which no replay repeats."""


class WindowName(NamedTuple):
    """What a window is found by."""

    stream: tuple[str, ...]
    stage: str
    start_us: int
    end_us: int


class TransitionName(NamedTuple):
    """What a transition of an incident is found by."""

    incident: str
    kind: str
    at_us: int


Name = TypeVar("Name", WindowName, TransitionName)


@dataclass(slots=True)
class Span:
    """What is compared: windows that lie in [start, end) of event time, and incidents' transitions there.

    Attributes:
        is_cut: the log does not go back to its beginning: runs of windows, and incidents, may rest on what is gone.
    """

    start_us: int = BEGINNING_OF_TIME
    end_us: int = END_OF_TIME
    is_cut: bool = False

    def holds(self, start_us: int, end_us: int) -> bool:
        return self.start_us <= start_us and end_us <= self.end_us


@dataclass(slots=True)
class Compared:
    """How much was compared, and how much lay outside of what was asked for."""

    windows: int = 0
    incidents: int = 0
    outside: int = 0


@dataclass(slots=True)
class Comparison(Silent):
    """Owned by the replay; the pipeline tells it what it closes.

    Attributes:
        severities: how loud each track is; part of an incident's record.
        incidents: as they now stand, those that changed since they were last taken away.
    """

    differences: Differences
    span: Span
    severities: Mapping[Track, str] = field(default_factory=dict)
    compared: Compared = field(default_factory=Compared)
    incidents: dict[str, Incident] = field(default_factory=dict)
    _windows: dict[WindowName, deque[bytes]] = field(default_factory=dict)
    _transitions: dict[TransitionName, deque[bytes]] = field(default_factory=dict)
    _erased: Erased = field(default_factory=Erased)

    def begin(self, ledger: Ledger, contexts: Contexts) -> None:
        self._ledger = ledger
        self._contexts = contexts

    def close(self, windows: Sequence[WindowRecord], transitions: Sequence[Transition]) -> None:
        for record in windows:
            name = WindowName(tuple(record.stream), record.stage.value, record.start_us, record.end_us)
            document = b"".join(row[-1] + b"\n" for row in rows(record))
            self._windows.setdefault(name, deque()).append(document)
        self.happen(transitions)

    def happen(self, transitions: Sequence[Transition]) -> None:
        changed = {incident.id: incident for incident in changed_incidents(self._ledger, transitions)}
        self.incidents |= changed
        documents = {
            id_: ENCODER.encode(to_json(incident, self.severities)) + b"\n" for id_, incident in changed.items()
        }
        for one in transitions:
            document = documents.get(one.incident_id) or ENCODER.encode(one) + b"\n"
            name = TransitionName(one.incident_id, one.kind.value, one.at_us)
            self._transitions.setdefault(name, deque()).append(document)

    def recorded_window(self, entry: LogEntry, leaf: WindowLeaf) -> None:
        """The log holds a window."""
        name = WindowName(leaf.stream, leaf.stage, leaf.start, leaf.end)
        computed = _take(self._windows, name)
        recorded = None if entry.payload is None else document_of(entry.payload)
        if not self.span.holds(leaf.start, leaf.end) or self._cannot_tell(recorded, computed):
            self.compared.outside += 1
            return
        self.compared.windows += 1
        if recorded != computed:
            self._differs_window(name, recorded, computed, entry.where)

    def recorded_transition(self, entry: LogEntry, leaf: IncidentLeaf) -> None:
        """The log holds a transition."""
        if leaf.incident.startswith(AGENT):
            return
        name = TransitionName(leaf.incident, leaf.kind, leaf.at)
        computed = _take(self._transitions, name)
        if self.span.is_cut or not self.span.holds(leaf.at, leaf.at):
            self.compared.outside += 1
            return
        self.compared.incidents += 1
        recorded = None if entry.payload is None else document_of(entry.payload)
        if recorded != computed:
            self._differs_transition(name, recorded, computed, entry.where)

    def gone(self, entry: LogEntry, leaf: Inference) -> None:
        """An event that counted cannot be read any more: its windows cannot be what they were."""
        key = ModelKey(*leaf.stream)
        plan = self._contexts.of(key).plan if self._contexts.knows(key) else None
        self._erased.add(leaf, entry.where, plan)

    def settle(self) -> None:
        """Events follow: what was computed and is not in the log until now is not there at all."""
        for window, documents in self._windows.items():
            if documents and self.span.holds(window.start_us, window.end_us):
                self._differs_window(window, None, documents[0], None)
        for transition, documents in self._transitions.items():
            if documents and not self.span.is_cut and self.span.holds(transition.at_us, transition.at_us):
                self._differs_transition(transition, None, documents[0], None)
        self._windows.clear()
        self._transitions.clear()

    def finish(self) -> None:
        """The log has ended."""
        self.settle()
        self._erased.tell(self.differences)

    def _cannot_tell(self, recorded: bytes | None, computed: bytes | None) -> bool:
        """Whether a difference may come from windows that are no longer in the log."""
        if not self.span.is_cut or recorded is None or computed is None:
            return False
        return recorded != computed and rests_on_runs(recorded, computed)

    def _differs_window(
        self, name: WindowName, recorded: bytes | None, computed: bytes | None, where: str | None
    ) -> None:
        place = {
            "stream": name.stream,
            "stage": name.stage,
            "start": iso(name.start_us),
            "end": iso(name.end_us),
            "entry": where,
            "erased": self._erased.within(name.stream, name.start_us, name.end_us) or None,
        }
        self.differences.add("window", _sentence("window", recorded, computed), **place, **_first(recorded, computed))

    def _differs_transition(
        self, name: TransitionName, recorded: bytes | None, computed: bytes | None, where: str | None
    ) -> None:
        place = {"incident": name.incident, "transition": name.kind, "at": iso(name.at_us), "entry": where}
        self.differences.add(
            "incident", _sentence("transition", recorded, computed), **place, **_first(recorded, computed)
        )


def _take(waiting: dict[Name, deque[bytes]], name: Name) -> bytes | None:
    documents = waiting.get(name)
    if not documents:
        return None
    document = documents.popleft()
    if not documents:
        del waiting[name]
    return document


def _sentence(what: str, recorded: bytes | None, computed: bytes | None) -> str:
    if recorded is None:
        return f"the {what} was computed and is not in the log"
    if computed is None:
        return f"the {what} is in the log and was not computed"
    return f"the {what} was computed otherwise than it was recorded"


def _first(recorded: bytes | None, computed: bytes | None) -> dict[str, object]:
    return first_difference(recorded, computed) if recorded is not None and computed is not None else {}
