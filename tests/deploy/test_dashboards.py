"""What is shipped for Grafana is what its declaration says, asks for what exists, and reads like one product."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors.measurement import Status
from exporters.families import ALL_FAMILIES
from exporters.snapshot import SOURCE_STATES

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
SHIPPED = GRAFANA / "dashboards"
BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(SHIPPED.glob("*.json"))}
VARIABLES = {
    "wachter-agent": ["datasource", "job", "instance"],
    "wachter-fleet": ["datasource", "job", "instance", "system"],
    "wachter-model": ["datasource", "job", "instance", "system", "model", "version"],
}
LABELS = {family.exposed_name: {"job", "instance", *family.labels} for family in ALL_FAMILIES}
COUNTERS = {family.exposed_name for family in ALL_FAMILIES if family.type == "counter"} | {"process_cpu_seconds_total"}
HISTOGRAMS = {family.exposed_name for family in ALL_FAMILIES if family.type == "histogram"}
FOREIGN = {
    *("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"),
    *("up", "scrape_duration_seconds", "scrape_samples_scraped"),
}
SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}(\[[^\]]*\])?")
SDK = next((ROOT / ".parts" / "dashboards").glob("lib/python*/site-packages/grafana_foundation_sdk"), None)


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """All but the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]
IDS = [f"{name}: {panel['title']}" for name, panel in PANELS]
EXPRESSIONS = [target["expr"] for _, panel in PANELS for target in panel["targets"]]
EXPRESSIONS += [one["expr"] for board in BOARDS.values() for one in board["annotations"]["list"]]


def require_sdk() -> str:
    """Where the SDK is. Skips where it is missing; fails where CI promises it."""
    if SDK is not None:
        return str(SDK.parent)
    reason = "grafana-foundation-sdk is missing: make parts"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parts
def test_the_shipped_dashboards_are_those_that_are_built(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": require_sdk()}
    command = [sys.executable, "-m", "deploy.build.dashboards", "--output", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    built = {path.name: path.read_text() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_text() for path in SHIPPED.iterdir()}
    assert shipped == built, "run make deploy-files"


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_found_under_its_name_and_links_to_the_others(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == name
    assert board["title"].startswith("Wachter / ")
    assert board["description"]
    assert board["tags"] == ["wachter"]
    assert [link["tags"] for link in board["links"]] == [["wachter"]]
    assert all(link["includeVars"] and link["keepTime"] for link in board["links"])


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_narrowed_by_variables_that_narrow_each_other(name: str) -> None:
    variables = BOARDS[name]["templating"]["list"]
    names = [variable["name"] for variable in variables]
    assert names[: len(VARIABLES[name])] == VARIABLES[name]
    for place, variable in enumerate(variables[1:], 1):
        used = set(re.findall(r"\$(\w+)", variable["query"]))
        assert used <= set(names[:place])
        assert variable["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=IDS)
def test_a_panel_says_what_it_shows_in_which_unit(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=IDS)
def test_several_series_of_a_panel_have_names(name: str, panel: dict[str, Any]) -> None:
    if panel["type"] in {"timeseries", "state-timeline", "status-history"}:
        assert all(target.get("legendFormat") for target in panel["targets"])


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_on_the_grid_and_not_on_one_another(name: str) -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in BOARDS[name]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        taken.update((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"]))
    assert max(taken.values()) == 1
    assert len({panel["id"] for panel in BOARDS[name]["panels"]}) == len(BOARDS[name]["panels"])


@pytest.mark.parametrize("name", BOARDS)
def test_no_two_panels_of_a_row_have_one_title(name: str) -> None:
    row, titles = "", []
    for panel in BOARDS[name]["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        titles.append((row, panel["type"] == "row", panel["title"]))
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_an_expression_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    selectors = SELECTOR.findall(expression)
    assert selectors
    for name, matchers, _ in selectors:
        family = re.sub(r"_(bucket|count|sum)$", "", name) if name not in LABELS else name
        assert family in LABELS or name in FOREIGN, name
        assert set(re.findall(r"(\w+)(?==|!=)", matchers)) <= LABELS.get(family, {"job", "instance"})
    assert set(re.findall(r"\bwachter_\w+", expression)) == {name for name, *_ in selectors if name not in FOREIGN}


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_an_expression_is_narrowed_to_the_chosen_job_and_instance(expression: str) -> None:
    for _, matchers, _ in SELECTOR.findall(expression):
        assert 'job=~"$job"' in matchers
        assert 'instance=~"$instance"' in matchers


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_counters_are_read_as_rates_over_grafanas_interval(expression: str) -> None:
    assert set(re.findall(r"\[([^\]]*)\]", expression)) <= {"$__rate_interval"}
    for found in SELECTOR.finditer(expression):
        name = found.group(1)
        counts = name in COUNTERS or re.sub(r"_(bucket|count|sum)$", "", name) in HISTOGRAMS
        before = expression[: found.start()]
        assert counts == before.endswith(("rate(", "increase(")), f"{name} in {expression}"


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_only_variables_that_a_dashboard_has_are_used(expression: str) -> None:
    everywhere = {variable["name"] for board in BOARDS.values() for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$(\w+)", expression)) <= everywhere | {"__rate_interval"}


def shown(name: str, title: str) -> dict[str, Any]:
    """One panel."""
    (found,) = [panel for panel in panels(BOARDS[name]) if panel["title"] == title]
    return found


def test_every_state_of_the_source_has_a_word_and_a_colour() -> None:
    (mapping,) = shown("wachter-agent", "Source")["fieldConfig"]["defaults"]["mappings"]
    assert list(mapping["options"]) == [str(number) for number in range(len(SOURCE_STATES))]


def test_every_verdict_has_a_word_and_a_colour() -> None:
    for board in BOARDS.values():
        for panel in panels(board):
            for override in panel["fieldConfig"].get("overrides", []):
                mappings = [one["value"] for one in override["properties"] if one["id"] == "mappings"]
                assert all(set(mapping["options"]) == set(Status) for (mapping,) in mappings)


def test_incidents_are_annotations_by_severity() -> None:
    for board in BOARDS.values():
        assert [one["iconColor"] for one in board["annotations"]["list"]] == ["orange", "red"]


def test_grafana_is_told_where_the_data_and_the_dashboards_are() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "wachter.yml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_a_dashboard_holds_no_address_and_nothing_of_the_machine_that_built_it() -> None:
    assert not re.search(r"https?://|127\.0\.0\.1|localhost", json.dumps(BOARDS))
    assert str(ROOT) not in json.dumps(BOARDS)
