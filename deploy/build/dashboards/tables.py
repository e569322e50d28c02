"""Tables of several queries, joined by their labels, and cells by column and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from grafana_foundation_sdk.builders import common, statushistory, table
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models import prometheus as p

from deploy.build.dashboards.panels import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Query,
    Steps,
    colours,
    framed,
    words,
)
from deploy.build.dashboards.scope import Scope, one_of

VERDICTS = {
    "ok": ("ok", GREEN),
    "warning": ("warning", ORANGE),
    "critical": ("critical", RED),
    "insufficient_data": ("too little data", GREY),
}
HEAT: Steps = ((0.5, YELLOW), (1, ORANGE), (2, RED))
"""In tolerances: from 1 on it is a breach."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that holds the values of one query.

    Attributes:
        steps: colour its text.
        settings: further field settings by id, as ``decimals``.
        shown: whether the values are shown; else the query is there for its labels.
    """

    title: str
    expr: str
    unit: str = "short"
    steps: Steps = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    shown: bool = True


def rows(
    title: str,
    description: str,
    keys: Mapping[str, str],
    columns: Sequence[Column],
    *,
    width: int = 24,
    height: int = 8,
    widths: Mapping[str, int] = MappingProxyType({}),
    largest: str = "",
    none: str = "no data",
) -> Any:
    """A table with a row for every combination of labels.

    Args:
        keys: headings by label; other labels are not shown. ``verdict`` is coloured.
        columns: one query each; all of them keep the keys as labels.
        widths: of columns by heading, in pixels.
        largest: heading of the column whose largest value comes first.
    """
    panel = framed(table.Panel(), title, description, "short", width, height).no_value(none)
    for place, column in enumerate(columns):
        panel.with_target(Query(column.expr).now(place).format(p.PromQueryFormat.TABLE))
    titles = {f"Value #{chr(ord('A') + place)}": column.title for place, column in enumerate(columns)}
    if len(columns) == 1:
        titles["Value"] = columns[0].title
    order = {name: index for index, name in enumerate((*keys, *titles))}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": {**keys, **titles}}
    panel.with_transformation(d.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(d.DataTransformerConfig(id_val="organize", options=organize))
    panel.with_transformation(_only([*keys.values(), *(column.title for column in columns if column.shown)]))
    for column in columns:
        panel.override_by_name(column.title, _settings(column))
    for label, heading in keys.items():
        panel.override_by_name(heading, _key(label, widths.get(heading)))
    if largest:
        panel.sort_by([common.TableSortByFieldState().display_name(largest).desc(True)])
    return panel


def judged(title: str, description: str, scope: Scope, subject: str, *, width: int = 24, height: int = 8,
           **matchers: str) -> Any:  # fmt: skip
    """Judged measures as they stand: the effect with its interval beside the tolerance, and the verdict.

    Args:
        subject: heading of what a measure speaks of.
    """
    kept = "by (metric, subject)"
    names = {
        "Effect": "wachter_measure_effect",
        "from": "wachter_measure_effect_lower",
        "to": "wachter_measure_effect_upper",
        "Tolerance": "wachter_measure_tolerance",
    }
    verdict = f"max {kept[:-1]}, verdict) ({scope.series('wachter_measure_verdict', **matchers)} == 1)"
    three = {"decimals": 3, "custom.width": 80}
    columns = [Column("Verdict", verdict, shown=False)]
    columns += [
        Column(heading, f"max {kept} ({scope.series(name, **matchers)})", settings=three)
        for heading, name in names.items()
    ]
    rests = f"max {kept} ({scope.series('wachter_measure_events', **matchers)})"
    columns.append(Column("Events", rests, settings={"custom.width": 84}))
    keys = {"metric": "Measure", "subject": subject, "verdict": "Status"}
    widths = {"Measure": 260 if width >= 16 else 225, subject: 172, "Status": 110}
    return rows(title, description, keys, columns, width=width, height=height, widths=widths, largest="from")


def heat(
    title: str, description: str, scope: Scope, metrics: Sequence[str], *, width: int = 24, height: int = 10
) -> Any:
    """How far each column is from its tolerance, over time: the largest lower end of an effect, in tolerances."""
    narrowed = {"metric": one_of(*metrics), "stage": "=window", "segment": "=", "subject": "!="}
    effect = scope.series("wachter_measure_effect_lower", **narrowed)
    expr = f"max by (subject) ({effect} / {scope.series('wachter_measure_tolerance', **narrowed)})"
    panel = framed(statushistory.Panel(), title, description, "short", width, height)
    panel.with_target(Query(expr, "{{subject}}").over_time(0)).max_data_points(60).decimals(1)
    panel.thresholds(colours(HEAT)).show_value(c.VisibilityMode.NEVER).row_height(0.9).fill_opacity(85)
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST).placement(c.LegendPlacement.BOTTOM)
    return panel.legend(legend.show_legend(True).calcs([]))


def _settings(column: Column) -> list[Any]:
    found = [d.DynamicConfigValue(id_val="unit", value=column.unit)]
    found += [d.DynamicConfigValue(id_val=key, value=value) for key, value in column.settings.items()]
    if column.steps:
        found.append(d.DynamicConfigValue(id_val="thresholds", value=colours(column.steps).build()))
        found.append(d.DynamicConfigValue(id_val="custom.cellOptions", value=c.TableColorTextCellOptions()))
    return found


def _key(label: str, width: int | None) -> list[Any]:
    found = [d.DynamicConfigValue(id_val="noValue", value="-")]
    if width is not None:
        found.append(d.DynamicConfigValue(id_val="custom.width", value=width))
    if label == "verdict":
        found.append(d.DynamicConfigValue(id_val="mappings", value=words(VERDICTS)))
        found.append(d.DynamicConfigValue(id_val="custom.cellOptions", value=c.TableColorTextCellOptions()))
    return found


def _only(names: Sequence[str]) -> Any:
    return d.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(names)}})
