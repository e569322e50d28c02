from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from detectors.columns import StreamKey
from exporters.exposition import ExpositionOptions, Format, render
from exporters.families import ALL_FAMILIES, MetricFamily
from exporters.snapshot import Build, Snapshot, StreamStatus
from tests.exporters.sample import NOW_US, SNAPSHOT, STREAM, WINDOWS

GOLDEN = Path(__file__).parent / "golden"
EVERYTHING = ExpositionOptions(measures=frozenset({"psi"}), protected_labels=frozenset({"sex"}))


def samples(text: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in parse_text(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.mark.parametrize(("wanted", "name"), [(Format.TEXT, "metrics.txt"), (Format.OPENMETRICS, "openmetrics.txt")])
def test_an_exposition_is_byte_for_byte_what_it_was(wanted: Format, name: str) -> None:
    rendered = render(SNAPSHOT, EVERYTHING, wanted)
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_bytes(rendered)
    assert rendered == (GOLDEN / name).read_bytes()


def test_the_openmetrics_parser_reads_the_same_values_as_the_text_parser() -> None:
    def values(families: object) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
        return {
            (s.name, tuple(sorted(s.labels.items())), s.value)
            for family in families  # type: ignore[attr-defined]
            for s in family.samples
        }

    openmetrics = values(parse_openmetrics(render(SNAPSHOT, EVERYTHING, Format.OPENMETRICS).decode()))
    assert openmetrics == values(parse_text(render(SNAPSHOT, EVERYTHING).decode()))


def test_promtool_finds_nothing_to_complain_about() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=render(SNAPSHOT, EVERYTHING, process=True),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_agent_that_has_just_started_shows_its_known_series_at_zero() -> None:
    found = samples(render(Snapshot(Build("0.1.0", "3.11.2"), NOW_US, NOW_US), ExpositionOptions()))
    assert found["wachter_events_received_total"] == [({}, 0.0)]
    assert {labels["outcome"] for labels, value in found["wachter_labels_total"] if value == 0} >= {
        "joined",
        "orphan",
    }
    assert found["wachter_ready"] == [({}, 0.0)]


def test_a_stream_without_incidents_shows_them_at_zero_for_every_track() -> None:
    quiet = replace(SNAPSHOT, incidents=())
    counts = samples(render(quiet, EVERYTHING))["wachter_incidents_open"]
    assert {(labels["track"], value) for labels, value in counts} == {("harm", 0), ("health", 0), ("agent", 0)}


def test_a_measure_without_a_value_has_no_value_series_but_a_verdict_and_its_reason() -> None:
    found = samples(render(SNAPSHOT, EVERYTHING))
    assert not [labels for labels, _ in found["wachter_measure_value"] if labels["metric"] == "roc_auc"]
    (undecided,) = [labels for labels, _ in found["wachter_measure_undecided"] if labels["metric"] == "roc_auc"]
    assert undecided["reason"] == "too_few_labels"
    verdicts = {labels["verdict"]: v for labels, v in found["wachter_measure_verdict"] if labels["metric"] == "roc_auc"}
    assert verdicts == {"ok": 0, "warning": 0, "critical": 0, "insufficient_data": 1}


def test_a_provisional_value_is_a_family_of_its_own() -> None:
    found = samples(render(SNAPSHOT, EVERYTHING))
    assert [value for _, value in found["wachter_provisional_value"]] == [0.7]
    assert 0.7 not in [value for _, value in found["wachter_measure_value"]]


def test_informing_measures_of_a_column_appear_only_where_asked_for() -> None:
    shown = samples(render(SNAPSHOT, ExpositionOptions()))["wachter_measure_value"]
    assert {labels["metric"] for labels, _ in shown} == {"js_distance", "volume"}


def test_a_protected_group_is_no_label_unless_its_attribute_is_allowed() -> None:
    assert b"sex=F" not in render(SNAPSHOT, replace(EVERYTHING, protected_labels=frozenset({"age"})))
    assert b"sex=F" in render(SNAPSHOT, EVERYTHING)


def test_an_intersection_is_no_label_unless_all_its_attributes_are_allowed() -> None:
    (rate,) = [r for r in WINDOWS[0].results if r.measurement.subject == "sex=F"]
    crossed = replace(rate, measurement=replace(rate.measurement, subject="sex=F, age=25-40"))
    window = replace(WINDOWS[0], results=(crossed,))
    snapshot = replace(SNAPSHOT, streams=(StreamStatus(STREAM, (window,)),))
    assert b"age=25-40" not in render(snapshot, EVERYTHING)
    assert b"age=25-40" in render(snapshot, replace(EVERYTHING, protected_labels=frozenset({"sex", "age"})))


def test_a_class_of_the_model_is_a_label_unless_a_protected_attribute_has_that_name() -> None:
    coverage = replace(WINDOWS[0].results[0], family="performance")
    coverage = replace(coverage, measurement=replace(coverage.measurement, subject="class=yes"))
    streams = (StreamStatus(STREAM, (replace(WINDOWS[0], results=(coverage,)),)),)
    assert b"class=yes" in render(replace(SNAPSHOT, streams=streams), EVERYTHING)
    (facts,) = SNAPSHOT.models
    awkward = (replace(facts, protected=("class",)),)
    assert b"class=yes" not in render(replace(SNAPSHOT, streams=streams, models=awkward), EVERYTHING)


def test_a_full_exposition_drops_whole_results_the_least_telling_first_and_counts_them() -> None:
    everything = render(SNAPSHOT, EVERYTHING)
    series = sum(not line.startswith(b"#") for line in everything.splitlines())
    tight = samples(render(SNAPSHOT, replace(EVERYTHING, max_series=series - 6)))
    assert tight["wachter_series_dropped"] == [({}, 3.0)]
    assert {labels["metric"] for labels, _ in tight["wachter_measure_value"]} == {"js_distance", "selection_rate"}
    assert len(tight["wachter_measure_verdict"]) == 4 * 3


def test_two_results_of_one_name_do_not_spoil_the_scrape() -> None:
    doubled = replace(WINDOWS[0], results=WINDOWS[0].results * 2)
    snapshot = replace(SNAPSHOT, streams=(StreamStatus(STREAM, (doubled,)),))
    shown = [tuple(labels.items()) for labels, _ in samples(render(snapshot, EVERYTHING))["wachter_measure_value"]]
    assert len(shown) == len(set(shown)) == 4


def test_label_values_that_need_it_are_escaped() -> None:
    odd = StreamKey("s", 'a"b\\c\nd', "1")
    text = render(replace(SNAPSHOT, streams=(StreamStatus(odd),), incidents=()), EVERYTHING)
    found = samples(text)["wachter_windows_closed_total"]
    assert [labels["model"] for labels, _ in found] == ['a"b\\c\nd']


@pytest.mark.parametrize("family", ALL_FAMILIES, ids=lambda family: family.name)
def test_a_family_is_named_as_prometheus_wants_it(family: MetricFamily[object]) -> None:
    assert family.name.startswith("wachter_")
    assert not family.name.endswith(("_total", "_info"))
    assert family.name.endswith(family.unit)
    assert family.help.endswith(".")


def test_every_family_is_declared_once() -> None:
    names = [family.exposed_name for family in ALL_FAMILIES]
    assert len(names) == len(set(names))
