"""The parts of the pipeline that a replay of a log drives, over a scratch state and under the settings of the log."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agent.decoders import RecordDecoder, build_decoder
from agent.flow.buffer import Batch
from agent.flow.contexts import Contexts
from agent.flow.incident_book import put_incidents, severities_of
from agent.flow.intake import Bounds, Taken
from agent.flow.pipeline import Pipeline
from agent.flow.takeover import Takeover
from agent.replay.comparison import Comparison
from agent.replay.log_run import Run
from agent.replay.log_settings import LoggedSettings
from agent.source import Committed, Partition
from agent.state.store import Store
from detectors.columns import Inferences
from exporters.evidence.event_leaves import ACCEPTED, CLASSES

RUN_RECORDS = 5_000
"""Records that are counted in one go, at most."""
WRITE_WINDOWS = 1_000
ANY_NUMBER = 1 << 62


class LogFlow:
    """Owned by the replay; the comparison is told what closes."""

    def __init__(self, store: Store, logged: LoggedSettings, comparison: Comparison) -> None:
        self._store = store
        self._logged = logged
        self._comparison = comparison
        self._begun: Pipeline | None = None
        self._decoder: RecordDecoder

    @property
    def begun(self) -> bool:
        """Whether anything was counted, or could have been."""
        return self._begun is not None

    def pipeline(self) -> Pipeline:
        """The pipeline under the settings in force.

        Raises:
            EvidenceError: the log does not say them.
            SettingsError: this version cannot use them.
        """
        if self._begun is not None and not self._logged.changed:
            return self._begun
        if self._begun is not None:
            self._write(self._begun)
        settings = self._logged.build()
        contexts = Contexts(settings)
        self._comparison.severities = severities_of(settings)
        self._decoder = build_decoder(settings)
        if self._begun is None:
            self._begun = Pipeline(settings, contexts, self._store, self._comparison)
            self._begun.forgets = False
        self._begun.settings, self._begun.contexts = settings, contexts
        _reload(self._begun)
        return self._begun

    def count(self, run: Run) -> None:
        """Records were read under the same watermarks; those that count are counted."""
        pipeline = self.pipeline()
        for part in run:
            if part.partition not in pipeline.ledger.positions:
                pipeline.cuts.begin(part.partition, part.begin)
        if run.counted:
            self._take(pipeline, run)
        for part in run:
            pipeline.read_to(part.read(pipeline.ledger.position(part.partition).progress))
        if run.records >= RUN_RECORDS or len(pipeline.outcome.windows) >= WRITE_WINDOWS:
            self._write(pipeline)

    def take_over(self, committed: Mapping[Partition, Committed]) -> None:
        """Go on from the notes that another member had left."""
        pipeline = self.pipeline()
        self._write(pipeline)
        with self._store.transaction():
            self._store.forget_windows()
        _reload(pipeline)
        Takeover(pipeline.contexts, pipeline.ledger, pipeline.volumes).rebuild(committed)

    def finish(self) -> None:
        """Write what is left."""
        if self._begun is not None:
            self._write(self._begun)

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

    def _write(self, pipeline: Pipeline) -> None:
        """What a step would have made durable; it bounds the memory that is needed."""
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
