"""The one step, in the order that loses and doubles nothing:

poll -> decode -> classify -> tables -> close -> measure -> judge -> incidents, all in memory; then append to the log and
sync, once; then sync the join's files, then one transaction (state, next offsets, size of the log, rejects, outbox); then,
at its cadence, sign a checkpoint of what is recorded; then commit to Kafka, last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from agent import crash
from agent.beginning import Ownership, begin
from agent.clock import Clock
from agent.decoders import RecordDecoder
from agent.delivery import outbox
from agent.delivery.outbox import Target
from agent.evidence.journal import Journal, NoJournal, Signing
from agent.flow.buffer import Batch
from agent.flow.contexts import Contexts
from agent.flow.incident_book import apply_act, changed_incidents, put_incidents, severities_of
from agent.flow.pipeline import Outcome, Pipeline
from agent.flow.watch import AGENT_STREAM, Watch
from agent.memory import MemoryGuard
from agent.notices import notices_of, open_notices
from agent.source import Assignment, Poll, Source, Trouble
from agent.state import acts, rejects
from agent.state.store import Store
from config.settings import Settings
from detectors.incident import Transition
from detectors.windows import BEGINNING_OF_TIME
from exporters.notice import Notice

SETTLE_SECONDS = 10.0
"""Watermarks that moved with the clock alone are written at least so often."""
CLOCK_SKEW = Trouble(
    "clock_skew", "every partition is ahead of this machine's clock: set the clock, or raise source.max_ahead"
)


class Step:
    """Owned by the loop's thread."""

    def __init__(
        self,
        settings: Settings,
        contexts: Contexts,
        store: Store,
        source: Source,
        decoder: RecordDecoder,
        clock: Clock,
        targets: Callable[[], tuple[Target, ...]] = lambda: (),
        journal: Journal | None = None,
        memory: MemoryGuard | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.source = source
        self.decoder = decoder
        self.clock = clock
        self.targets = targets
        self.journal = journal or NoJournal()
        self.memory = memory
        self.pipeline = Pipeline(settings, contexts, store, self.journal.recorder)
        self.watch = Watch(contexts, clock)
        self.severities = severities_of(settings)
        self.owned = Ownership()
        self._assignment = Assignment(())
        self.finished = False
        self.commits_failed = 0
        self.steps_dropped = 0
        self.wrote = False
        self.busy_seconds = 0.0
        self._written_at = clock.monotonic_seconds()

    def use(self, settings: Settings, contexts: Contexts) -> None:
        """Go on with other thresholds, severities and receivers; the layout is the same."""
        self.settings = settings
        self.severities = severities_of(settings)
        if self.memory is not None:
            self.memory.limit_bytes = settings.limits.memory_bytes
        self.journal.use(settings, contexts)
        self.watch = Watch(contexts, self.clock)
        self.pipeline.settings = settings
        self.pipeline.contexts = contexts
        self.recover()

    def run(self, timeout_seconds: float) -> Outcome:
        """One step.

        Raises:
            StateError, LogUnwritable: it could not be made durable. Nothing of it is kept; the next step begins where the
                last one ended, after ``recover``.
        """
        poll = self.source.poll(timeout_seconds)
        begun = self.clock.monotonic_seconds()
        self._look_around(poll)
        if poll.fetched:
            self._decode(poll)
        if self.owned.partitions:
            self._advance(poll)
        if poll.finished and not self.pipeline.buffer.waiting and not self.finished:
            self.finished = True
            self.pipeline.finish()
        transitions = [*self._take_acts(), *self._watch()]
        moved = self.pipeline.changed
        self.wrote = self._is_worth_writing(transitions)
        outcome = self._write(transitions) if self.wrote else Outcome()
        self.journal.publish(self.clock.now_us())
        self._hold(moved)
        self.busy_seconds = self.clock.monotonic_seconds() - begun
        return outcome

    def recover(self) -> None:
        """After a step that could not be written: forget it and read again from the last durable position.

        Raises:
            StateError, sqlite3.Error, LogUnwritable: the state or the log cannot be read. No step may run before this has
                succeeded.
            LogRolledBack: state and log are older copies of what another start of this member has committed.
        """
        self.journal.recover()
        self.pipeline.reload()
        self.pipeline.time.interrupt()
        self._begin(self._assignment)

    def _look_around(self, poll: Poll) -> None:
        if poll.assignment is not None:
            self._assigned(poll.epoch, poll.assignment)
        if poll.trouble is not None:
            self.pipeline.time.interrupt()
        for gap in poll.gaps:
            self.journal.recorder.gap(gap)
            self.pipeline.cuts.gap(gap)
            self.watch.gap(gap)
        self.owned.trouble = poll.trouble or (self.memory.trouble if self.memory is not None else None)
        self.owned.lag = dict(poll.lag)

    def _assigned(self, epoch: int, assignment: Assignment) -> None:
        self.owned = Ownership(epoch, True, assignment.partitions)
        self._assignment = assignment
        self.recover()

    def _begin(self, assignment: Assignment) -> None:
        """What an assignment said counts until the first step is written: if that fails, it begins as this one did."""
        if begin(assignment, self.source, self.pipeline, self.journal):
            self.owned.taken_over = True

    def _decode(self, poll: Poll) -> None:
        fetched = poll.fetched
        numbers = {
            (p.partition.topic, p.partition.number): self.pipeline.ledger.number_of(p.partition) for p in fetched
        }
        decoded = self.decoder.decode(fetched, numbers)
        self.pipeline.add(Batch(decoded, fetched, [numbers[part.partition] for part in fetched], poll.topic_ids))

    def _advance(self, poll: Poll) -> None:
        self.pipeline.advance(self.owned.partitions, poll.caught_up, self.clock.now_us())
        if self.pipeline.outcome.clock_skew:
            self.owned.trouble = CLOCK_SKEW
            self.pipeline.outcome.clock_skew = False

    def _hold(self, moved: bool) -> None:
        """Fetch nothing of partitions that are far ahead of the others, and nothing at all while memory is short."""
        if self.memory is not None:
            self.memory.look(self.drop_caches, moved=moved)
        if self.owned.partitions:
            is_full = self.memory is not None and self.memory.holds
            held = frozenset(self.owned.partitions) if is_full else self.pipeline.time.held(self.owned.partitions)
            self.owned.held = held
            self.source.hold(held)

    def drop_caches(self) -> None:
        """Forget what can be read again from the state."""
        self.pipeline.panes.forget()
        self.pipeline.joins.forget()

    def _take_acts(self) -> list[Transition]:
        """What people have asked for since the last step; settled in its transaction."""
        self._settled: list[tuple[int, acts.Outcome, str]] = []
        transitions: list[Transition] = []
        for request in acts.pending(self.store.connection):
            at_us = self._event_time()
            happened, outcome, detail = apply_act(self.pipeline.ledger, request, at_us)
            self.journal.recorder.act(request, outcome, at_us)
            self.journal.recorder.happen(happened)
            transitions += happened
            self._settled.append((request.id, outcome, detail))
        return transitions

    def _watch(self) -> list[Transition]:
        """Findings about the agent's own input."""
        now_us = self._agent_time()
        reading = bool(self.owned.partitions) and not self.finished
        if now_us is None:
            return []
        transitions = self.watch.check(
            self.pipeline.ledger, self.owned.trouble, reading=reading, caught_up=self.owned.caught_up, now_us=now_us
        )
        self.journal.recorder.happen(transitions)
        return transitions

    def end(self, reason: str) -> None:
        """Write what is left and that the agent ends, and sign it; call it while the partitions are still owned.

        Raises:
            StateError, LogUnwritable: it could not be made durable, which loses nothing: it will be read again.
        """
        self._settled = []
        self.journal.recorder.end(reason)
        self._write([])
        self.journal.publish(self.clock.now_us(), Signing.NOW)

    @property
    def in_lasting_trouble(self) -> bool:
        """Whether an incident about this agent's own input is open."""
        return self.pipeline.ledger.stream(AGENT_STREAM).incidents.agent.open is not None

    def _agent_time(self) -> int | None:
        """The time of findings about the agent's own input; ``None`` where events are the clock and none was read."""
        return self.clock.now_us() if self.pipeline.time.rules.wall else self.pipeline.time.frontier_us

    def _event_time(self) -> int:
        """What an act is stamped with: the watermark. Before there is one only the agent can be in trouble: its time."""
        clocks = self.pipeline.ledger.clocks.values()
        reached_us = max((clock.label_watermark_us for clock in clocks), default=BEGINNING_OF_TIME)
        if reached_us > BEGINNING_OF_TIME:
            return reached_us
        agent_us = self._agent_time()
        return self.clock.now_us() if agent_us is None else agent_us

    def _is_worth_writing(self, transitions: list[Transition]) -> bool:
        waited = self.clock.monotonic_seconds() - self._written_at
        return self.pipeline.changed or bool(transitions or self._settled) or waited >= SETTLE_SECONDS

    def _write(self, transitions: list[Transition]) -> Outcome:
        if self.owned.partitions and not self.source.still_owner(self.owned.epoch):
            self.steps_dropped += 1
            self.recover()
            return Outcome()
        now_us = self.clock.now_us()
        happened = [*self.pipeline.outcome.transitions, *transitions]
        self.journal.keep(now_us)
        crash.at("before_join_sync")
        self.pipeline.joins.sync()
        crash.at("after_join_sync")
        crash.at("before_transaction")
        with self.store.transaction() as connection:
            self._enqueue(connection, happened, now_us)  # it counts, and the pipeline writes the counters
            self.journal.write(self.pipeline.ledger)
            crash.at("before_state_write")
            self.pipeline.write(now_us)
            crash.at("after_state_write")
            put_incidents(self.store, changed_incidents(self.pipeline.ledger, happened), self.severities)
            rejects.add(connection, self.pipeline.outcome.rejects, now_us, *self._reject_bounds())
            for act_id, outcome, detail in self._settled:
                acts.settle(connection, act_id, outcome, detail)
        crash.at("after_transaction")
        self.journal.kept()
        self._assignment = Assignment(self.owned.partitions)
        self._written_at = self.clock.monotonic_seconds()
        written = self.pipeline.written()
        written.transitions += transitions
        self.journal.publish(now_us, Signing.SOON if happened else Signing.IN_TIME)
        if self.owned.partitions:
            crash.at("before_kafka_commit")
            done = self.source.commit(self.pipeline.handover.commits(self.owned.partitions, self.journal.mark))
            crash.at("after_kafka_commit")
            self.commits_failed += not done
        return written

    def _enqueue(self, connection: sqlite3.Connection, happened: list[Transition], now_us: int) -> None:
        notices = notices_of(self.pipeline.ledger, happened, self.severities, now_us)
        most = self.settings.limits.max_outbox
        stored = outbox.enqueue(connection, notices, self.targets(), now_us, most)
        self.pipeline.ledger.count("outbox_overflow", stored.collapsed + stored.refused)

    def _reject_bounds(self) -> tuple[int, int]:
        return self.settings.state.max_rejects, self.settings.state.max_reject_bytes

    def open_notices(self) -> list[Notice]:
        """Every open incident as it is to be told, for a start or a reload."""
        return open_notices(self.pipeline.ledger, self.severities, self.clock.now_us())
