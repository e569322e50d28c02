"""A dashboard: its variables, incidents as annotations, links to the others, and rows of panels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as d

from deploy.build.dashboards.panels import DATASOURCE, ORANGE, RED
from deploy.build.dashboards.scope import Scope

TAG = "wachter"
SINGLE = ("system", "model", "version")
"""Variables of which the dashboard of one model takes exactly one value."""

_SOURCES = {
    "job": "label_values(wachter_build_info, job)",
    "instance": 'label_values(wachter_build_info{job=~"$job"}, instance)',
    "system": 'label_values(wachter_system_info{job=~"$job", instance=~"$instance"}, system)',
    "model": 'label_values(wachter_model_info{job=~"$job", instance=~"$instance", system=~"$system"}, model)',
    "version": "label_values(wachter_model_info"
    '{job=~"$job", instance=~"$instance", system=~"$system", model=~"$model"}, version)',
}


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and its panels, left to right, top to bottom."""

    title: str
    panels: Sequence[Any]


def board(
    uid: str,
    title: str,
    description: str,
    scope: Scope,
    rows: Iterable[Row],
    *,
    since: str,
    variables: Iterable[Any] = (),
    single: bool = False,
    shaded: bool = True,
) -> Any:
    """A dashboard.

    Args:
        scope: its variables; each narrows those after it.
        since: begin of the time it shows first, as ``now-7d``.
        variables: further ones.
        single: whether system, model and version take one value; else they take any number.
        shaded: whether incidents are shown as annotations at first.
    """
    built = dashboard.Dashboard(title).uid(uid).description(description).tags([TAG]).editable()
    built.time(since, "now").refresh("1m").timezone("browser").tooltip(d.DashboardCursorSync.CROSSHAIR)
    built.variables([_datasource(), *(_label(name, single) for name in scope.variables), *variables])
    for severity, colour in (("warning", ORANGE), ("critical", RED)):
        built.annotation(incidents(scope, severity, colour).enable(shaded))
    built.link(_others())
    for row in rows:
        built.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            built.with_panel(panel)
    return _numbered(built.build())


def picked(name: str, label: str, query: str, *, several: bool) -> Any:
    """A variable whose values are asked of Prometheus whenever the dashboard's time changes."""
    found = dashboard.QueryVariable(name).label(label).query(query).datasource(DATASOURCE)
    found.refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(d.VariableSort.ALPHABETICAL_ASC)
    return found.multi(True).include_all(True).current(_everything()) if several else found


def incidents(scope: Scope, severity: str, colour: str) -> Any:
    """Open incidents of a severity, from when they opened to when they were resolved."""
    found = dashboard.AnnotationQuery().name(f"Incidents, {severity}").datasource(DATASOURCE)
    found.expr(f"{scope.series('wachter_incidents_open', severity=f'={severity}')} > 0").step("60s").icon_color(colour)
    return found.title_format(f"{severity}: {{{{system}}}}/{{{{model}}}} {{{{version}}}}").text_format("{{track}}")


def _datasource() -> Any:
    return dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _label(name: str, single: bool) -> Any:
    several = not (single and name in SINGLE)
    found = picked(name, name.capitalize(), _SOURCES[name], several=several)
    if name == "version":
        found.sort(d.VariableSort.ALPHABETICAL_DESC)  # a dashboard opens with the first: the newest
    return found.all_value(".*") if several else found


def _everything() -> Any:
    return d.VariableOption(text="All", value="$__all", selected=True)


def _others() -> Any:
    link = dashboard.DashboardLink("Wachter").type(d.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _numbered(built: Any) -> Any:
    for number, panel in enumerate(built.panels, 1):
        panel.id_val = number
    return built
