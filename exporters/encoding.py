"""Families of metrics as bytes, in the two formats that scrapers read.

The same bytes as prometheus-client writes for what is exported here (a test compares them), in a third of the time: that
checks each label's name at every sample, ours are checked where the family is declared.

Sources: Prometheus exposition formats, text 0.0.4; OpenMetrics 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

_TEXT_TYPES = {"unknown": "untyped"}


def encode_text(metrics: Iterable[Metric]) -> bytes:
    """Text 0.0.4. Counters are declared by the name of their sample."""
    lines: list[str] = []
    for metric in metrics:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        help_ = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
        lines.append(f"# HELP {name} {help_}\n# TYPE {name} {_TEXT_TYPES.get(metric.type, metric.type)}\n")
        lines += _samples(metric)
    return "".join(lines).encode()


def encode_openmetrics(metrics: Iterable[Metric]) -> bytes:
    """OpenMetrics 1.0."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {_escaped(metric.documentation)}\n# TYPE {metric.name} {metric.type}\n")
        if metric.unit:
            lines.append(f"# UNIT {metric.name} {metric.unit}\n")
        lines += _samples(metric)
    return "".join((*lines, "# EOF\n")).encode()


def _samples(metric: Metric) -> Iterator[str]:
    for sample in metric.samples:
        value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]
        yield f"{sample.name}{_labels(sample.labels)} {value}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(labels[name])}"' for name in sorted(labels)]) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
