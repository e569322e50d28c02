"""Labels meet their predictions: at once, later, or never.

A label counts for the pane of its prediction, frozen or not, until the label watermark has passed the pane's end plus the
horizon. A label whose prediction is not known waits, bounded, until the watermark has passed its own time plus lateness;
then it is an orphan. Every label has one outcome, and all outcomes are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from agent.flow.contexts import Contexts
from agent.join.joins import Joins, LabelBatch, join_labels
from agent.join.pane import JoinPane
from agent.join.pending import PendingLabel, PendingLabels
from agent.state.ledger import Ledger
from agent.state.panes import PaneId, Panes
from detectors.columns import Labels, ModelKey
from detectors.encode import encode_truth, text_hashes

ID_SEED_SEPARATOR = "\x1f"
UNTOLD = -1


def seed_of(system: str, model: str) -> int:
    """Seed of the id hashes of a model; part of the public table format: xxh3-64 of ``system 0x1f model``."""
    return xxhash.xxh3_64_intdigest(f"{system}{ID_SEED_SEPARATOR}{model}".encode())


class Told(NamedTuple):
    """What a batch of labels says beside its numbers, by ``LabelBatch.number``.

    Attributes:
        values: raw labels; versions: the model version each names; named: whether it names one.
    """

    values: Sequence[object]
    versions: Sequence[str | None]
    named: NDArray[np.bool_]


class LabelIntake:
    def __init__(self, contexts: Contexts, ledger: Ledger, panes: Panes, joins: Joins, pending: PendingLabels) -> None:
        self.contexts = contexts
        self.ledger = ledger
        self.panes = panes
        self.joins = joins
        self.pending = pending

    def take(self, labels: Labels, rows: NDArray[np.intp]) -> None:
        """Join labels with the predictions that are known; the others wait."""
        self.ledger.count("labels_received", len(rows))
        told = _told(labels.labels, [version for _, _, version in labels.addressed])
        watched = np.zeros(len(labels), dtype=np.bool_)
        joined = np.zeros(len(labels), dtype=np.bool_)
        unmatched: list[PendingLabel] = []
        for system, model in self._labelled_models():
            mine = rows[_addressed_to(labels, rows, system, model)]
            batch = _batch(labels, mine, seed_of(system, model))
            rest = self._join(system, model, batch, told)
            watched[mine] = True
            joined[np.setdiff1d(mine, rest.number)] = True
            unmatched += self._to_wait(system, model, rest, told)
        self.ledger.count("labels", int((~watched[rows]).sum()), outcome="not_watched")
        dropped = self.pending.add(
            msgspec.structs.replace(label, matched=bool(joined[label.number])) for label in unmatched
        )
        self.ledger.count("labels", dropped, outcome="overflow")

    def retry(self, system: str, model: str, hashes: NDArray[np.uint64]) -> None:
        """Predictions have just become known: labels that waited for them are joined."""
        waiting = self.pending.of_hashes(system, model, hashes)
        if not waiting:
            return
        told = _told([label.value for label in waiting], [label.version for label in waiting])
        rest = self._join(system, model, _batch_of_waiting(waiting), told)
        still = set(rest.number.tolist())
        self.pending.met(label for number, label in enumerate(waiting) if number not in still)

    def take_in_event(
        self,
        pane: JoinPane,
        hashes: NDArray[np.uint64],
        occurred_us: NDArray[np.int64],
        truth: NDArray[np.float64],
    ) -> None:
        """Labels that came with their predictions, (n,) each; ``truth`` is NaN where there is none."""
        there = np.flatnonzero(~np.isnan(truth))
        if len(there) == 0:
            return
        there = there[np.argsort(hashes[there])]
        batch = LabelBatch(hashes[there], hashes[there], occurred_us[there], occurred_us[there], there)
        self.ledger.count("labels_received", len(there))
        self._join_pane(pane, batch, truth[there])

    def expire(self) -> None:
        """Labels whose predictions can no longer come are orphans."""
        gone = [label for label in self.pending if self.ledger.clock(label.system).watermark_us > label.expires_us]
        self.ledger.count("labels", self.pending.give_up(gone), outcome="orphan")

    def _labelled_models(self) -> Iterator[tuple[str, str]]:
        return ((system.id, model.name) for system, model in self.contexts.models() if model.labels)

    def _join(self, system: str, model: str, batch: LabelBatch, told: Told) -> LabelBatch:
        """Join what any pane of the model knows; the rest is returned."""
        for pane in self.joins.of_model(system, model):
            if len(batch.number) == 0:
                break
            known = _known_to(pane, batch, told)
            if known.any():
                mine = batch.take(known)
                context = self.contexts.by_digest(ModelKey(system, model, pane.record.version), pane.record.context)
                truth = encode_truth([told.values[number] for number in mine.number.tolist()], context.layout)
                self._join_pane(pane, mine, truth)
                batch = batch.take(~known)
        return batch

    def _join_pane(self, pane: JoinPane, batch: LabelBatch, truth: NDArray[np.float64]) -> None:
        record = pane.record
        context = self.contexts.by_digest(ModelKey(record.system, record.model, record.version), record.context)
        assert context.horizon_us is not None
        if record.end_us + context.horizon_us <= self.ledger.clock(record.system).label_watermark_us:
            self.ledger.count("labels", len(truth), outcome="correction")
            return
        changes, outcomes = join_labels(pane, batch, truth, context.horizon_us)
        self.joins.touched(pane)
        for change in changes:
            removed = context.count_labels(change.removed) if change.removed is not None else None
            self.panes.add(PaneId(change.lane, change.start_us), context.count_labels(change.added), removed)
        for outcome, amount in outcomes.items():
            self.ledger.count("labels", amount, outcome=outcome)

    def _to_wait(self, system: str, model: str, batch: LabelBatch, told: Told) -> Iterator[PendingLabel]:
        lateness = self.contexts.of(ModelKey(system, model, "")).system.lateness_us
        for ref_hash, label_hash, occurred, ref_occurred, number in zip(*(a.tolist() for a in batch), strict=True):
            yield PendingLabel(
                number=number,
                system=system,
                model=model,
                version=told.versions[number],
                ref_hash=ref_hash,
                label_hash=label_hash,
                occurred_us=occurred,
                ref_occurred_us=ref_occurred,
                expires_us=occurred + lateness,
                value=told.values[number],
            )


def _known_to(pane: JoinPane, batch: LabelBatch, told: Told) -> NDArray[np.bool_]:
    """Which labels speak of a prediction of this pane."""
    start, end = pane.record.start_us, pane.record.end_us
    known: NDArray[np.bool_] = (batch.ref_occurred_us == UNTOLD) | (
        (batch.ref_occurred_us >= start) & (batch.ref_occurred_us < end)
    )
    for at in np.flatnonzero(known & told.named[batch.number]).tolist():
        known[at] = told.versions[batch.number[at]] == pane.record.version
    if known.any():
        known[known], _, _ = pane.index.find(batch.ref_hash[known])
    return known


def _told(values: Sequence[object], versions: Sequence[str | None]) -> Told:
    return Told(values, versions, np.fromiter((version is not None for version in versions), np.bool_, len(versions)))


def _addressed_to(labels: Labels, rows: NDArray[np.intp], system: str, model: str) -> NDArray[np.bool_]:
    """Which labels may speak of this model's predictions."""
    chosen = (labels.addressed[row] for row in rows.tolist())
    fits = ((s is None or s == system) and (m is None or m == model) for s, m, _ in chosen)
    return np.fromiter(fits, np.bool_, len(rows))


def _batch(labels: Labels, rows: NDArray[np.intp], seed: int) -> LabelBatch:
    ref_hash = text_hashes([labels.ref_ids[row] for row in rows.tolist()], seed)
    order = np.argsort(ref_hash, kind="stable")
    rows = rows[order]
    return LabelBatch(
        ref_hash[order],
        text_hashes([labels.ids[row] for row in rows.tolist()], seed),
        labels.occurred_us[rows],
        labels.ref_occurred_us[rows],
        rows.astype(np.int64),
    )


def _batch_of_waiting(waiting: Sequence[PendingLabel]) -> LabelBatch:
    ref_hash = np.array([label.ref_hash for label in waiting], dtype=np.uint64)
    order = np.argsort(ref_hash, kind="stable")
    return LabelBatch(
        ref_hash[order],
        np.array([label.label_hash for label in waiting], dtype=np.uint64)[order],
        np.array([label.occurred_us for label in waiting], dtype=np.int64)[order],
        np.array([label.ref_occurred_us for label in waiting], dtype=np.int64)[order],
        order.astype(np.int64),
    )
