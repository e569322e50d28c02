"""The chart as a StatefulSet of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config import settings
from tests.deploy.chart import cases
from tests.deploy.chart.render import CHART, defaults, leaves, of_kind, render, with_value
from tests.deploy.chart.restricted import violations

pytestmark = pytest.mark.parts

Rendered = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    return dict(zip(cases.STANDALONE, render(cases.STANDALONE.values()), strict=True))


@pytest.fixture(scope="module")
def changed() -> Rendered:
    asked = [with_value(base, path, value) for path, (value, base) in cases.EFFECTS.items()]
    return dict(zip(cases.EFFECTS, render(asked), strict=True))


@pytest.fixture(scope="module")
def unchanged() -> Rendered:
    bases = {id(base): base for _, base in cases.EFFECTS.values()}
    answers = dict(zip(bases, render(bases.values()), strict=True))
    return {path: answers[id(base)] for path, (_, base) in cases.EFFECTS.items()}


@pytest.fixture(scope="module")
def refused() -> Rendered:
    asked = [values for values, _ in cases.REFUSED.values()]
    return dict(zip(cases.REFUSED, render(asked), strict=True))


@pytest.mark.parametrize("case", cases.STANDALONE)
def test_helm_finds_nothing_to_complain_of(rendered: Rendered, case: str) -> None:
    assert rendered[case]["lint"] == []


@pytest.mark.parametrize("case", cases.STANDALONE)
def test_every_object_is_what_the_api_of_kubernetes_takes(rendered: Rendered, case: str) -> None:
    assert rendered[case]["invalid"] == []


@pytest.mark.parametrize("case", cases.STANDALONE)
def test_pods_meet_pod_security_restricted(rendered: Rendered, case: str) -> None:
    assert violations(of_kind(rendered[case], "StatefulSet")["spec"]["template"]["spec"]) == []


@pytest.mark.parametrize("path", cases.EFFECTS)
def test_a_value_renders_validly_and_has_an_effect(changed: Rendered, unchanged: Rendered, path: str) -> None:
    assert changed[path].get("invalid") == []
    assert changed[path]["objects"] != unchanged[path].get("objects")


def test_every_value_is_tried() -> None:
    tried = {*cases.EFFECTS, "sidecar.gatesReadiness"}
    assert tried == set(leaves(defaults()))


@pytest.mark.parametrize("case", cases.REFUSED)
def test_values_that_cannot_work_are_refused_with_the_reason(refused: Rendered, case: str) -> None:
    _, reason = cases.REFUSED[case]
    assert reason in refused[case]["error"]


@pytest.mark.parametrize("case", ["minimal", "settings as text", "settings that begin with a remark"])
def test_the_settings_arrive_as_they_were_written(rendered: Rendered, case: str, tmp_path: Path) -> None:
    file = tmp_path / "wachter.yaml"
    file.write_text(of_kind(rendered[case], "ConfigMap")["data"]["wachter.yaml"])
    loaded = settings.load(file, {})
    assert loaded.limits.max_pending_labels == 1_000_000
    assert loaded.systems[0].models[0].classes == (() if case == "minimal" else ("NO", "YES"))


def test_other_settings_are_other_pods(rendered: Rendered) -> None:
    sums = {
        of_kind(rendered[case], "StatefulSet")["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        for case in ("minimal", "settings as text")
    }
    assert len(sums) == 2


def test_rules_are_those_that_are_shipped(rendered: Rendered) -> None:
    groups = of_kind(rendered["everything"], "PrometheusRule")["spec"]["groups"]
    shipped = [yaml.safe_load(path.read_text())["groups"] for path in sorted((CHART / "files" / "rules").glob("*.yml"))]
    assert sorted(groups, key=name_of) == sorted((group for groups in shipped for group in groups), key=name_of)


def test_a_model_does_not_page_twice_unless_asked_to(unchanged: Rendered) -> None:
    groups = of_kind(unchanged["rules.incidents"], "PrometheusRule")["spec"]["groups"]
    assert not any("incidents" in group["name"] for group in groups)


def test_dashboards_are_those_that_are_shipped(rendered: Rendered) -> None:
    shipped = {path.name: path.read_text() for path in (CHART / "files" / "dashboards").glob("*.json")}
    held = [one["data"] for one in rendered["everything"]["objects"] if "dashboard" in one["metadata"]["name"]]
    assert {name: text.strip() for data in held for name, text in data.items()} == {
        name: text.strip() for name, text in shipped.items()
    }


def test_the_state_outlives_the_release(rendered: Rendered) -> None:
    spec = of_kind(rendered["minimal"], "StatefulSet")["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@pytest.mark.parametrize(("case", "loopback"), [("TLS and users", "127.0.0.1"), ("TLS on IPv6", "[::1]")])
def test_probes_over_tls_ask_where_the_agent_listens(rendered: Rendered, case: str, loopback: str) -> None:
    """A listener on :: takes no IPv4, so a probe at 127.0.0.1 could never succeed."""
    (agent,) = of_kind(rendered[case], "StatefulSet")["spec"]["template"]["spec"]["containers"]
    asked = {
        probe: agent[probe]["exec"]["command"][-1] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {
        "startupProbe": f"https://{loopback}:9464/-/healthy",
        "livenessProbe": f"https://{loopback}:9464/-/healthy",
        "readinessProbe": f"https://{loopback}:9464/-/ready",
    }


def test_notes_say_what_is_lost_with_an_ephemeral_state(rendered: Rendered) -> None:
    assert "The state is ephemeral" in rendered["ephemeral"]["notes"]
    assert "The state is ephemeral" not in rendered["minimal"]["notes"]


def name_of(group: dict[str, Any]) -> str:
    """The name of a group of rules."""
    return str(group["name"])
