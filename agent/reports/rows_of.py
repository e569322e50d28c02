"""Reads the rows of a report from the log: window and reference, sampled where they are many, with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.evidence.row_columns import as_number, as_table, as_text, columns_of
from agent.evidence.rows import RowReader
from agent.evidence.span import Span
from agent.reports.sample import HashSample, SampledSpan, Seen, Table
from agent.reports.truth import read_truth
from config.settings import Model, Settings
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import FindKey

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Read:
    """Rows of a stretch of event time.

    Attributes:
        table: columns by name, (n,) each; ``label`` is the latest one known.
        start_us, end_us: the stretch.
        events: that the log holds of the stream in it, of all segments.
        is_whole: whether all of them that could be read are in the table.
        unread: events whose payload could not be read, by what is wrong with it (see ``RowReader``).
    """

    table: Table
    start_us: int
    end_us: int
    events: int
    is_whole: bool
    unread: Counter[str]

    def __len__(self) -> int:
        return len(self.table["event_id"])


@dataclass(frozen=True, slots=True)
class Where:
    """What rows are read from, and by what."""

    reader: LogReader
    settings: Settings
    model: Model
    find_key: FindKey


def read_rows(where: Where, span: Span, most: int, tell: Tell) -> Read:
    """At most ``most`` rows of a span; without labels that came as events of their own.

    Args:
        tell: is told how far it is.

    Raises:
        EvidenceError: the log cannot be read.
    """
    specs = columns_of(where.model)
    sample, seen = HashSample(most, specs), Seen()
    wanted = SampledSpan(span.stream, span.start_us, span.end_us, span.classes, sample=sample, seen=seen)
    found = RowReader(where.reader, where.settings, wanted, where.find_key)
    for batch in found:
        sample.add(as_table(batch, specs))
        tell(f"{seen.count} events")
    table = sample.table()
    return Read(table, span.start_us, span.end_us, seen.count, sample.is_whole, found.unread)


def add_labels(where: Where, span: Span, read: Read) -> None:
    """Put labels that came later into the column ``label``.

    Raises:
        EvidenceError: the log cannot be read.
    """
    ids = [str(event_id) for event_id in read.table["event_id"]]
    truth = read_truth(where.reader, where.settings, where.model, span, ids, where.find_key)
    labels: NDArray[Any] = read.table["label"]
    is_number = labels.dtype == np.dtype(float)
    for row, event_id in enumerate(ids):
        if event_id in truth:
            labels[row] = as_number(truth[event_id]) if is_number else as_text(truth[event_id])
