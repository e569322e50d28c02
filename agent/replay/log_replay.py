"""One replay of a log: what its entries say happened, done again by the same parts of the pipeline.

Events that were accepted, and labels, are decoded from their payloads and counted; the log's clocks move the watermarks,
and close what is due, where they moved then; acts, settings, references, gaps and hand-overs take effect at their places.
Nothing is decided anew that the journey of the events decided: who was late, or a copy, is what the log says.
"""

from __future__ import annotations

import msgspec

from agent.flow.incident_book import apply_act
from agent.flow.pipeline import Pipeline
from agent.replay.comparison import AGENT, Comparison
from agent.replay.differences import Kind
from agent.replay.log_entries import LogEntry
from agent.replay.log_flow import RUN_RECORDS, LogFlow
from agent.replay.log_run import Recorded, Run
from agent.replay.log_settings import LoggedSettings
from agent.source import Committed, Gap, Partition
from agent.state.acts import DONE, RequestedAct
from agent.state.store import Store
from config.errors import EvidenceError
from detectors.windows import BEGINNING_OF_TIME
from exporters.evidence import leaf as leaves
from exporters.evidence.payload_text import document_of

HAPPENINGS = (leaves.Clock, leaves.Act, leaves.Settings, leaves.Reference, leaves.Gap, leaves.Takeover)
"""What takes effect at its place: whatever was read before it is counted first."""
COMMITTED = msgspec.json.Decoder(list[tuple[str, int, int, str]])


class LogReplay:
    """Reads entries in their order into a scratch state."""

    def __init__(self, store: Store, logged: LoggedSettings, comparison: Comparison) -> None:
        self._logged = logged
        self._comparison = comparison
        self._flow = LogFlow(store, logged, comparison)
        self._run = Run()
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
            case leaves.Shard() if leaf.previous is not None and not self._flow.begun:
                self._warming = True
            case _ if isinstance(leaf, HAPPENINGS):
                self._count()
                self._happens(entry)

    def finish(self) -> None:
        """The log has ended."""
        self._count()
        self._flow.finish()
        self._comparison.finish()

    def _count(self) -> None:
        """The records since the last clock are counted, and they were read."""
        if self._run:
            run, self._run = self._run, Run()
            self._comparison.settle()
            self._flow.count(run)

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
                self._flow.take_over(_committed(entry))

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
            self._flow.pipeline()
            self._comparison.gone(entry, leaf)
        elif entry.flaw == "erased":
            self._note(entry, "erased", "a label whose payload is gone cannot be counted again")

    def _note(self, entry: LogEntry, kind: Kind, what: str) -> None:
        source = getattr(entry.leaf, "source", None)
        self._comparison.differences.add(kind, what, entry=entry.where, source=source)

    def _clock(self, leaf: leaves.Clock) -> None:
        pipeline = self._flow.pipeline()
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
        transitions, outcome, detail = apply_act(self._flow.pipeline().ledger, request, leaf.at)
        self._comparison.happen(transitions)
        if outcome != DONE:
            self._note(entry, "incident", f"the act was done then, and cannot be now: {detail}")

    def _gap(self, leaf: leaves.Gap) -> None:
        partition, pipeline = Partition(*leaf.source), self._flow.pipeline()
        if partition not in pipeline.ledger.positions:
            pipeline.cuts.begin(partition, leaf.from_)
        pipeline.cuts.gap(Gap(partition, leaf.from_, leaf.to))


def _committed(entry: LogEntry) -> dict[Partition, Committed]:
    """What the member before had committed."""
    notes = COMMITTED.decode(_document(entry))
    return {Partition(topic, number): Committed(offset, note) for topic, number, offset, note in notes}


def _document(entry: LogEntry) -> bytes:
    if entry.payload is None:
        raise EvidenceError(f"{entry.where}: its document is not there; without it nothing can be computed again")
    return document_of(entry.payload)
