"""Replay: files of events through the very same step, into two files of results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from agent.clock import FixedClock
from agent.decoders import build_decoder
from agent.flow.contexts import Context, Contexts
from agent.flow.windowing import Due
from agent.replay.cells import cell_lines
from agent.replay.rejected import rejected_lines
from agent.replay.source import FileSource
from agent.state.store import Store, incident_lines, measurement_lines
from agent.step import Step
from config.errors import SourceError
from config.settings import FileSource as FileSettings
from config.settings import Settings
from detectors.tables import Tables

MEASUREMENTS = "measurements.jsonl"
INCIDENTS = "incidents.jsonl"
REJECTS = "rejects.jsonl"
CELLS = "cells.jsonl"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay found.

    Attributes:
        measurements, incidents, rejects: lines that were written.
        counters: by name, summed over their labels.
        rejected: records that could not be placed, by reason.
        labels: by what became of them.
    """

    measurements: int
    incidents: int
    rejects: int
    counters: dict[str, int]
    rejected: dict[str, int]
    labels: dict[str, int]


def replay(
    settings: Settings,
    paths: Sequence[Path],
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    cells: bool = False,
) -> Summary:
    """Read files of events and write ``measurements.jsonl`` and ``incidents.jsonl``; what was rejected, ``rejects.jsonl``.

    The same files, settings and reference give the same bytes, whatever the order of the files and of the events within
    lateness. The state lives in a scratch directory and is thrown away.

    Args:
        progress: told bytes read and bytes in all, after each step.
        cells: write ``cells.jsonl`` too, the histograms of every window.

    Raises:
        SourceError: a file cannot be read to its end.
        SettingsError: a reference cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    source = FileSource(paths, settings.source.batch_records, settings.limits.max_message_bytes + 1)
    with tempfile.TemporaryDirectory(prefix="wachter-replay-") as scratch, Store(Path(scratch), durable=False) as store:
        as_files = settings.model_copy(update={"source": _files(settings, paths)})
        step = Step(as_files, Contexts(settings), store, source, build_decoder(settings), FixedClock())
        step.pipeline.forgets = False
        with _cell_file(step, out / CELLS) if cells else nullcontext():
            _read_all(step, source, progress)
        return Summary(
            measurements=write_lines(out / MEASUREMENTS, measurement_lines(store.connection)),
            incidents=write_lines(out / INCIDENTS, incident_lines(store.connection, agent=False)),
            rejects=_write_rejects(out / REJECTS, rejected_lines(store.connection)),
            counters=_totals(step),
            rejected=_by(step, "rejected", "reason"),
            labels=_by(step, "labels", "outcome"),
        )


def _read_all(step: Step, source: FileSource, progress: Callable[[int, int], None]) -> None:
    while not step.finished:
        step.run(0.0)
        if step.owned.trouble is not None:
            raise SourceError(step.owned.trouble.message)
        progress(source.read_bytes, source.total_bytes)
    source.close(0.0)


@contextmanager
def _cell_file(step: Step, path: Path) -> Iterator[None]:
    """Write the histograms of every window that is measured meanwhile."""
    with path.open("wb") as file:

        def write(due: Due, context: Context, window: Tables) -> None:
            file.writelines(line + b"\n" for line in cell_lines(due, context, window))

        step.pipeline.on_window = write
        yield


def _files(settings: Settings, paths: Sequence[Path]) -> FileSettings:
    return FileSettings(
        type="files", paths=tuple(str(path) for path in paths), batch_records=settings.source.batch_records
    )


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write a file of lines; how many there are."""
    with path.open("wb") as file:
        return sum(file.write(line + b"\n") > 0 for line in lines)


def _write_rejects(path: Path, lines: Iterable[bytes]) -> int:
    """There is no such file where nothing was rejected, even if an earlier replay had left one."""
    written = write_lines(path, lines)
    if not written:
        path.unlink()
    return written


def _totals(step: Step) -> dict[str, int]:
    """Counters by name, summed over their labels."""
    totals: dict[str, int] = {}
    for (name, _), value in step.pipeline.ledger.counters.items():
        totals[name] = totals.get(name, 0) + value
    return dict(sorted(totals.items()))


def _by(step: Step, name: str, by: str) -> dict[str, int]:
    """A counter by one of its labels, without those that are zero."""
    totals: dict[str, int] = {}
    for labels, value in step.pipeline.ledger.counter(name):
        totals[labels[by]] = totals.get(labels[by], 0) + value
    return {key: value for key, value in sorted(totals.items()) if value}
