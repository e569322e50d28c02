"""What the agent hands over after a step: an immutable picture of itself, from which everything shown is rendered.

The loop makes one, swaps it in, and never touches it again; the server's thread only reads. Counters are totals since the
state directory was made, times are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.columns import ModelKey, StreamKey
from detectors.incident import SEVERITIES
from detectors.measurement import Measurement, Stage, Status, Track
from exporters.timing import Timing as Timing


@dataclass(frozen=True, slots=True)
class Build:
    """Which program this is."""

    version: str
    python: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals of the journey of events; received = accepted + rejected + duplicates + late, always.

    Attributes:
        received: inference events and records that could not be placed; labels and oversight events are counted apart.
        labels_received: label events, and labels that came with their prediction.
        rejected: by reason; reasons that never occurred may be absent, they are shown as 0.
        conflicts: unequal copies under one id (they are among the duplicates).
        labels: labels by what became of them (``LABEL_OUTCOMES``).
        failures: unexpected exceptions caught, by edge (``FAILURE_EDGES``).
        gap_records: offsets that were gone before they were read.
        undeclared_fields: fields of events that the settings do not declare.
    """

    received: int = 0
    accepted: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    late: int = 0
    conflicts: int = 0
    labels_received: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    oversights: int = 0
    undeclared_fields: int = 0
    gap_records: int = 0
    rejects_evicted: int = 0
    steps_dropped: int = 0
    commits_failed: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)


OTHER = "__other__"
"""Label value of all those together for whom there was no room."""
LABEL_OUTCOMES = (
    "joined",
    "replaced",
    "superseded",
    "duplicate",
    "beyond_horizon",
    "invalid",
    "not_sampled",
    "correction",
    "orphan",
    "overflow",
    "not_watched",
)
"""joined: counted; replaced: took the place of an older label; superseded: a newer one is known; duplicate: an equal copy;
beyond_horizon: it occurred after the horizon of its window; invalid: no class or number of the model; not_sampled: its
prediction is outside the join's sample; correction: its window was judged already, nothing recorded changes; orphan: its
prediction never came; overflow: it could not wait, limits.max_pending_labels was reached; not_watched: no model that
declares labels is addressed. A label may speak of several predictions, so these need not add up to those received."""

FAILURE_EDGES = ("detector", "act", "step")


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One source partition, as the agent reads it."""

    topic: str
    number: int
    next_offset: int
    lag_records: int | None = None
    frontier_us: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The event log.

    Attributes:
        entries: recorded since the state directory was made; bytes: of all its files.
        signed_size: entries of the current month that the last checkpoint covers; signed_us: when it was signed.
        unwritable: why it cannot be written now; empty where it can.
        copies_failed: checkpoints that a receiver did not take, since the start.
    """

    entries: int = 0
    bytes: int = 0
    signed_size: int = 0
    signed_us: int | None = None
    unwritable: str = ""
    copies_failed: int = 0


@dataclass(frozen=True, slots=True)
class DiskStatus:
    """The file system that a directory of the agent lies on: its size, and what is free for the agent."""

    size_bytes: int
    free_bytes: int


SOURCE_STATES = ("starting", "reading", "standby", "trouble")


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Where events come from and whether they do; ``trouble`` is a bounded name, ``message`` is for people."""

    state: str = "starting"
    trouble: str = ""
    message: str = ""
    partitions: tuple[PartitionStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """One bounded thing (open panes, waiting labels, join bytes ...), its use, its limit, and how often it was reached."""

    name: str
    used: int
    limit: int
    reached: int = 0


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What the settings say about a system, and how far its event time has come."""

    system: str
    owner: str = ""
    supplier: str = ""
    risk_class: str = ""
    watermark_us: int | None = None
    label_watermark_us: int | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model version that was seen or declared.

    Attributes:
        reference: first digits of the reference's digest; empty where there is none.
        protected: names of its protected attributes, whose groups are no labels unless the settings allow it.
        accepted: its accepted inference events; failed: those of them that the model answered with an error.
        last_event_us: largest event time accepted.
    """

    key: ModelKey
    task: str
    reference: str = ""
    layout: str = ""
    accepted: int = 0
    failed: int = 0
    last_event_us: int | None = None
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A measurement with what was decided about it.

    Attributes:
        family: detector family that measured it.
        status: ``None`` for measures that only inform.
        reason: why the status is what it is; a bounded name.
        tolerance: what the effect was compared with; ``None`` for measures that only inform.
        track: who is called when it breaches.
        windows: how many windows were judged as one; the effect is theirs, everything else that of the latest alone.
    """

    family: str
    measurement: Measurement
    status: Status | None = None
    reason: str = ""
    tolerance: float | None = None
    track: Track | None = None
    windows: int = 1


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """Events of the window in one cell of a column; ``below`` is its upper edge (``inf`` for the last), or ``None`` for
    cells that hold no number, which ``cell`` names (missing, invalid, other, unseen)."""

    column: str
    below: float | None
    cell: str
    count: int


@dataclass(frozen=True, slots=True)
class WindowResults:
    """The latest measured window of one stream at one stage.

    Attributes:
        provisional: labels are still arriving; nothing here decides.
        partial: the window was cut by the first position read or by a gap; nothing here decides.
        results: in the order of the families table.
    """

    stage: Stage
    start_us: int
    end_us: int
    results: tuple[Result, ...]
    provisional: bool = False
    partial: bool = False
    cells: tuple[ColumnCount, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """What is judged together, and its latest windows: one per stage, and the latest provisional one.

    Attributes:
        z: normal quantile of its intervals.
        evaluations: deciding verdicts so far by status; calls: by track. Together they are the realised rate of calls.
        windows_closed: non-provisional windows measured so far.
    """

    key: StreamKey
    windows: tuple[WindowResults, ...] = ()
    z: float = 3.0
    evaluations: Mapping[Status, int] = field(default_factory=dict)
    calls: Mapping[Track, int] = field(default_factory=dict)
    windows_closed: int = 0


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident as it is shown and told.

    Attributes:
        state: "open" or "resolved".
        severity: "critical" (page), "warning" (ticket) or "info".
        headline: one sentence; explanation: what moved with it, most telling first.
        call: how often people were called for it; 1 when it opened.
        acknowledged_by: empty until somebody did.
        silenced_until_us: nobody is called before, by the clock on the wall; ``None`` where it is not silenced.
        record: the whole incident as JSON-ready values, as in incidents.jsonl.
    """

    id: str
    stream: StreamKey
    track: Track
    severity: str
    state: str
    headline: str
    opened_us: int
    resolved_us: int | None = None
    call: int = 1
    acknowledged_by: str = ""
    silenced_until_us: int | None = None
    explanation: tuple[str, ...] = ()
    record: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """What waits for one receiver, and what became of what was sent."""

    receiver: str
    waiting: int = 0
    dead: int = 0
    oldest_us: int | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reload:
    """The last time the settings were read."""

    successful: bool
    at_us: int
    last_success_us: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, at one moment.

    Attributes:
        at_us, started_us: agent's clock.
        not_ready: why the agent is not ready; empty when it is.
        web_config_trouble: why the web config as it stands is not in force; empty when it is.
        state_bytes: size on disk by part (database, join).
        overflow: events that no stream of their own counts because ``limits.max_streams`` was reached; the part of the key
            that found no room is ``OTHER``.
        disks: by directory ("state", "log"), the file system it lies on.
        log: the event log; ``None`` where nothing is logged.
        incidents: the open ones, then those resolved lately, newest first.
        severities: how loud each track is, for the series of incidents that are not there.
    """

    build: Build
    at_us: int
    started_us: int
    not_ready: str = "the agent is starting"
    counters: Counters = field(default_factory=Counters)
    source: SourceStatus = field(default_factory=SourceStatus)
    systems: tuple[SystemFacts, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    overflow: Mapping[StreamKey, int] = field(default_factory=dict)
    streams: tuple[StreamStatus, ...] = ()
    incidents: tuple[IncidentView, ...] = ()
    steps: Timing = field(default_factory=Timing)
    last_step_us: int | None = None
    bounds: tuple[Bound, ...] = ()
    state_bytes: Mapping[str, int] = field(default_factory=dict)
    disks: Mapping[str, DiskStatus] = field(default_factory=dict)
    receivers: tuple[ReceiverStatus, ...] = ()
    log: LogStatus | None = None
    reload: Reload | None = None
    web_config_trouble: str = ""
    severities: Mapping[Track, str] = field(default_factory=lambda: dict(SEVERITIES))
