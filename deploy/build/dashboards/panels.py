"""The panels we use, in our style. Sizes are those of Grafana's grid: 24 columns wide, rows of about 30 pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d

from deploy.build.dashboards.scope import Scope

DATASOURCE = d.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#9fa7b3"
PLAIN = "text"
"""Black on white or white on black, as the reader's theme is."""

EDGE = {"lineWidth": 0, "hideFrom": {"legend": True, "tooltip": False, "viz": False}}
"""An end of an interval: only the band between both is drawn."""

Steps = Iterable[tuple[float, str]]
"""Colours and the values from which on they hold; below the first one everything is green."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and how its series are called."""

    expr: str
    legend: str = ""

    def over_time(self, number: int) -> Any:
        """The target of a panel that shows how values went."""
        return _target(self, number).range()

    def now(self, number: int) -> Any:
        """The target of a panel that shows the last values, a row or a number per series."""
        return _target(self, number).instant()


def _target(query: Query, number: int) -> Any:
    built = prometheus.Dataquery().datasource(DATASOURCE).ref_id(chr(ord("A") + number)).expr(query.expr)
    return built.legend_format(query.legend) if query.legend else built


def colours(steps: Steps, below: str = GREEN) -> Any:
    """Thresholds."""
    first = d.Threshold(value=None, color=below)
    return dashboard.ThresholdsConfig().mode(d.ThresholdsMode.ABSOLUTE).steps(
        [first, *(d.Threshold(value=value, color=colour) for value, colour in steps)]
    )  # fmt: skip


def words(by_value: Mapping[str, tuple[str, str]]) -> list[Any]:
    """Words and colours in place of values."""
    results = {
        value: d.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(by_value.items())
    }
    return [d.ValueMap(options=results)]


def framed(panel: Any, title: str, description: str, unit: str, width: int, height: int) -> Any:
    """What every panel has."""
    panel.title(title).description(description).datasource(DATASOURCE).unit(unit)
    return panel.span(width).height(height)


def number(
    title: str, description: str, unit: str, query: Query, *, width: int = 4, steps: Steps = (), none: str = "none"
) -> Any:
    """One large number; ``steps`` colour it."""
    panel = framed(stat.Panel(), title, description, unit, width, 4).with_target(query.now(0)).no_value(none)
    panel.graph_mode(c.BigValueGraphMode.NONE).thresholds(colours(steps, GREEN if steps else PLAIN))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return panel.color_mode(c.BigValueColorMode.VALUE)


def graph(title: str, description: str, unit: str, *queries: Query, width: int = 12, height: int = 8) -> Any:
    """Lines over time."""
    panel = framed(timeseries.Panel(), title, description, unit, width, height)
    for place, query in enumerate(queries):
        panel.with_target(query.over_time(place))
    panel.draw_style(c.GraphDrawStyle.LINE).line_width(1).fill_opacity(8).show_points(c.VisibilityMode.NEVER)
    panel.color_scheme(dashboard.FieldColor().mode(d.FieldColorModeId.PALETTE_CLASSIC))
    panel.legend(_legend()).tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI))
    return panel


def steps_of_windows(panel: Any) -> Any:
    """For values that change when a window closes: they hold until the next one does."""
    return panel.line_interpolation(c.LineInterpolation.STEP_AFTER).line_width(2)


def limit(panel: Any, at: float, colour: str = RED) -> Any:
    """Draw a dashed line at a value, and keep it in view."""
    panel.thresholds(colours([(at, colour)])).axis_soft_max(at * 1.1)
    return panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(c.GraphThresholdsStyleMode.DASHED))


def from_zero(panel: Any) -> Any:
    """Let the axis begin at 0."""
    return panel.axis_soft_min(0)


def stacked(panel: Any) -> Any:
    """Lay the series on one another."""
    return panel.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL)).fill_opacity(40).axis_soft_min(0)


def with_interval(
    title: str,
    description: str,
    unit: str,
    scope: Scope,
    matchers: Mapping[str, str],
    *,
    width: int,
    height: int = 8,
    reference: bool = True,
) -> Any:
    """A measure with its interval as a band, and the value it has on the reference, where it has one there."""
    names = {"upper": "wachter_measure_upper", "lower": "wachter_measure_lower", "value": "wachter_measure_value"}
    queries = [Query(scope.series(name, **matchers), legend) for legend, name in names.items()]
    if reference:
        queries.append(Query(scope.series("wachter_measure_baseline", **matchers), "reference"))
    panel = steps_of_windows(graph(title, description, unit, *queries, width=width, height=height)).fill_opacity(0)
    painted(panel, "upper", BLUE, {**EDGE, "fillBelowTo": "lower", "fillOpacity": 25})
    painted(panel, "lower", BLUE, EDGE)
    painted(panel, "value", BLUE)
    return painted(panel, "reference", PLAIN, {"lineWidth": 1, "lineStyle": {"fill": "dash", "dash": [6, 6]}})


def states(title: str, description: str, query: Query, mappings: Mapping[str, tuple[str, str]], *, width: int = 24,
           height: int = 7) -> Any:  # fmt: skip
    """Bars that say in words and colours which state something was in, and how long."""
    panel = framed(statetimeline.Panel(), title, description, "none", width, height).with_target(query.over_time(0))
    panel.mappings(words(mappings)).show_value(c.VisibilityMode.NEVER).row_height(0.8).fill_opacity(80)
    panel.color_scheme(dashboard.FieldColor().mode(d.FieldColorModeId.THRESHOLDS))
    return panel.legend(_legend())


def painted(panel: Any, name: str, colour: str, custom: Mapping[str, object] = MappingProxyType({})) -> Any:
    """Give one series its colour, and further settings of how it is drawn."""
    properties = [d.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})]
    properties += [d.DynamicConfigValue(id_val=f"custom.{key}", value=value) for key, value in custom.items()]
    return panel.override_by_name(name, properties)


def _legend() -> Any:
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST).placement(c.LegendPlacement.BOTTOM)
    return legend.show_legend(True).calcs([])
