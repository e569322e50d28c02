"""What the chart carries and says."""

from __future__ import annotations

import re
import tomllib

import yaml

from deploy.build import chart
from tests.deploy.chart.render import CHART, defaults, leaves
from tests.deploy.tools import ROOT


def test_copies_in_the_chart_are_the_originals() -> None:
    held = {path: path.read_bytes() for path in chart.FILES.glob("*/*")}
    assert held == dict(chart.copies()), "make deploy-files copies them"


def test_the_chart_is_of_the_version_of_the_agent() -> None:
    described = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert described["appVersion"] == described["version"] == project["version"]


def test_the_readme_describes_every_value_and_no_other() -> None:
    described = re.findall(r"^\| `([A-Za-z.]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE)
    assert sorted(described) == sorted(leaves(defaults()))


def test_the_readme_states_the_defaults() -> None:
    rows = re.findall(r"^\| `([A-Za-z.]+)` \| (.+?) \|", (CHART / "README.md").read_text(), re.MULTILINE)
    for path, stated in rows:
        value = defaults()
        for name in path.split("."):
            value = value[name]
        assert yaml.safe_load(stated.strip("`")) == value, path
