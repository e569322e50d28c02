"""Whatever the labels and values, the bytes are those of prometheus-client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporters.encoding import encode_openmetrics, encode_text
from exporters.exposition import ExpositionOptions, SnapshotCollector
from tests.exporters.sample import SNAPSHOT

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
VALUES = st.floats() | st.integers(-(2**70), 2**70).map(float)


class Fixed(Collector):
    """A registry of these families."""

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        return self.metrics


def registry_of(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


@st.composite
def families(draw: st.DrawFn) -> Metric:
    kind = draw(st.sampled_from(["gauge", "counter", "unknown"]))
    unit = draw(st.sampled_from(["", "seconds"]))
    metric = Metric(f"wachter_x_{unit}" if unit else "wachter_x", draw(TEXTS), kind, unit)
    for labels, value in draw(st.lists(st.tuples(st.dictionaries(NAMES, TEXTS, max_size=4), VALUES), max_size=5)):
        metric.add_sample(f"{metric.name}_total" if kind == "counter" else metric.name, labels, value)
    return metric


@given(st.lists(families(), max_size=3))
def test_any_family_is_written_as_prometheus_client_writes_it(metrics: list[Metric]) -> None:
    registry = registry_of(Fixed(metrics))
    assert encode_text(metrics) == generate_latest(registry)
    assert encode_openmetrics(metrics) == generate_openmetrics(registry)


def test_a_whole_snapshot_is_written_as_prometheus_client_writes_it() -> None:
    registry = registry_of(SnapshotCollector(SNAPSHOT, ExpositionOptions(protected_labels=frozenset({"sex"}))))
    assert encode_text(registry.collect()) == generate_latest(registry)
    assert encode_openmetrics(registry.collect()) == generate_openmetrics(registry)
