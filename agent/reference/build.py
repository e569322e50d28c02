"""Building a reference: read once to cut the cells, read again to count, then compare its chunks with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of

import numpy as np
from numpy.typing import NDArray

from agent.flow.contexts import Context, watched_families
from agent.flow.declare import declaration_of, window_plan
from agent.reference.rows import Gathered, ReferenceRows, Subject
from agent.reference.sources import Progress, RowSource
from agent.reference.truth import truth_of
from config.errors import WachterError
from config.settings import LabelSettings, Model, Settings, System
from config.units import format_duration
from detectors.chunks import MIN_CHUNKS, chunk_of, chunk_starts, longest_gap_us, thinned
from detectors.columns import Columns, Labelled
from detectors.encode import encode
from detectors.families import RULES
from detectors.family import Family
from detectors.layout import Layout
from detectors.layouts import build_layout
from detectors.measurement import Measurement, Stage
from detectors.reference import Keyed, Reference
from detectors.sampler import Sampler
from detectors.spread import Chunk, Spread, spread_of
from detectors.tables import Tables, total

Floats = NDArray[np.float64]


class NoReference(WachterError):
    """A reference cannot be built from these rows."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the second reading gave: the sum of all rows, and the chunks whose spread is measured."""

    tables: Tables
    chunks: tuple[Chunk, ...]


def build_reference(
    settings: Settings, system: System, model: Model, version: str | None, source: RowSource, progress: Progress
) -> Reference:
    """Build the reference of a model.

    Args:
        version: only events of this version; ``None`` for all.
        progress: called with the units read so far, up to twice the source's total.

    Raises:
        NoReference: no row could be used, or what the rows lack.
        LayoutError: a column cannot be cut.
    """
    rows = ReferenceRows(settings, Subject(system.id, model.name, version), source)
    sampler = Sampler(declaration_of(model))
    gathered = rows.gather(sampler, progress)
    if not gathered.counts["used"]:
        raise NoReference(_nothing_used(gathered.counts, system, model, version))
    starts = chunk_starts(gathered.occurred_us, window_plan(model))
    truth = truth_of(gathered, model, starts)
    context = _context(
        settings, system, model, build_layout(declaration_of(model), sampler.sample(gathered.prediction, truth))
    )
    counted = _count(rows, gathered, truth, starts, context, lambda read: progress(source.total + read))
    spread = _spread(counted, context)
    return Reference(
        layout=context.layout,
        tables=counted.tables,
        phi=spread.phi,
        auto=spread.auto,
        chunks=len(starts),
        first_us=int(gathered.occurred_us.min()),
        last_us=int(gathered.occurred_us.max()),
        longest_gap_us=longest_gap_us(gathered.occurred_us),
        provenance={
            "built_by": f"wachter {version_of('wachter')}",
            "system": system.id,
            "model": model.name,
            "version": version or "all",
            "window": _window(model),
            "held_out": "yes",
            "predictions": str(int(np.isfinite(gathered.prediction).sum())),
            "labelled": str(int(np.isfinite(truth).sum())),
            "spread": "measured" if len(starts) >= MIN_CHUNKS else f"unknown: fewer than {MIN_CHUNKS} chunks",
            **{f"rows_{name}": str(count) for name, count in gathered.counts.items() if count},
            **source.provenance(),
        },
    )


def _context(settings: Settings, system: System, model: Model, layout: Layout) -> Context:
    """Counts for every family, whatever the settings switch off today, and labels where there are any."""
    everything = model.model_copy(update={"detectors": {}, "labels": model.labels or LabelSettings()})
    return Context(
        system=system,
        model=everything,
        layout=layout,
        reference=None,
        plan=window_plan(model),
        budget=settings.false_alarm_budget,
        overrides={},
        watched=watched_families(everything),
    )


def _count(
    rows: ReferenceRows,
    gathered: Gathered,
    truth: Floats,
    starts: NDArray[np.int64],
    context: Context,
    progress: Progress,
) -> Counted:
    kept = set(thinned(len(starts)).tolist())
    chunks = {number: Chunk(context.nothing(), 0) for number in sorted(kept)}
    others = context.nothing()
    done = 0
    for batch, mine in rows.again(gathered, progress):
        chunk = chunk_of(batch.occurred_us[mine], starts)
        for number in np.unique(chunk).tolist():
            at = np.flatnonzero(chunk == number)
            columns = encode(batch, mine[at], context.layout)
            tables = context.count(columns) + context.count_labels(labelled_of(columns, truth[done + at]))
            if number in kept:
                before = chunks[number]
                predictions = before.predictions + int(np.isfinite(columns.prediction).sum())
                chunks[number] = Chunk(before.tables + tables, predictions)
            else:
                others = others + tables
        done += len(mine)
    whole = total((others, *(chunk.tables for chunk in chunks.values())))
    return Counted(whole, tuple(chunks.values()))


def labelled_of(columns: Columns, truth: Floats) -> Labelled:
    """The rows that have both a prediction and a label."""
    there = np.isfinite(truth) & np.isfinite(columns.prediction)
    return Labelled(
        truth=truth[there],
        prediction=columns.prediction[there],
        scores=columns.scores[:, there],
        groups=columns.groups[:, there],
        bucket=columns.bucket[there],
    )


def _spread(counted: Counted, context: Context) -> Spread:
    automatic = frozenset(metric for metric, rule in RULES.items() if rule.auto)
    families = {RULES[metric].family for metric in automatic}

    def measure_automatic(chunk: Chunk, others: Tables, z: float, phi: Keyed) -> Iterator[Measurement]:
        deciding = (family for family in context.families if family.name in families)
        yield from (m for m in measured(context, deciding, chunk, others, z, phi) if m.metric in automatic)

    def measure(chunk: Chunk, others: Tables, z: float, phi: Keyed) -> Iterator[Measurement]:
        yield from measured(context, context.families, chunk, others, z, phi)

    return spread_of(counted.chunks, counted.tables, context.layout, measure, measure_automatic)


def measured(
    context: Context, families: Iterable[Family], chunk: Chunk, others: Tables, z: float, phi: Keyed
) -> Iterator[Measurement]:
    """What families find in a chunk when it is compared with the rest of the reference, each measure once."""
    window, labels = (
        replace(context.frame(stage, predictions=chunk.predictions, z=z), reference=others, phi=phi)
        for stage in (Stage.WINDOW, Stage.LABELS)
    )
    for family in families:
        found = {(m.metric, m.subject): m for frame in (window, labels) for m in family.measure(chunk.tables, frame)}
        yield from found.values()


def _window(model: Model) -> str:
    if model.window.min_events is not None:
        return f"{model.window.min_events} events"
    return format_duration(model.window.length_us)


def _nothing_used(counts: Mapping[str, int], system: System, model: Model, version: str | None) -> str:
    """What was found instead, and what to do."""
    whose = f"{system.id}/{model.name}" + (f" version {version}" if version else "")
    found = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()) if count and name != "used")
    return (
        f"no inference event of {whose} was found in {counts['records']} records ({found or 'nothing'}). "
        "Check the system, the model and the version that the events name, and the mappings"
    )
