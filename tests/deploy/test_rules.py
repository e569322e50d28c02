"""What is shipped for Prometheus is what its declaration says, and speaks of what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.flow.watch import AGENT_STREAM
from deploy.build.rules.__main__ import RUNBOOKS, SHIPPED, Targets, written
from deploy.build.rules.promql import TARGET, series
from exporters.exposition import ExpositionOptions, render
from exporters.families import ALL_FAMILIES
from exporters.notice import ALERT_NAMES
from tests.exporters.sample import SNAPSHOT

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / RUNBOOKS).read_text()
FILES = sorted((SHIPPED / "rules").glob("*.yml"))
DOCUMENTS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
RULES: list[dict[str, Any]] = [r for d in DOCUMENTS.values() for g in d["groups"] for r in g["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
LABELS = {family.exposed_name: set(family.labels) | set(TARGET) for family in ALL_FAMILIES}
SECTIONS = dict(re.findall(r"^### (Wachter\w+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
CASES = [t for path in sorted((SHIPPED / "tests").glob("*.yml")) for t in yaml.safe_load(path.read_text())["tests"]]
PARTS = ["Means", "Confirm", "Do", "Ignore when"]


def cases(alert: str) -> list[dict[str, Any]]:
    """The promtool cases of an alert, as shipped."""
    return [case for case in CASES if case["name"].split()[0] == alert]


def labels_of(alert: str) -> set[str]:
    """What it bears when it fires."""
    return set(fired(alert))


def fired(alert: str) -> dict[str, str]:
    """Its labels and their values when it fires in its case."""
    (expected,) = cases(alert)[0]["alert_rule_test"][0]["exp_alerts"]
    return {"alertname": alert, **expected["exp_labels"]}


def test_the_shipped_files_are_those_that_are_built() -> None:
    built = {SHIPPED / name: text for name, text in written(Targets(), RUNBOOKS)}
    shipped = {path: path.read_text() for room in ("rules", "tests") for path in (SHIPPED / room).iterdir()}
    assert shipped == built, "run make deploy-files"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_speaks_of_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    recorded = {other["record"] for other in RULES if "record" in other}
    assert set(re.findall(r"\b\w+:\w+:\w+\b", rule["expr"])) <= recorded
    plain = re.sub(r"\b\w+:\w+:\w+\b", "", rule["expr"])
    assert set(re.findall(r"\bwachter_\w+", plain)) <= set(LABELS)
    for name, matchers in re.findall(r"\b(wachter_\w+)\{([^}]*)\}", plain):
        assert set(re.findall(r"(\w+)!?=", matchers)) <= LABELS[name]


def test_a_value_that_a_rule_asks_for_is_one_that_is_exported() -> None:
    exported = set(re.findall(r'(\w+)="([^"]*)"', render(SNAPSHOT, ExpositionOptions()).decode()))
    exported |= {("system", AGENT_STREAM.system), ("model", AGENT_STREAM.model), ("bound", "rejects")}
    asked = {pair for rule in RULES for pair in re.findall(r'(\w+)!?="([^"]*)"', rule["expr"])}
    assert asked <= exported


def test_recorded_series_are_named_by_level_metric_and_operations() -> None:
    for rule in RULES:
        if "record" in rule:
            assert re.fullmatch(r"(instance|model):wachter_\w+:(sum|ratio|deriv15m|ratio_rate\d+[mhd])", rule["record"])


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_loud_it_is_what_is_wrong_and_where_to_read_on(alert: dict[str, Any]) -> None:
    severity = alert["labels"].get("severity")
    assert severity in {"critical", "warning", "info"} or "severity" in alert["expr"]
    assert re.fullmatch(r"[1-9]\d*m", alert["for"])
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOKS}#{alert['alert'].lower()}"
    assert "\n" not in alert["annotations"]["summary"]


def test_an_alert_names_only_labels_that_its_expression_keeps() -> None:
    for name, alert in ALERTS.items():
        text = alert["annotations"]["summary"] + alert["annotations"]["description"]
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels_of(name), name


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_cases_in_which_it_fires_waits_and_stays_quiet(name: str) -> None:
    fires, waits, *quiet = cases(name)
    assert fires["name"] == f"{name} fires"
    assert waits["name"] == f"{name} waits {ALERTS[name]['for'][:-1]} minutes"
    assert quiet
    assert all(case["name"].startswith(f"{name} stays quiet: ") for case in quiet)
    assert fires["alert_rule_test"][0]["exp_alerts"]
    assert not any(case["alert_rule_test"][0]["exp_alerts"] for case in (waits, *quiet))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_a_section_in_the_runbooks_with_all_its_parts(name: str) -> None:
    assert re.findall(r"^\*\*([\w ]+)\.\*\*", SECTIONS[name], re.MULTILINE) == PARTS


def test_the_runbooks_have_no_section_of_an_alert_that_is_gone() -> None:
    assert SECTIONS.keys() == ALERTS.keys()


def test_the_runbooks_name_only_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    assert set(re.findall(r"\b\w+:\w+:\w+\b", RUNBOOK)) <= recorded
    named = set(re.findall(r"\bwachter_\w+", re.sub(r"\b\w+:\w+:\w+\b", "", RUNBOOK)))
    assert named <= LABELS.keys()


def test_only_the_file_for_those_who_do_not_push_tells_incidents_of_models() -> None:
    alerts = {stem: {r.get("alert") for g in d["groups"] for r in g["rules"]} for stem, d in DOCUMENTS.items()}
    assert alerts["wachter-incidents"] == set(ALERT_NAMES.values())
    assert not (alerts["wachter-agent"] | alerts["wachter-objectives"]) & set(ALERT_NAMES.values())


def test_no_two_alerts_have_one_name() -> None:
    assert len(ALERTS) == sum("alert" in rule for rule in RULES)


def test_runbooks_may_lie_elsewhere_and_targets_may_be_other_ones() -> None:
    built = dict(written(Targets(answered=0.95), "https://wiki.example/runbooks"))
    assert "runbook_url: https://wiki.example/runbooks#wachterdown" in built["rules/wachter-agent.yml"]
    assert "ratio_rate1h > 14.4 * 0.05\n" in built["rules/wachter-objectives.yml"]


@pytest.mark.parametrize("target", [0.9, 1.0, 99.9])
def test_a_target_without_a_budget_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match=r"in_time: .* must lie between 0\.94 and 1"):
        Targets(in_time=target)


def test_the_example_of_alertmanager_names_alerts_that_exist_and_labels_that_they_bear() -> None:
    rules = yaml.safe_load((SHIPPED / "alertmanager.yml").read_text())["inhibit_rules"]
    for rule in rules:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            name, _, wanted = re.fullmatch(r"(\w+)(=~|!?=)\"(.*)\"", matcher).groups()  # type: ignore[union-attr]
            found = [alert for alert in ALERTS if name == "alertname" and re.fullmatch(wanted, alert)]
            assert found or name == "incident", matcher
            for alert in found:
                assert set(rule.get("equal", ())) <= labels_of(alert), f"{matcher}: {alert}"


def test_a_metric_or_a_label_that_nobody_exports_stops_the_build() -> None:
    with pytest.raises(ValueError, match="wachter_nothing: no such metric family"):
        series("wachter_nothing")
    with pytest.raises(ValueError, match="wachter_ready: no label model; it has none"):
        series("wachter_ready", model="credit")


def test_a_selector_has_a_window_and_says_what_a_label_must_not_be() -> None:
    assert series("wachter_labels_total", "5m", outcome="!joined") == 'wachter_labels_total{outcome!="joined"}[5m]'
