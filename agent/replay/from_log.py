"""Replay from the event log: measurements and incidents computed again from it alone, and held against what it recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent.clock import time_us
from agent.replay.comparison import Compared, Comparison, Span
from agent.replay.differences import Differences, Kind
from agent.replay.log_entries import LogEntry, log_entries, no_keys
from agent.replay.log_replay import LogReplay
from agent.replay.log_settings import LoggedSettings
from agent.replay.run import INCIDENTS, MEASUREMENTS, write_lines
from agent.state.store import Store, incident_lines, measurement_lines
from config.errors import EvidenceError
from config.settings import Settings
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import FindKey

DIFFERENCES = "differences.jsonl"
PROGRESS_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What came of it.

    Attributes:
        measurements, incidents: lines that were written.
        compared: windows and transitions held against the log.
        differences: by kind; empty where everything is as it was recorded.
        unsigned: entries behind the last checkpoint, which were left out.
    """

    entries: int
    measurements: int
    incidents: int
    compared: Compared
    differences: Mapping[Kind, int]
    unsigned: int

    @property
    def equal(self) -> bool:
        return not self.differences


def replay_log(
    directory: Path,
    out: Path,
    span: Span | None = None,
    *,
    find_key: FindKey = no_keys,
    settings: Settings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LogSummary:
    """Read a log, or an export of one with payloads, and write ``measurements.jsonl``, ``incidents.jsonl`` and
    ``differences.jsonl``.

    Everything that is signed is read; what lies before ``span`` warms up what lies within.

    Args:
        find_key: keys of sealed payloads.
        settings: those in force before the log begins, where its first shards are gone.
        progress: told entries read and entries in all.

    Raises:
        EvidenceError: the log cannot be read, or lacks payloads or settings.
        SettingsError: this version cannot use the settings of the log.
    """
    reader = LogReader(directory)
    out.mkdir(parents=True, exist_ok=True)
    sizes = _signed_sizes(reader)
    total = sum(sizes.values())
    with (
        tempfile.TemporaryDirectory(prefix="wachter-replay-") as scratch,
        Store(Path(scratch), durable=False) as store,
        Differences(out / DIFFERENCES) as differences,
    ):
        comparison = Comparison(differences, span or Span())
        replay = LogReplay(store, LoggedSettings(Path(scratch), settings), comparison)
        for done, entry in enumerate(_entries(reader, sizes, find_key)):
            replay.take(entry)
            if done % PROGRESS_ENTRIES == 0:
                progress(done, total)
        replay.finish()
        progress(total, total)
        return LogSummary(
            entries=total,
            measurements=write_lines(out / MEASUREMENTS, _within(measurement_lines(store.connection), span)),
            incidents=write_lines(out / INCIDENTS, incident_lines(store.connection, agent=False)),
            compared=comparison.compared,
            differences=dict(differences.counts),
            unsigned=sum(reader.size(shard) for shard in sizes) - total,
        )


def _signed_sizes(reader: LogReader) -> dict[str, int]:
    """How much of each shard is signed."""
    verifiers = reader.verifiers()
    heads = {shard: reader.signed(shard, verifiers) for shard in reader.shards()}
    sizes = {shard: head.size for shard, head in heads.items() if head is not None}
    if not sizes:
        raise EvidenceError(f"{reader.directory}: nothing of this log is signed yet, so there is nothing to repeat")
    return sizes


def _entries(reader: LogReader, sizes: dict[str, int], find_key: FindKey) -> Iterator[LogEntry]:
    for shard, size in sizes.items():
        yield from log_entries(reader, shard, size, find_key)


class _Times(msgspec.Struct):
    window_start: str
    window_end: str


def _within(lines: Iterator[bytes], span: Span | None) -> Iterator[bytes]:
    """The lines of windows in the span."""
    for line in lines:
        if span is None:
            yield line
            continue
        times = msgspec.json.decode(line, type=_Times)
        if span.holds(time_us(times.window_start), time_us(times.window_end)):
            yield line
