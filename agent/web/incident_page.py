"""The page of one incident: what broke, since when, for whom, how sure, what it means; what moved with it; what to do.

It reads top to bottom as a responder asks. Everything comes from the incident's record and its dossier; what cannot be shown
is said, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from agent.clock import time_us
from agent.web.act_form import ActForm, act_form
from agent.web.html import Html, facts, join, render, table
from agent.web.incident_parts import columns_part, examples_part, quality_part, timeline_part
from agent.web.interval_chart import interval_chart, name_of
from agent.web.listing import model_path
from agent.web.report_pages import NONE
from agent.web.shell import badge, links, long_list, page, scroll, scroll_from_end
from agent.web.times import lasting, of_record
from config.settings import Settings
from detectors.columns import ModelKey
from detectors.measurement import Track
from detectors.names import number
from exporters.dossier import Dossier, Trend
from exporters.meaning import TRACKS, meaning
from exporters.notice import ALERT_NAMES

Record = Mapping[str, Any]

MOST_FINDINGS = 8
SECTIONS = {
    "#sure": "How sure",
    "#meaning": "What it means",
    "#act": "Act",
    "#moved": "What moved",
    "#quality": "Data quality",
    "#examples": "Examples",
    "#report": "Report",
    "#timeline": "Timeline",
}

BODY = """<p>{badges}</p>
<h1>{headline}</h1>
{told}
{facts}
{sections}
<h2 id="sure">How sure are we</h2>
{sure}
<h2 id="meaning">What it means, and what to do first</h2>
{meaning}
<h2 id="act">Act on it</h2>
{act}
<h2 id="moved">What moved with it</h2>
{moved}
<h2 id="quality">Data quality beside it</h2>
{quality}
<h2 id="examples">Example events</h2>
{examples}
<h2 id="report">Report</h2>
{report}
<h2 id="timeline">Timeline</h2>
{timeline}"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of one incident is made of.

    Attributes:
        now_us: the agent's clock; watermark_us: how far event time has come.
        told: what became of the act that led here; empty otherwise.
        report: see ``report_part``.
    """

    record: Record
    dossier: Dossier
    settings: Settings
    now_us: int
    watermark_us: int
    form: ActForm
    told: Html
    report: Html = NONE


def incident_page(shown: Shown) -> str:
    """The page, as HTML."""
    record, dossier = shown.record, shown.dossier
    missing = dict(dossier.missing)
    body = render(
        BODY,
        badges=join((badge(record["severity"], record["severity"]), badge("quiet", record["state"])), " "),
        headline=record["headline"],
        told=shown.told,
        facts=facts(dict(_facts(shown))),
        sections=links(SECTIONS, "On this page"),
        sure=_sure(record, dossier, missing),
        meaning=_meaning(shown),
        moved=columns_part(record, dossier.pictures),
        quality=quality_part(dossier.quality, missing),
        examples=examples_part(dossier.examples, shown.settings.page.examples, missing),
        report=shown.report,
        timeline=timeline_part(record, dossier.entries, missing),
        act=act_form(record, shown.form),
    )
    trail = links({"/": "All incidents", f"/api/v1/incidents/{record['id']}": "As JSON"}, "Also here")
    return page(f"{record['headline'][:80]} - Wachter", trail, body)


def key_of(record: Record) -> ModelKey:
    """The model version that an incident is about."""
    stream = record["stream"]
    return ModelKey(stream["system"], stream["model"], stream["version"])


def _facts(shown: Shown) -> Iterator[tuple[str, object]]:
    record = shown.record
    stream, key = record["stream"], key_of(record)
    ended_us = shown.watermark_us if record["resolved_at"] is None else time_us(record["resolved_at"])
    yield "Since (event time)", f"{of_record(record['first_breach_start'])}, opened {of_record(record['opened_at'])}"
    yield "Open for", lasting(max(0, ended_us - time_us(record["opened_at"])))
    yield "For whom", _for_whom(record)
    if record["track"] != Track.AGENT.value:
        yield "Model", render('<a href="{}">{} / {}</a>, version {}', model_path(key), *key[:2], key.version)
    owner = next((system.owner for system in shown.settings.systems if system.id == stream["system"]), "")
    if owner:
        yield "Owner", owner
    acknowledged, silenced = record["acknowledged"], record.get("silenced")
    yield "Acknowledged", f"by {acknowledged['actor']}" if acknowledged else "by nobody yet"
    if silenced and time_us(silenced["until"]) > shown.now_us:
        yield "Silenced", f"until {of_record(silenced['until'])} by {silenced['actor']}"
    yield "Identity", record["id"]


def _for_whom(record: Record) -> str:
    """The slice, and the groups that the leading findings of bias name."""
    segment = record["stream"]["segment"]
    who = f"events of segment {segment}" if segment else "all events of this version"
    if record["stream"]["version"] == "*":
        who = "all versions together"
    for finding in record["findings"]:
        if finding["family"] == "bias" and finding["worst"]["detail"]:
            groups = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in finding["worst"]["detail"].items())
            return f"{who}; {finding['subject']}: {groups}"
    return who


def _sure(record: Record, dossier: Dossier, missing: Mapping[str, str]) -> Html:
    sentences = [render("<li>{}</li>", line) for line in record["explanation"][: len(record["findings"])]]
    pictures = join(_trend(trend) for trend in dossier.trends)
    why_not = missing.get("trends", "its measurements are not kept any more, or there never were any")
    gone = Html("") if dossier.trends else render('<p class="quiet">No picture: {}.</p>', why_not)
    return render(
        "<p>The interval decides, not the point: a window is out of tolerance only when its whole interval lies beyond "
        "it.</p>{}{}{}",
        long_list("ul", "", sentences, MOST_FINDINGS),
        pictures,
        gone,
    )


def _trend(trend: Trend) -> Html:
    name = name_of(trend.metric, trend.subject)
    rows = [
        (of_record(w.start), _number(w.value), _span(w.value_lower, w.value_upper), w.n, _number(w.effect),
         _span(w.lower, w.upper), (w.verdict or "informs").replace("_", " "), w.reason.replace("_", " "))
        for w in reversed(trend.windows)
    ]  # fmt: skip
    heads = ("Window from", "Value", "Interval", "n", "Effect", "Interval", "Verdict", "Reason")
    return render(
        "<figure><figcaption>{}: effect per window, larger is worse</figcaption>{}"
        '<p class="quiet">Line: the interval. Diamond: out of tolerance. Ring: undecided. Dot: in tolerance.</p>'
        "<details><summary>The same as numbers</summary>{}</details></figure>",
        name,
        scroll_from_end(interval_chart(trend), f"{name} over time"),
        scroll(table(heads, rows, "None."), f"{name} as numbers"),
    )


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _span(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else f"{number(lower)} to {number(upper)}"


def _meaning(shown: Shown) -> Html:
    record = shown.record
    family = record["findings"][0]["family"] if record["findings"] else ""
    told = meaning(family)
    steps = join(render("<li>{}</li>", step) for step in told.first)
    links_ = join((render("<li>{}</li>", link) for link in _elsewhere(shown)), "")
    return render(
        "<p>{}</p><p>{}</p><ol>{}</ol><ul class=inline>{}</ul>",
        told.means, TRACKS[Track(record["track"])], steps, links_,
    )  # fmt: skip


def _elsewhere(shown: Shown) -> Iterator[Html]:
    """The runbook and the dashboard, where the settings say where they are."""
    alert, settings = ALERT_NAMES[Track(shown.record["track"])], shown.settings.page
    if settings.runbook_url:
        yield render('<a href="{}">Runbook</a>', settings.runbook_url.replace("{alert}", alert.lower()))
    else:
        yield render("Runbook: {} in docs/runbooks.md", alert)
    if settings.dashboard_url:
        yield render('<a href="{}">Dashboard</a>', dashboard_of(settings.dashboard_url, key_of(shown.record)))


def dashboard_of(url: str, key: ModelKey) -> str:
    """The address of a model's dashboard."""
    for name, value in key._asdict().items():
        url = url.replace(f"{{{name}}}", quote(value, safe=""))
    return url


def outcome_note(text: str, good: bool) -> Html:
    """What became of an act."""
    return render('<p class="note {}" role="status"><strong>{}</strong></p>', "good" if good else "bad", text)
