"""What was measured: the record of a window, and its lines in ``measurements.jsonl``.

One JSON object per measurement, in the order of due time, stream, window, metric and subject; docs/measurements.md describes
every field. Times are ISO 8601 in UTC, the order of keys is fixed, fields without a value are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from agent.clock import iso
from detectors.columns import StreamKey
from detectors.measurement import Measurement, Stage, Status, Track
from detectors.thresholds import Judgement

ENCODER = msgspec.json.Encoder()


class Judged(msgspec.Struct, frozen=True):
    """A measurement and what was decided about it.

    Attributes:
        measurement: of the window alone; where a run of windows was judged as one, with the effect of the run.
        status: ``None`` for measures that only inform.
        run: starts of the windows that were judged as one, this one last.
        whole: of that run, as it was judged; ``None`` where the window stood alone.
    """

    family: str
    measurement: Measurement
    status: Status | None = None
    reason: str = ""
    tolerance: float | None = None
    track: Track | None = None
    run: tuple[int, ...] = ()
    whole: Measurement | None = None


class WindowRecord(msgspec.Struct, frozen=True):
    """One measured window of a stream at one stage.

    Attributes:
        provisional: labels are still arriving; nothing was decided.
        partial: some of its events were not read, or were counted under another layout; nothing was decided.
        context: digest of what it was counted under; empty for whole models.
    """

    stream: StreamKey
    stage: Stage
    start_us: int
    end_us: int
    due_us: int
    results: tuple[Judged, ...]
    provisional: bool = False
    partial: bool = False
    context: str = ""


def judged_of(judgement: Judgement, alone: Measurement) -> Judged:
    """A verdict as the history keeps it.

    Args:
        alone: the measurement of the window, whatever it was judged with.
    """
    whole = judgement.measurement
    return Judged(
        judgement.family,
        _with_effect_of(alone, whole) if judgement.run else alone,
        judgement.status,
        judgement.reason,
        judgement.tolerance,
        judgement.track,
        judgement.run,
        whole if judgement.run else None,
    )


def _with_effect_of(alone: Measurement, whole: Measurement) -> Measurement:
    return replace(
        alone,
        effect=whole.effect,
        effect_lower=whole.effect_lower,
        effect_upper=whole.effect_upper,
        resolution=whole.resolution,
    )


Row = tuple[int, str, int, str, str, bytes]


def rows(record: WindowRecord) -> Iterator[Row]:
    """(due, stream, end, metric, subject, line) of each measurement of a window."""
    stream = "\x1f".join((*record.stream, record.context))
    window = _of_window(record)
    for result in record.results:
        measured = result.measurement
        line = ENCODER.encode(_present(window | _of_result(result)))
        yield record.due_us, stream, record.end_us, measured.metric, measured.subject, line


def _of_window(record: WindowRecord) -> dict[str, object]:
    return {
        "due": iso(record.due_us),
        "system": record.stream.system,
        "model": record.stream.model,
        "version": record.stream.version,
        "segment": record.stream.segment or None,
        "window_start": iso(record.start_us),
        "window_end": iso(record.end_us),
        "partial": record.partial or None,
        "stage": record.stage.value,
    }


def _of_result(result: Judged) -> dict[str, object]:
    measured = result.measurement
    return {
        "family": result.family,
        "metric": measured.metric,
        "subject": measured.subject or None,
        "value": measured.value,
        "reason": measured.reason,
        "n": measured.n,
        "lower": measured.lower,
        "upper": measured.upper,
        "baseline": measured.baseline,
        "expected": measured.expected,
        "p_value": measured.p_value,
        "effect": measured.effect,
        "effect_lower": measured.effect_lower,
        "effect_upper": measured.effect_upper,
        "resolution": measured.resolution,
        "direction": measured.direction,
        "detail": dict(measured.detail) or None,
        "verdict": result.status.value if result.status else None,
        "verdict_reason": result.reason or None,
        "tolerance": result.tolerance,
        "track": result.track.value if result.track else None,
        "judged_with": [iso(start) for start in result.run] or None,
        "judged": None if result.whole is None else _of_whole(result.whole),
    }


def _of_whole(whole: Measurement) -> dict[str, object]:
    """What a run of windows came to."""
    return _present(
        {
            "value": whole.value,
            "reason": whole.reason,
            "n": whole.n,
            "lower": whole.lower,
            "upper": whole.upper,
            "baseline": whole.baseline,
            "expected": whole.expected,
            "p_value": whole.p_value,
            "detail": dict(whole.detail) or None,
        }
    )


def _present(fields: dict[str, object]) -> dict[str, object]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
