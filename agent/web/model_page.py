"""The page of one model: what it is for and whose it is, what was promised and how that stands, and what nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.web.html import Html, facts, join, render, table
from agent.web.incident_page import dashboard_of
from agent.web.interval_chart import name_of
from agent.web.listing import incident_path
from agent.web.shell import badge, links, page, scroll
from agent.web.times import moment
from agent.web.watched import watched
from config.settings import Model, Settings, System
from detectors.columns import ModelKey
from detectors.names import number
from exporters.snapshot import ModelFacts, Result, Snapshot, StreamStatus, WindowResults

BODY = """<h1>{name}</h1>
{facts}
<h2 id="incidents">Incidents</h2>
{incidents}
<h2 id="versions">Versions seen</h2>
{versions}
<h2 id="objectives">Objectives</h2>
<p class="quiet">Every measure with a tolerance, in the latest window that decides; what is worst first.</p>
{objectives}
<h2 id="watched">What is watched, and what is not</h2>
{watched}"""
ORDER = {"critical": 0, "warning": 1, "insufficient_data": 2, "ok": 3}


def find_model(settings: Settings, system_id: str, model_name: str) -> tuple[System, Model] | None:
    """The declarations of a model; ``None`` where the settings do not name it."""
    for system in settings.systems:
        for model in system.models:
            if (system.id, model.name) == (system_id, model_name):
                return system, model
    return None


def model_page(snapshot: Snapshot, settings: Settings, system: System, model: Model) -> str:
    """The page, as HTML."""
    streams = [s for s in snapshot.streams if (s.key.system, s.key.model) == (system.id, model.name)]
    body = render(
        BODY,
        name=f"{system.id} / {model.name}",
        facts=facts(dict(_facts(settings, system, model))),
        incidents=_incidents(snapshot, system, model),
        versions=_versions(snapshot, system, model),
        objectives=join(_objectives(stream) for stream in streams)
        if streams
        else Html('<p class="quiet">No window has been measured yet.</p>'),
        watched=_watched(system, model, streams),
    )
    return page(f"{model.name} of {system.id} - Wachter", links({"/": "All incidents"}, "Also here"), body)


def _facts(settings: Settings, system: System, model: Model) -> Iterator[tuple[str, object]]:
    yield "Purpose", system.purpose
    yield "Owner", system.owner
    yield "Risk class (EU AI Act)", system.risk_class or "not stated"
    yield "Supplier", system.supplier or "not stated"
    classes = ", ".join(model.classes[:20])
    yield "Task", f"{model.task}: {classes}" if classes else model.task
    if settings.page.dashboard_url:
        address = dashboard_of(settings.page.dashboard_url, ModelKey(system.id, model.name, ""))
        yield "Dashboard", render('<a href="{}">{}</a>', address, "open")


def _incidents(snapshot: Snapshot, system: System, model: Model) -> Html:
    mine = [i for i in snapshot.incidents if (i.stream.system, i.stream.model) == (system.id, model.name)]
    rows = [
        (badge(i.severity, i.severity), i.state, moment(i.opened_us),
         render('<a class="wide" href="{}">{}</a>', incident_path(i.id), i.headline))
        for i in mine
    ]  # fmt: skip
    return scroll(table(("Severity", "State", "Opened", "What broke"), rows, "None."), "Incidents of this model")


def _versions(snapshot: Snapshot, system: System, model: Model) -> Html:
    rows = [
        (seen.key.version, seen.accepted, seen.failed, _last(seen), seen.reference or "none")
        for seen in snapshot.models
        if (seen.key.system, seen.key.model) == (system.id, model.name)
    ]
    heads = ("Version", "Events accepted", "Answered with an error", "Last event", "Reference")
    return scroll(table(heads, rows, "No event has come yet."), "Versions seen")


def _last(seen: ModelFacts) -> str:
    return "none yet" if seen.last_event_us is None else moment(seen.last_event_us)


def _objectives(stream: StreamStatus) -> Html:
    final = [window for window in stream.windows if not window.provisional]
    judged = [(result, window) for window in final for result in window.results if result.status is not None]
    judged.sort(
        key=lambda pair: (ORDER.get(_status(pair[0]), 4), pair[0].measurement.metric, pair[0].measurement.subject)
    )
    heads = ("Measure", "State", "Value", "Interval", "n", "Tolerance", "Window ends", "Why")
    shown = [_objective(result, window) for result, window in judged]
    return render(
        "<h3>{}</h3>{}",
        str(stream.key),
        scroll(table(heads, shown, "Nothing decides here."), f"Objectives of {stream.key}"),
    )


def _objective(result: Result, window: WindowResults) -> tuple[object, ...]:
    measured = result.measurement
    has_interval = measured.lower is not None and measured.upper is not None
    return (
        name_of(measured.metric, measured.subject),
        badge(_status(result), _status(result).replace("_", " ")),
        "" if measured.value is None else number(measured.value),
        f"{number(measured.lower or 0.0)} to {number(measured.upper or 0.0)}" if has_interval else "",
        measured.n,
        "" if result.tolerance is None else number(result.tolerance),
        moment(window.end_us) + (", partial" if window.partial else ""),
        render('<span class="short">{}</span>', _why(result)),
    )


def _why(result: Result) -> str:
    """Why there is no value, or why the verdict is what it is; of a run the verdict's, which rests on more."""
    if result.windows > 1:
        return f"{result.reason.replace('_', ' ')}, {result.windows} windows judged as one"
    return (result.measurement.reason or result.reason).replace("_", " ")


def _status(result: Result) -> str:
    return "" if result.status is None else result.status.value


def _watched(system: System, model: Model, streams: Iterable[StreamStatus]) -> Html:
    rows = [(name, badge("good" if is_on else "quiet", "yes" if is_on else "no"), why) for name, is_on, why in
            watched(model, list(streams))]  # fmt: skip
    return render('<div class="wrap">{}</div>', table(("What", "Watched", "How, or why not"), rows, ""))
