"""One replay of a log: what its entries say happened, done again by the same parts of the pipeline.

Events that were accepted, and labels, are decoded from their payloads and counted; the log's clocks move the watermarks,
and close what is due, where they moved then; acts, settings, references, gaps and hand-overs take effect at their places.
Nothing is decided anew that the journey of the events decided: who was late, or a copy, is what the log says.
"""

from __future__ import annotations

import msgspec
import numpy as np

from agent.decoders import RecordDecoder, build_decoder
from agent.flow.buffer import Batch
from agent.flow.contexts import Contexts
from agent.flow.incident_book import apply_act, put_incidents, severities_of
from agent.flow.intake import Bounds, Taken
from agent.flow.pipeline import Pipeline
from agent.flow.takeover import Takeover
from agent.replay.comparison import AGENT, Comparison
from agent.replay.differences import Kind
from agent.replay.log_entries import LogEntry
from agent.replay.log_run import Recorded, Run
from agent.replay.log_settings import LoggedSettings
from agent.source import Committed, Gap, Partition
from agent.state.acts import DONE, RequestedAct
from agent.state.store import Store
from config.errors import EvidenceError
from detectors.columns import Inferences
from detectors.windows import BEGINNING_OF_TIME
from exporters.evidence import leaf as leaves
from exporters.evidence.event_leaves import ACCEPTED, CLASSES
from exporters.evidence.payload_text import document_of

HAPPENINGS = (leaves.Clock, leaves.Act, leaves.Settings, leaves.Reference, leaves.Gap, leaves.Takeover)
"""What takes effect at its place: whatever was read before it is counted first."""
RUN_RECORDS = 5_000
WRITE_WINDOWS = 1_000
ANY_NUMBER = 1 << 62
COMMITTED = msgspec.json.Decoder(list[tuple[str, int, int, str]])


class LogReplay:
    """Reads entries in their order into a scratch state."""

    def __init__(self, store: Store, logged: LoggedSettings, comparison: Comparison) -> None:
        self._store = store
        self._logged = logged
        self._comparison = comparison
        self._run = Run()
        self._begun: Pipeline | None = None
        self._decoder: RecordDecoder
        self._warming = False

    def take(self, entry: LogEntry) -> None:
        """The next entry.

        Raises:
            EvidenceError: the log does not hold what is needed, such as payloads or settings.
        """
        leaf = entry.leaf
        match leaf:
            case leaves.Inference() | leaves.Label() | leaves.Oversight() | leaves.Record():
                self._record(entry, leaf)
            case leaves.Window():
                self._comparison.recorded_window(entry, leaf)
            case leaves.Incident():
                self._comparison.recorded_transition(entry, leaf)
            case leaves.Shard() if leaf.previous is not None and self._begun is None:
                self._warming = True
            case _ if isinstance(leaf, HAPPENINGS):
                self._count()
                self._happens(entry)

    def finish(self) -> None:
        """The log has ended."""
        self._count()
        if self._begun is not None:
            self._write()
        self._comparison.finish()

    def _happens(self, entry: LogEntry) -> None:
        leaf = entry.leaf
        match leaf:
            case leaves.Clock():
                self._clock(leaf)
            case leaves.Act():
                self._act(entry, leaf)
            case leaves.Settings():
                self._logged.use(_document(entry))
            case leaves.Reference():
                self._logged.use_reference(leaf.model, _document(entry))
            case leaves.Gap() if leaf.cause != "not_delivered":
                self._gap(leaf)
            case leaves.Takeover():
                self._take_over(entry)

    def _record(self, entry: LogEntry, leaf: Recorded) -> None:
        if self._run.records >= RUN_RECORDS or not self._run.has_room(leaf):
            self._count()
        part = self._run.add(leaf)
        counts = isinstance(leaf, leaves.Label) or (isinstance(leaf, leaves.Inference) and leaf.class_ == "accepted")
        if not counts:
            return
        if entry.payload is not None:
            self._run.count(part, leaf.source[2], entry.payload)
            if entry.flaw:
                self._note(entry, "payload", "the payload is not the one that its entry commits to")
            return
        self._unreadable(entry, leaf)

    def _unreadable(self, entry: LogEntry, leaf: Recorded) -> None:
        if entry.flaw == "absent":
            raise EvidenceError(
                f"{entry.where}: its payload is not there. A log, or an export, without payloads cannot be computed again"
            )
        if entry.flaw == "sealed":
            self._note(
                entry, "payload", "the payload is sealed, and its key is not here: erased, or in the agent's state"
            )
        if isinstance(leaf, leaves.Inference):
            self._ready()
            self._comparison.gone(entry, leaf)
        elif entry.flaw == "erased":
            self._note(entry, "erased", "a label whose payload is gone cannot be counted again")

    def _note(self, entry: LogEntry, kind: Kind, what: str) -> None:
        source = getattr(entry.leaf, "source", None)
        self._comparison.differences.add(kind, what, entry=entry.where, source=source)

    def _ready(self) -> Pipeline:
        """The pipeline under the settings in force."""
        if self._begun is not None and not self._logged.changed:
            return self._begun
        if self._begun is not None:
            self._write()
        settings = self._logged.build()
        contexts = Contexts(settings)
        self._comparison.severities = severities_of(settings)
        self._decoder = build_decoder(settings)
        if self._begun is None:
            self._begun = Pipeline(settings, contexts, self._store, self._comparison)
        self._begun.settings, self._begun.contexts = settings, contexts
        _reload(self._begun)
        return self._begun

    def _count(self) -> None:
        """The records since the last clock are counted, and they were read."""
        if not self._run:
            return
        pipeline, (run, self._run) = self._ready(), (self._run, Run())
        self._comparison.settle()
        for part in run:
            if part.partition not in pipeline.ledger.positions:
                pipeline.cuts.begin(part.partition, part.begin)
        if run.counted:
            self._take(pipeline, run)
        for part in run:
            pipeline.read_to(part.read(pipeline.ledger.position(part.partition).progress))
        if run.records >= RUN_RECORDS or len(pipeline.outcome.windows) >= WRITE_WINDOWS:
            self._write()

    def _take(self, pipeline: Pipeline, run: Run) -> None:
        fetched = [part.fetched() for part in run if part.offsets]
        numbers = {(p.partition.topic, p.partition.number): pipeline.ledger.number_of(p.partition) for p in fetched}
        decoded = self._decoder.decode(fetched, numbers)
        batch = Batch(decoded, fetched, [numbers[part.partition] for part in fetched])
        for reject in decoded.rejects:
            source = (reject.topic, reject.partition, reject.offset)
            self._comparison.differences.add("event", f"cannot be read any more: {reject.reason}", source=source)
        if batch.inferences is not None:
            rows = np.arange(len(batch.inferences))
            self._check_classes(
                pipeline, batch.inferences, pipeline.intake.take(batch.inferences, rows, batch.marks, 0)
            )
        if batch.labels is not None:
            pipeline.labels.take(batch.labels, np.arange(len(batch.labels)))

    def _check_classes(self, pipeline: Pipeline, events: Inferences, taken: Taken) -> None:
        """All were accepted then."""
        for row in np.flatnonzero(taken.classes != ACCEPTED).tolist():
            partition = pipeline.ledger.partitions[int(events.partition[row])]
            self._comparison.differences.add(
                "event", f"was accepted, and is {CLASSES[taken.classes[row]]} now",
                source=(*partition, int(events.offset[row])),
            )  # fmt: skip

    def _clock(self, leaf: leaves.Clock) -> None:
        pipeline = self._ready()
        clock = pipeline.ledger.clock(leaf.system)
        if self._warming:
            self._warm_up(pipeline, leaf.label_watermark)
        pipeline.move_clock(
            leaf.system,
            msgspec.structs.replace(clock, watermark_us=leaf.watermark, label_watermark_us=leaf.label_watermark),
        )

    def _warm_up(self, pipeline: Pipeline, reached_us: int) -> None:
        """The beginning of the log is gone: windows that may rest on it are not compared."""
        if reached_us == BEGINNING_OF_TIME:
            return
        self._warming = False
        longest = max(
            context.plan.length_us + context.system.lateness_us + (context.horizon_us or 0)
            for context in pipeline.contexts.all()
        )
        span = self._comparison.span
        span.start_us, span.is_cut = max(span.start_us, reached_us + longest), True

    def _act(self, entry: LogEntry, leaf: leaves.Act) -> None:
        if leaf.outcome != DONE or leaf.incident.startswith(AGENT):
            return
        comment = "" if entry.payload is None else document_of(entry.payload).decode()
        request = RequestedAct(0, leaf.kind, leaf.incident, leaf.actor, comment, leaf.logged, leaf.until)  # type: ignore[arg-type]
        transitions, outcome, detail = apply_act(self._ready().ledger, request, leaf.at)
        self._comparison.happen(transitions)
        if outcome != DONE:
            self._note(entry, "incident", f"the act was done then, and cannot be now: {detail}")

    def _gap(self, leaf: leaves.Gap) -> None:
        partition, pipeline = Partition(*leaf.source), self._ready()
        if partition not in pipeline.ledger.positions:
            pipeline.cuts.begin(partition, leaf.from_)
        pipeline.cuts.gap(Gap(partition, leaf.from_, leaf.to))

    def _take_over(self, entry: LogEntry) -> None:
        """Go on from the notes that another member had left."""
        pipeline = self._ready()
        self._write()
        with self._store.transaction():
            self._store.forget_windows()
        _reload(pipeline)
        Takeover(pipeline.contexts, pipeline.ledger, pipeline.volumes).rebuild(_committed(entry))

    def _write(self) -> None:
        pipeline = self._begun
        assert pipeline is not None
        pipeline.joins.sync()
        with self._store.transaction():
            pipeline.write(0)
            put_incidents(self._store, self._comparison.incidents.values(), self._comparison.severities)
        pipeline.written()
        self._comparison.incidents.clear()


def _reload(pipeline: Pipeline) -> None:
    """Read the state anew. Events that the log calls accepted were not too early, nor in too many panes, by then."""
    pipeline.reload()
    pipeline.intake.bounds = Bounds(None, ANY_NUMBER, pipeline.settings.limits.max_streams)


def _committed(entry: LogEntry) -> dict[Partition, Committed]:
    """What the member before had committed."""
    notes = COMMITTED.decode(_document(entry))
    return {Partition(topic, number): Committed(offset, note) for topic, number, offset, note in notes}


def _document(entry: LogEntry) -> bytes:
    if entry.payload is None:
        raise EvidenceError(f"{entry.where}: its document is not there; without it nothing can be computed again")
    return document_of(entry.payload)
