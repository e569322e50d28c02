"""The running agent: owns the threads, the sockets, the signals and the store, and turns the loop."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

import msgspec
import structlog

from agent.clock import Clock, WallClock
from agent.decoders import build_decoder
from agent.delivery import outbox
from agent.delivery.outbox import Target
from agent.delivery.sender import Sender
from agent.delivery.targets import targets_of
from agent.evidence.begin import log_directory, open_journal, upkeep_of
from agent.flow.contexts import Contexts
from agent.flow.history import WindowRecord
from agent.flow.pipeline import Outcome
from agent.kafka import KafkaSource
from agent.memory import MEMORY, MemoryGuard
from agent.picture import Facts, Painter
from agent.reloading import Reloader
from agent.reports.jobs import Jobs
from agent.reports.of_incidents import IncidentReports
from agent.state.accesses import note_access
from agent.state.acts import ActKind, Settled, submit
from agent.state.store import DATABASE, Store, connect
from agent.step import Step
from agent.web.dossiers import dossier_of
from agent.web.recent import RecentDossiers
from agent.web.server import WebServer
from agent.web.shown import NotedDossiers
from agent.web.views import Views
from config.errors import LogRolledBack, LogUnwritable, StateError
from config.settings import Settings
from config.settings.source import KafkaSource as KafkaSettings
from exporters.exposition import ExpositionOptions
from exporters.snapshot import Snapshot

POLL_SECONDS = 0.25
SNAPSHOT_SECONDS = 1.0
PROVISIONAL_SECONDS = 10.0
STUCK_SECONDS = 60.0
RETRY_SECONDS = 2.0
LOOK_SECONDS = 0.05
SHUTDOWN_SECONDS = 8.0

log = structlog.get_logger(__name__)


class Agent:
    """One agent: ``run`` returns when it is told to stop."""

    def __init__(self, path: Path, settings: Settings, clock: Clock | None = None) -> None:
        """Build everything; nothing is started.

        Raises:
            SettingsError: a reference cannot be used, or the source is not Kafka.
            StateError: the state directory cannot be used.
            EvidenceError: the log or its key cannot be used.
        """
        self.settings = settings
        self.clock = clock or WallClock()
        self.targets: tuple[Target, ...] = targets_of(settings.receivers, settings.escalation, settings.maintenance)
        contexts = Contexts(settings)
        self.store = Store(settings.state.directory)
        assert isinstance(settings.source, KafkaSettings)
        self.source = KafkaSource(
            settings.source, on_gap=settings.source.on_gap, memory_bytes=settings.limits.memory_bytes
        )
        self.journal = open_journal(settings, contexts, self.store, self.clock)
        self.tend_log = upkeep_of(settings, self.journal, self.store, self.clock, self._tick)
        self.step = Step(
            settings,
            contexts,
            self.store,
            self.source,
            build_decoder(settings),
            self.clock,
            lambda: self.targets,
            self.journal,
            MemoryGuard(settings.limits.memory_bytes, self.clock),
        )
        self.sender = Sender(settings.state.directory / DATABASE, now_us=self.clock.now_us)
        self.facts = Facts(started_us=self.clock.now_us())
        self.painter = Painter(self.step, self.sender)
        self.reloader = Reloader(path, settings, contexts, self.clock)
        self.snapshot: Snapshot = self.painter.paint(self.facts, {})
        self.reports = IncidentReports(path, lambda: self.settings, Jobs(settings.state.directory), self._note_access)
        self.server = WebServer(settings.listen.host, settings.listen.port, self._views(), self._exposition_options)
        self._stopping = False  # no lock: a signal handler sets it, and the loop that it interrupts may hold one
        self._ticked = self.clock.monotonic_seconds()
        self._painted = float("-inf")
        self._provisional: dict[int, WindowRecord] = {}
        self._provisional_at = float("-inf")
        self._joined_labels = -1
        self._speaks: bool | None = False  # None: other receivers, who have not been told yet
        self._failed = False

    def stop(self) -> None:
        """End the loop after its step; safe from any thread and in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Serve and consume until stopped, then leave in good order."""
        self._handle_signals()
        self.server.start()
        log.info("started", listen=f"{self.settings.listen.host}:{self.server.port}", state=str(self.store.directory))
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._close()

    def _tick(self, *_: int) -> None:
        self._ticked = self.clock.monotonic_seconds()

    def _turn(self) -> None:
        """One step, its failures contained, and the picture of it."""
        self._tick()
        try:
            self._recover()
            outcome = self.step.run(POLL_SECONDS)
            if self.tend_log():
                self.step.recover()
            self._apply_reload()
            self.speak_while_responsible()
            self._say_whether_ready(self._why_not_ready())
            self._show(outcome)
        except StateError as error:
            self._step_failed(f"the state cannot be written: {error}")
        except LogRolledBack:
            self._failed = True
            raise
        except LogUnwritable as error:
            self._step_failed(f"the log cannot be written: {error}")
        except sqlite3.Error as error:
            self._step_failed(f"the state cannot be read: {self.store.directory / DATABASE}: {error}")
        except Exception as error:
            log.exception("step_failed")
            self.facts.failures["step"] = self.facts.failures.get("step", 0) + 1
            self._step_failed(f"the step failed unexpectedly: {type(error).__name__}: {error}")

    def _show(self, outcome: Outcome) -> None:
        if outcome.transitions:
            self.sender.wake()
        if self.step.wrote:
            self.facts.written_us = self.clock.now_us()
            self.facts.steps = self.facts.steps.observe(self.step.busy_seconds)
        self._paint(now=bool(outcome.windows or outcome.transitions))

    def _step_failed(self, why: str) -> None:
        """Nothing of the step was kept: say so, and wait before it is read again."""
        log.error("step_not_durable", why=why)
        self._failed = True
        self.facts.not_ready = why
        counters = replace(self.snapshot.counters, failures={**self.snapshot.counters.failures, **self.facts.failures})
        self.snapshot = replace(
            self.snapshot,
            at_us=self.clock.now_us(),
            not_ready=why,
            counters=counters,
            log=self.journal.status(self.step.pipeline.ledger),
            disks=self.painter.disks(),
        )
        until = time.monotonic() + RETRY_SECONDS
        while not self._stopping and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def _recover(self) -> None:
        """Before the step after one that failed: no step may run on a memory or a disk of which parts are lost."""
        if self._failed:
            self.store.settle()
            self.step.recover()
            self._failed = False

    def _say_whether_ready(self, why_not: str) -> None:
        """Show why the agent is not ready; log it when the kind of reason changes, not with every try."""
        if why_not.partition(":")[0] != self.facts.not_ready.partition(":")[0]:
            say = log.info if self.step.owned.trouble is None else log.warning
            if why_not:
                say("not_ready", reason=why_not)
            else:
                say("ready", partitions=len(self.step.owned.partitions))
        self.facts.not_ready = why_not

    def _why_not_ready(self) -> str:
        owned = self.step.owned
        if owned.trouble is not None and owned.trouble.kind != MEMORY:
            return f"{owned.trouble.kind}: {owned.trouble.message}"
        return "" if owned.assigned else "no partitions are assigned yet"

    def _paint(self, *, now: bool = False) -> None:
        at = self.clock.monotonic_seconds()
        if not now and at - self._painted < SNAPSHOT_SECONDS:
            return
        self._painted = at
        self.facts.web_config_trouble = self.server.web_config_trouble
        if at - self._provisional_at >= PROVISIONAL_SECONDS:
            self._provisional_at = at
            self._look_ahead()
        self.snapshot = self.painter.paint(self.facts, self._provisional)

    def _look_ahead(self) -> None:
        """Measure the latest windows whose labels are still arriving, if any arrived since."""
        ledger = self.step.pipeline.ledger
        joined = ledger.value("labels", outcome="joined") + ledger.value("labels", outcome="replaced")
        if joined == self._joined_labels:
            return
        self._joined_labels = joined
        found = {lane.id: self.step.pipeline.closing.provisional(lane) for lane in ledger.lanes.values()}
        self._provisional = {lane: record for lane, record in found.items() if record is not None}

    def _apply_reload(self) -> None:
        reloaded = self.reloader.take()
        if reloaded is None:
            return
        if reloaded.settings is not None and reloaded.contexts is not None:
            self.settings = reloaded.settings
            self._speaks = None
            self.step.use(reloaded.settings, reloaded.contexts)
            boundaries = {
                system: clock.label_watermark_us for system, clock in self.step.pipeline.ledger.clocks.items()
            }
            log.info("reloaded", from_windows_ending_after_us=boundaries)
        self.facts.reload = reloaded.report
        self.reloader.answer(reloaded.report)

    def speak_while_responsible(self) -> None:
        """Receivers hear the owner: what a standby has open is of an earlier ownership, and the owner's to tell. A lasting
        trouble of its own it tells itself."""
        speaks = bool(self.step.owned.partitions) or self.step.in_lasting_trouble
        if speaks != self._speaks:
            self._start_sending(speaks)

    def _start_sending(self, speaks: bool) -> None:
        """Bring the outbox in line with the open incidents, and tell the receivers of the settings; a standby is silent."""
        settings = self.settings
        self.targets = targets_of(settings.receivers, settings.escalation, settings.maintenance)
        if speaks:
            most, now_us = settings.limits.max_outbox, self.clock.now_us()
            with self.store.transaction() as connection:
                outbox.reconcile(connection, self.step.open_notices(), self.targets, now_us, most)
        self.sender.configure(self.targets if speaks else ())
        self._speaks = speaks

    def _views(self) -> Views:
        return Views(
            snapshot=lambda: self.snapshot,
            not_live=self._why_not_live,
            reload=self.reloader.request,
            find_incident=self._find_incident,
            act=self._act,
            dossier=NotedDossiers(
                RecentDossiers(lambda record: dossier_of(self.settings, log_directory(self.settings), record)),
                self._note_access,
            ),
            settings=lambda: self.settings,
            reports=self.reports,
        )

    def _why_not_live(self) -> str:
        still = self.clock.monotonic_seconds() - self._ticked
        return f"the loop has not turned for {still:.0f} s" if still > STUCK_SECONDS else ""

    def _find_incident(self, incident_id: str) -> Mapping[str, object] | None:
        connection = connect(self.store.directory)
        try:
            row = connection.execute("SELECT line FROM incident WHERE id = ?", (incident_id,)).fetchone()
        finally:
            connection.close()
        return msgspec.json.decode(row[0], type=dict[str, object]) if row else None

    def _act(self, kind: ActKind, incident_id: str, actor: str, comment: str, until_us: int | None) -> Settled | None:
        return submit(self.store.directory / DATABASE, kind, incident_id, actor, comment, until_us=until_us)

    def _note_access(self, actor: str, what: str, detail: str) -> None:
        note_access(self.store.directory / DATABASE, actor, what, detail)

    def _exposition_options(self) -> ExpositionOptions:
        return ExpositionOptions.of(self.settings)

    def _handle_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGHUP, self._on_reload_signal)

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _on_reload_signal(self, number: int, frame: FrameType | None) -> None:
        self.reloader.request_soon()

    def _close(self) -> None:
        """One deadline for all; correctness does not depend on any of it."""
        self._end()
        self.source.close(SHUTDOWN_SECONDS / 2)
        self.sender.close(SHUTDOWN_SECONDS / 4)
        self.server.close(SHUTDOWN_SECONDS / 4)
        self.reports.close()
        self.journal.close()
        self.store.close()
        log.info("stopped")

    def _end(self) -> None:
        """Write what is left, while the partitions are still ours."""
        if self._failed:
            return
        try:
            self.step.end("stopped")
        except (StateError, LogUnwritable, sqlite3.Error) as error:
            log.warning("last_step_not_written", error=str(error))
