"""What a metric family is: name, type, unit, help and labels beside the function that reads its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from detectors.columns import ModelKey, StreamKey
from detectors.measurement import Stage
from exporters.snapshot import Result, Timing

MetricType = Literal["counter", "gauge", "histogram", "info"]
Read = TypeVar("Read", contravariant=True)

MODEL_LABELS = ("system", "model", "version")
STREAM_LABELS = (*MODEL_LABELS, "segment")
STAGE_LABELS = (*STREAM_LABELS, "stage")
MEASURE_LABELS = (*STAGE_LABELS, "metric", "subject")
PROVISIONAL = "provisional"


class Sample(NamedTuple):
    """Label values, in the order of the family's labels, and the value (a ``Timing`` for a histogram)."""

    labels: tuple[str, ...]
    value: float | Timing


@dataclass(frozen=True)
class MetricFamily(Generic[Read]):
    """One family.

    Attributes:
        name: without ``_total`` and ``_info``, which the type adds; it ends with ``unit`` where there is one.
        help: one sentence for those who meet it in Prometheus.
        read: its samples, from what it is read from: the snapshot, or one row of results.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...]
    read: Callable[[Read], Iterable[Sample]]
    unit: str = ""

    @property
    def exposed_name(self) -> str:
        """The name that queries use."""
        return self.name + {"counter": "_total", "info": "_info"}.get(self.type, "")


class StreamRow(NamedTuple):
    """One result with where it belongs: what the measure families are read from."""

    stream: StreamKey
    stage: Stage
    provisional: bool
    result: Result

    @property
    def labels(self) -> tuple[str, ...]:
        """Values of ``MEASURE_LABELS``."""
        stage = stage_label(self.stage, self.provisional)
        return (*self.stream, stage, self.result.measurement.metric, self.result.measurement.subject)


def stage_label(stage: Stage, provisional: bool) -> str:
    """window: final at its end; labels: final with its labels; provisional: labels still arrive."""
    return PROVISIONAL if provisional else stage.value


def model_labels(key: ModelKey) -> tuple[str, ...]:
    """Values of ``MODEL_LABELS``."""
    return tuple(key)


def seconds(at_us: int) -> float:
    """Microseconds since the epoch as Prometheus writes time stamps."""
    return at_us / 1_000_000


def present(labels: tuple[str, ...], value: float | None) -> Iterator[Sample]:
    """The sample where there is a value; no series where there is none: absent is never 0 and never NaN."""
    if value is not None:
        yield Sample(labels, value)


def single(value: float) -> tuple[Sample]:
    """The one sample of a family without labels."""
    return (Sample((), value),)
