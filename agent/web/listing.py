"""The first page: open incidents by severity and age, the last 24 hours, the models, and whether the agent is well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from agent.web.agent_facts import agent_facts
from agent.web.blocks import LOUDNESS, event_time_us, last_hours
from agent.web.html import Html, join, render, table
from agent.web.shell import badge, links, page, scroll
from agent.web.times import lasting, moment
from detectors.columns import ModelKey
from detectors.measurement import Stage, Status, Track
from exporters.snapshot import IncidentView, Snapshot, StreamStatus, WindowResults

STATES = ("open", "resolved", "all")
LINKS = {
    "/metrics": "Metrics",
    "/api/v1/incidents?state=all": "Incidents as JSON",
    "/-/healthy": "Live",
    "/-/ready": "Ready",
}

BODY = """<h1>Incidents</h1>
{state}
{refused}
{filters}
<p role="status">{count}</p>
{incidents}
<h2 id="hours">Last 24 hours</h2>
<p class="quiet">One block an hour of event time; coloured where an incident was open.</p>
{hours}
<h2 id="models">Models</h2>
{models}
<h2 id="agent">Agent</h2>
{agent}"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; an empty text asks for all."""

    state: str = "open"
    severity: str = ""
    track: str = ""
    system: str = ""
    model: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """The filters of an address; what it does not know it does not filter by."""
        state = query.get("state", "open")
        names = ("severity", "track", "system", "model")
        return cls(state if state in STATES else "open", *(query.get(name, "")[:200] for name in names))

    def take(self, incidents: Iterable[IncidentView]) -> list[IncidentView]:
        """Those asked for: open before resolved, loud before quiet, and what has been open longest first."""
        chosen = [incident for incident in incidents if self._wants(incident)]
        return sorted(chosen, key=lambda one: (one.state == "resolved", _rank(one.severity), one.opened_us, one.id))

    def _wants(self, incident: IncidentView) -> bool:
        asked = (
            (self.severity, incident.severity),
            (self.track, incident.track.value),
            (self.system, incident.stream.system),
            (self.model, incident.stream.model),
        )
        return self.state in ("all", incident.state) and all(wanted in ("", found) for wanted, found in asked)


def listing(snapshot: Snapshot, not_live: str, filters: Filters) -> str:
    """The page, as HTML."""
    chosen = filters.take(snapshot.incidents)
    body = render(
        BODY,
        state=_state(not_live or snapshot.not_ready),
        refused=join(_refused_files(snapshot)),
        filters=_form(snapshot, filters),
        count=f"{len(chosen)} {'incident' if len(chosen) == 1 else 'incidents'} shown.",
        incidents=_cards(snapshot, chosen),
        hours=last_hours(snapshot),
        models=_models(snapshot),
        agent=agent_facts(snapshot),
    )
    return page("Incidents - Wachter", links(LINKS, "Also here"), body)


def model_path(key: ModelKey) -> str:
    """Where the page of a model is."""
    return f"/models/{quote(key.system, safe='')}/{quote(key.model, safe='')}"


def incident_path(incident_id: str) -> str:
    """Where the page of an incident is."""
    return f"/incidents/{quote(incident_id, safe='')}"


def _rank(severity: str) -> int:
    return LOUDNESS.index(severity) if severity in LOUDNESS else len(LOUDNESS)


def _state(why_not: str) -> Html:
    if not why_not:
        return Html('<p class="good">The agent is ready.</p>')
    return render('<p class="note bad" role="alert"><strong>The agent is not ready: {}</strong></p>', why_not)


def _refused_files(snapshot: Snapshot) -> Iterable[Html]:
    """What is in force is not what stands in these files, and the next start would fail."""
    reload = snapshot.reload
    if reload is not None and not reload.successful:
        yield _refused("The settings", reload.message)
    if snapshot.web_config_trouble:
        yield _refused("The web config", snapshot.web_config_trouble)


def _refused(what: str, why: str) -> Html:
    text = (
        '<p class="note warning" role="alert">{} could not be read again; what was read before stays in force: {}</p>'
    )
    return render(text, what, why)


def _form(snapshot: Snapshot, filters: Filters) -> Html:
    streams = [incident.stream for incident in snapshot.incidents] + [stream.key for stream in snapshot.streams]
    selects = (
        _select("state", "State", STATES, filters.state, ""),
        _select("severity", "Severity", LOUDNESS, filters.severity, "any"),
        _select("track", "Track", [track.value for track in Track], filters.track, "any"),
        _select("system", "System", sorted({key.system for key in streams}), filters.system, "any"),
        _select("model", "Model", sorted({key.model for key in streams}), filters.model, "any"),
    )
    return render(
        '<form method="get" action="/"><div class="fields">{}<button>Show</button></div></form>', join(selects)
    )


def _select(name: str, label: str, values: Iterable[str], chosen: str, anything: str) -> Html:
    choices = [("", anything)] if anything else []
    choices += [(value, value) for value in values]
    options = join(
        (
            render('<option value="{}"{}>{}</option>', value, Html(" selected" if value == chosen else ""), text)
            for value, text in choices
        ),
        "",
    )
    return render(
        '<div><label for="{n}">{}</label><select id="{n}" name="{n}">{}</select></div>', label, options, n=name
    )


def _cards(snapshot: Snapshot, chosen: Iterable[IncidentView]) -> Html:
    cards = [_card(snapshot, incident) for incident in chosen]
    return render('<ol class="cards">{}</ol>', join(cards)) if cards else Html("<p class=quiet>None.</p>")


def _card(snapshot: Snapshot, incident: IncidentView) -> Html:
    return render(
        '<li class="{severity}">{badge} <span class="meta">{age}</span>\n'
        '<p class="headline"><a href="{path}">{headline}</a></p>\n<p class="meta">{more}</p></li>',
        severity=incident.severity,
        badge=badge(incident.severity, incident.severity),
        age=_age(snapshot, incident),
        path=incident_path(incident.id),
        headline=incident.headline,
        more=", ".join(_more(snapshot, incident)),
    )


def _age(snapshot: Snapshot, incident: IncidentView) -> str:
    if incident.resolved_us is not None:
        return f"resolved {moment(incident.resolved_us)}, open for {lasting(incident.resolved_us - incident.opened_us)}"
    now_us = event_time_us(snapshot, incident.stream.system)
    return f"open for {lasting(max(0, now_us - incident.opened_us))}, since {moment(incident.opened_us)}"


def _more(snapshot: Snapshot, incident: IncidentView) -> Iterable[str]:
    yield f"{incident.track.value} of {incident.stream}"
    if incident.acknowledged_by:
        yield f"acknowledged by {incident.acknowledged_by}"
    elif incident.state == "open":
        yield "nobody has acknowledged it"
    if incident.silenced_until_us is not None and incident.silenced_until_us > snapshot.at_us:
        yield f"silenced until {moment(incident.silenced_until_us)}"


def _models(snapshot: Snapshot) -> Html:
    rows = [_stream_row(stream) for stream in snapshot.streams]
    heads = ("Stream", "Latest window ends", "Verdicts", "Labelled window ends", "Verdicts with labels")
    return scroll(table(heads, rows, "No window has been measured yet."), "Latest windows by stream")


def _stream_row(stream: StreamStatus) -> tuple[object, ...]:
    path = model_path(ModelKey(*stream.key[:3]))
    cells: list[object] = [render('<a href="{}">{}</a>', path, str(stream.key))]
    for stage in Stage:
        final = [w for w in stream.windows if w.stage is stage and not w.provisional]
        cells += [moment(final[-1].end_us), verdicts(final[-1])] if final else ["none yet", ""]
    return tuple(cells)


def verdicts(window: WindowResults) -> str:
    """For instance ``1 warning, 19 ok``; what is worst comes first."""
    found = [result.status for result in window.results]
    order = (Status.CRITICAL, Status.WARNING, Status.INSUFFICIENT_DATA, Status.OK)
    counts = [f"{found.count(status)} {status.value.replace('_', ' ')}" for status in order if status in found]
    return ", ".join(counts) + (" (partial window)" if window.partial else "")
