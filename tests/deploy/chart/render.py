"""Asks Helm, in its own environment, for what the chart becomes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.chart.cases import Values
from tests.deploy.tools import DEPLOY, tool

CHART = DEPLOY / "helm" / "wachter"
HELM = Path(__file__).with_name("helm.py")
VERSIONS = ("1.29", "1.37")
"""The oldest Kubernetes that has native sidecars on by default, and the newest whose schemas are here."""

MODEL_CHART = {
    "Chart.yaml": """\
apiVersion: v2
name: model
version: 1.0.0
dependencies:
  - {name: wachter, version: 0.1.0}
""",
    "templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model
spec:
  selector:
    matchLabels: {app: model}
  template:
    metadata:
      labels: {app: model}
    spec:
      initContainers:
        {{- include "wachter.sidecar" .Subcharts.wachter | nindent 8 }}
      containers:
        - name: model
          image: model:1.0
      volumes:
        {{- include "wachter.sidecar.volumes" .Subcharts.wachter | nindent 8 }}
        {{- if eq (default "" (default dict .Values.wachter.state).kind) "pod" }}
        - name: wachter-state
          emptyDir: {}
        {{- end }}
""",
}
"""Somebody's chart of a model, as README.md of the chart says to write it."""


def render(values: Iterable[Values], chart: Path = CHART) -> list[dict[str, Any]]:
    """What Helm answers to each set of values; see ``helm.py``."""
    jobs = [{"chart": str(chart), "values": one, "versions": VERSIONS} for one in values]
    command = [tool("python"), str(HELM)]
    done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def model_chart(directory: Path) -> Path:
    """A chart of a model that has ours among its dependencies."""
    for name, text in MODEL_CHART.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copytree(CHART, directory / "charts" / "wachter")
    return directory


def of_kind(answer: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one object of a kind."""
    (found,) = [one for one in answer["objects"] if one["kind"] == kind]
    return found  # type: ignore[no-any-return]


def defaults() -> Values:
    """``values.yaml``."""
    values: Values = yaml.safe_load((CHART / "values.yaml").read_text())
    return values


def with_value(values: Values, path: str, value: Any) -> Values:
    """A copy of the values in which ``path``, with dots, has another value."""
    name, _, rest = path.partition(".")
    return {**values, name: with_value(values.get(name, {}), rest, value) if rest else value}


def leaves(values: Values, prefix: str = "") -> list[str]:
    """Paths of all values that can be set on their own; a probe is one of them, and so is what is empty."""
    found = []
    for name, value in values.items():
        whole = not isinstance(value, dict) or not value or prefix == "probes." or name in ("resources", "labels")
        found += [prefix + name] if whole else leaves(value, f"{prefix}{name}.")
    return found
