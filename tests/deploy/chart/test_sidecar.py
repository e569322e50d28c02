"""The chart in somebody else's: a native sidecar beside a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart import cases
from tests.deploy.chart.render import CHART, model_chart, of_kind, render, with_value
from tests.deploy.chart.restricted import violations

pytestmark = pytest.mark.parts

Rendered = dict[str, dict[str, Any]]

OF_THE_MODE = {"mode", "existingSettings", "state.kind", "monitor.kind"}
"""What a sidecar must have in a way of its own."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    chart = model_chart(tmp_path_factory.mktemp("model"))
    asked = [{"wachter": {"mode": "sidecar", **values}} for values in cases.SIDECAR.values()]
    return dict(zip(cases.SIDECAR, render(asked, chart), strict=True))


def sidecar(answer: dict[str, Any]) -> dict[str, Any]:
    """The container of the agent in the model's pod."""
    (found,) = pod(answer)["initContainers"]
    return found  # type: ignore[no-any-return]


def pod(answer: dict[str, Any]) -> dict[str, Any]:
    """The model's pod."""
    return of_kind(answer, "Deployment")["spec"]["template"]["spec"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", cases.SIDECAR)
def test_the_pod_of_the_model_is_what_the_api_takes(rendered: Rendered, case: str) -> None:
    assert rendered[case]["invalid"] == []


@pytest.mark.parametrize("case", cases.SIDECAR)
def test_it_starts_before_the_model_and_goes_on_beside_it(rendered: Rendered, case: str) -> None:
    assert sidecar(rendered[case])["restartPolicy"] == "Always"


@pytest.mark.parametrize("case", cases.SIDECAR)
def test_every_volume_that_it_mounts_is_in_the_pod_once(rendered: Rendered, case: str) -> None:
    mounted = {mount["name"] for mount in sidecar(rendered[case])["volumeMounts"]}
    assert sorted(mounted) == sorted(volume["name"] for volume in pod(rendered[case])["volumes"])


@pytest.mark.parametrize("case", cases.SIDECAR)
def test_nothing_of_it_runs_on_its_own(rendered: Rendered, case: str) -> None:
    kinds = {one["kind"] for one in rendered[case]["objects"]}
    assert not kinds & {"StatefulSet", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"}


def test_a_trouble_of_the_watcher_does_not_keep_the_model_from_serving(rendered: Rendered) -> None:
    assert not {"startupProbe", "readinessProbe"} & set(sidecar(rendered["ephemeral"]))


def test_readiness_counts_for_the_pod_where_it_is_asked_for(rendered: Rendered) -> None:
    assert sidecar(rendered["claim of the pod"])["readinessProbe"]["httpGet"]["path"] == "/-/ready"


def test_it_meets_pod_security_restricted_whatever_the_pod_says(rendered: Rendered) -> None:
    own = {"initContainers": [sidecar(rendered["ephemeral"])], "containers": []}
    assert violations(own) == []


def test_it_has_no_identity_that_another_pod_of_the_model_has_too(rendered: Rendered) -> None:
    names = {variable["name"] for variable in sidecar(rendered["ephemeral"])["env"]}
    assert "WACHTER_SOURCE__INSTANCE_ID" not in names


def test_its_own_chart_refuses_to_run_twice(tmp_path: Path) -> None:
    (answer,) = render([{"wachter": {"settings": cases.KEYS}}], model_chart(tmp_path / "model"))
    assert "two agents run" in answer["error"]


def beside(values: cases.Values) -> cases.Values:
    """Values for a chart on its own, as those of a sidecar."""
    monitor = {"podSelector": {"app": "other"}, **values.get("monitor", {}), "kind": "PodMonitor"}
    return {"wachter": {**values, "mode": "sidecar", "sidecar": {"gatesReadiness": True}, "monitor": monitor}}


def test_what_does_nothing_beside_a_model_is_said_to_be_for_standalone(tmp_path: Path) -> None:
    tried = {path: case for path, case in cases.EFFECTS.items() if path not in OF_THE_MODE}
    asked = [beside(one) for path, (value, base) in tried.items() for one in (base, with_value(base, path, value))]
    answers = iter(render(asked, model_chart(tmp_path / "model")))
    idle = {path for path in tried if next(answers)["objects"] == next(answers)["objects"]}
    readme = (CHART / "README.md").read_text()
    assert idle == set(re.findall(r"^\| `([A-Za-z.]+)` \|.* standalone \|$", readme, re.MULTILINE))
