"""The picture of the agent after a step: an immutable snapshot, from which everything shown is rendered."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from agent.delivery import outbox
from agent.delivery.sender import Sender
from agent.evidence.begin import log_directory
from agent.flow.contexts import Context
from agent.flow.history import Judged, WindowRecord
from agent.flow.intake import MAX_OPEN_PANES
from agent.flow.whole_models import volume_z
from agent.state import rejects
from agent.state.ledger import Ledger, StreamState
from agent.state.store import Lane
from agent.step import Step
from detectors.columns import ALL_VERSIONS, ModelKey, StreamKey
from detectors.measurement import Stage, Status, Track
from detectors.windows import BEGINNING_OF_TIME
from exporters.cells import column_counts
from exporters.incident_view import incident_view
from exporters.snapshot import (
    OTHER,
    Bound,
    Build,
    ColumnCount,
    Counters,
    DiskStatus,
    IncidentView,
    ModelFacts,
    PartitionStatus,
    ReceiverStatus,
    Reload,
    Result,
    Snapshot,
    SourceStatus,
    StreamStatus,
    SystemFacts,
    Timing,
    WindowResults,
)

RESOLVED_SHOWN = 100
BUILD = Build(version=version("wachter"), python=platform.python_version())


@dataclass(slots=True)
class Facts:
    """What only the runner knows.

    Attributes:
        not_ready: why the agent is not ready; empty when it is.
        written_us: when the last step was made durable.
        web_config_trouble: why the web config as it stands is not in force.
    """

    started_us: int
    not_ready: str = "the agent is starting"
    steps: Timing = field(default_factory=Timing)
    written_us: int | None = None
    reload: Reload | None = None
    web_config_trouble: str = ""
    failures: dict[str, int] = field(default_factory=dict)


class Painter:
    """Makes snapshots; keeps the converted windows until they change. Owned by the loop's thread."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self.step = step
        self.sender = sender
        self._windows: dict[tuple[object, Stage, bool], tuple[WindowRecord, WindowResults]] = {}

    def paint(self, facts: Facts, provisional: Mapping[int, WindowRecord]) -> Snapshot:
        """The agent as it stands.

        Args:
            provisional: by lane, its latest window whose labels are still arriving.
        """
        step, ledger = self.step, self.step.pipeline.ledger
        return Snapshot(
            build=BUILD,
            at_us=step.clock.now_us(),
            started_us=facts.started_us,
            not_ready=facts.not_ready,
            counters=self._counters(ledger, facts),
            source=self._source(),
            systems=tuple(self._systems(ledger)),
            models=tuple(self._models(ledger)),
            overflow=dict(_overflow(ledger)),
            streams=tuple(self._streams(ledger, provisional)),
            incidents=tuple(self._incidents(ledger)),
            steps=facts.steps,
            last_step_us=facts.written_us,
            bounds=tuple(self._bounds()),
            state_bytes={"database": step.store.size_bytes(), "join": step.pipeline.joins.disk_bytes},
            disks=self.disks(),
            receivers=tuple(self._receivers()),
            log=step.journal.status(ledger),
            reload=facts.reload,
            web_config_trouble=facts.web_config_trouble,
            severities=self.step.severities,
        )

    def _counters(self, ledger: Ledger, facts: Facts) -> Counters:
        return Counters(
            received=_sum(ledger, "received"),
            accepted=_sum(ledger, "accepted"),
            rejected=_by(ledger, "rejected", "reason"),
            duplicates=_sum(ledger, "duplicate"),
            late=_sum(ledger, "late"),
            conflicts=_sum(ledger, "conflict"),
            labels_received=_sum(ledger, "labels_received"),
            labels=_by(ledger, "labels", "outcome"),
            oversights=_sum(ledger, "oversights"),
            undeclared_fields=_sum(ledger, "undeclared_fields"),
            gap_records=_sum(ledger, "gap_records"),
            rejects_evicted=rejects.totals(self.step.store.connection).evicted,
            steps_dropped=self.step.steps_dropped,
            commits_failed=self.step.commits_failed,
            failures={**_by(ledger, "failures", "edge"), **facts.failures},
        )

    def _source(self) -> SourceStatus:
        owned = self.step.owned
        positions = self.step.pipeline.ledger.position
        return SourceStatus(
            state=_source_state(self.step),
            trouble=owned.trouble.kind if owned.trouble else "",
            message=owned.trouble.message if owned.trouble else "",
            partitions=tuple(
                PartitionStatus(
                    topic=partition.topic,
                    number=partition.number,
                    next_offset=positions(partition).next_offset,
                    lag_records=owned.lag.get(partition),
                    frontier_us=positions(partition).progress.inferences.value_us,
                    paused=partition in owned.held,
                )
                for partition in owned.partitions
            ),
        )

    def _systems(self, ledger: Ledger) -> Iterator[SystemFacts]:
        for system in self.step.settings.systems:
            clock = ledger.clock(system.id)
            yield SystemFacts(
                system=system.id,
                owner=system.owner,
                supplier=system.supplier or "",
                risk_class=system.risk_class or "",
                watermark_us=_known(clock.watermark_us),
                label_watermark_us=_known(clock.label_watermark_us),
            )

    def _models(self, ledger: Ledger) -> Iterator[ModelFacts]:
        """Model versions that live, and as many of the retired ones as there is room for, the latest first."""
        contexts = self.step.pipeline.contexts
        newest_first = sorted(ledger.lanes.values(), key=lambda lane: (lane.ended, -lane.id))
        latest = list(dict.fromkeys(ModelKey(*lane.key[:3]) for lane in newest_first))
        latest = latest[: self.step.settings.limits.max_streams]
        for key in sorted(key for key in latest if contexts.knows(key)):
            context = contexts.of(key)
            labels = key._asdict()
            yield ModelFacts(
                key=key,
                task=context.model.task,
                reference=context.reference.digest[:12] if context.reference else "",
                layout=context.layout.digest,
                accepted=ledger.value("accepted", **labels),
                failed=ledger.value("failed", **labels),
                last_event_us=ledger.value("last_event_us", **labels) or None,
                protected=tuple(context.model.protected),
            )

    def _streams(self, ledger: Ledger, provisional: Mapping[int, WindowRecord]) -> Iterator[StreamStatus]:
        for lane in sorted(ledger.lanes.values(), key=lambda lane: lane.key):
            if self._is_current(lane):
                yield self._stream(ledger, lane, provisional.get(lane.id))
        for context in self.step.pipeline.contexts.of_models():
            key = StreamKey(context.system.id, context.model.name, ALL_VERSIONS)
            windows = tuple(_window(record) for record in ledger.stream(key).latest)
            if windows:
                yield _status(ledger, key, windows, volume_z(context))

    def _is_current(self, lane: Lane) -> bool:
        key = ModelKey(*lane.key[:3])
        contexts = self.step.pipeline.contexts
        return contexts.knows(key) and contexts.of(key).digest == lane.context and not lane.ended

    def _stream(self, ledger: Ledger, lane: Lane, provisional: WindowRecord | None) -> StreamStatus:
        context = self.step.pipeline.contexts.of(ModelKey(*lane.key[:3]))
        state: StreamState = ledger.stream(lane.key)
        records = [*state.latest, *([provisional] if provisional else [])]
        windows = tuple(self._window(record, lane, context) for record in records)
        return _status(ledger, lane.key, windows, context.z)

    def _window(self, record: WindowRecord, lane: Lane, context: Context) -> WindowResults:
        key = (lane.id, record.stage, record.provisional)
        kept = self._windows.get(key)
        if kept is not None and kept[0] is record:
            return kept[1]
        cells: tuple[ColumnCount, ...] = ()
        if self.step.settings.exposition.cells and record.stage is Stage.WINDOW:
            starts = context.plan.panes(record.start_us, record.end_us)
            cells = column_counts(context.layout, self.step.pipeline.panes.window(lane.id, starts))
        shown = _window(record, cells)
        self._windows[key] = (record, shown)
        return shown

    def _incidents(self, ledger: Ledger) -> Iterator[IncidentView]:
        known = [incident for state in ledger.streams.values() for incident in state.incidents]
        opened = sorted((i for i in known if i.is_open), key=lambda i: (-i.opened_us, i.id))
        resolved = sorted((i for i in known if not i.is_open), key=lambda i: (-(i.resolved_us or 0), i.id))
        return (incident_view(one, self.step.severities) for one in (*opened, *resolved[:RESOLVED_SHOWN]))

    def _bounds(self) -> Iterator[Bound]:
        pipeline, limits, state = self.step.pipeline, self.step.settings.limits, self.step.settings.state
        kept = rejects.totals(self.step.store.connection)
        refused = pipeline.ledger.value("rejected", reason=MAX_OPEN_PANES)
        yield Bound("open_panes", *pipeline.intake.open_panes(), refused)
        overflow = pipeline.ledger.value("labels", outcome="overflow")
        yield Bound("waiting_labels", len(pipeline.pending), limits.max_pending_labels, overflow)
        yield Bound("join_bytes", pipeline.joins.disk_bytes, state.max_join_bytes, pipeline.joins.sampled_panes)
        yield Bound(
            "streams", pipeline.ledger.live_lanes, limits.max_streams, _sum(pipeline.ledger, "segment_overflow")
        )
        yield Bound("rejects", kept.rows, state.max_rejects, kept.evicted)
        waiting = outbox.rows(self.step.store.connection)
        yield Bound("outbox", waiting, limits.max_outbox, _sum(pipeline.ledger, "outbox_overflow"))

    def disks(self) -> dict[str, DiskStatus]:
        """The file systems of state and log, as far as the directories are there."""
        settings = self.step.settings
        directories = {"state": settings.state.directory, "log": log_directory(settings)}
        return {name: disk_status(path) for name, path in directories.items() if path.is_dir()}

    def _receivers(self) -> Iterator[ReceiverStatus]:
        waiting = {
            status.receiver: status for status in outbox.status(self.step.store.connection, self.step.clock.now_us())
        }
        for name in dict.fromkeys(target.receiver for target in self.step.targets()):
            known = waiting.get(name, ReceiverStatus(name))
            yield ReceiverStatus(name, known.waiting, known.dead, known.oldest_us, self.sender.outcomes(name))


def disk_status(directory: Path) -> DiskStatus:
    """The file system of a directory that exists; what is kept for root does not count as free."""
    found = os.statvfs(directory)
    return DiskStatus(size_bytes=found.f_blocks * found.f_frsize, free_bytes=found.f_bavail * found.f_frsize)


def _source_state(step: Step) -> str:
    if step.owned.trouble is not None:
        return "trouble"
    if not step.owned.assigned:
        return "starting"
    return "reading" if step.owned.partitions else "standby"


def _status(ledger: Ledger, key: StreamKey, windows: tuple[WindowResults, ...], z: float) -> StreamStatus:
    labels = key._asdict()
    return StreamStatus(
        key=key,
        windows=windows,
        z=z,
        evaluations={status: ledger.value("evaluations", **labels, status=status.value) for status in Status},
        calls={track: ledger.value("calls", **labels, track=track.value) for track in Track},
        windows_closed=ledger.value("windows_closed", **labels),
    )


def _window(record: WindowRecord, cells: tuple[ColumnCount, ...] = ()) -> WindowResults:
    return WindowResults(
        stage=record.stage,
        start_us=record.start_us,
        end_us=record.end_us,
        results=tuple(_result(judged) for judged in record.results),
        provisional=record.provisional,
        partial=record.partial,
        cells=cells,
    )


def _result(judged: Judged) -> Result:
    return Result(
        judged.family,
        judged.measurement,
        judged.status,
        judged.reason,
        judged.tolerance,
        judged.track,
        max(len(judged.run), 1),
    )


def _known(time_us: int) -> int | None:
    return None if time_us == BEGINNING_OF_TIME else time_us


def _overflow(ledger: Ledger) -> Iterator[tuple[StreamKey, int]]:
    for labels, count in ledger.counter("stream_overflow"):
        yield StreamKey(labels["system"], labels["model"], OTHER), count
    for labels, count in ledger.counter("segment_overflow"):
        yield StreamKey(labels["system"], labels["model"], ALL_VERSIONS, OTHER), count


def _sum(ledger: Ledger, name: str) -> int:
    return sum(value for _, value in ledger.counter(name))


def _by(ledger: Ledger, name: str, label: str) -> dict[str, int]:
    return {labels[label]: value for labels, value in ledger.counter(name)}
