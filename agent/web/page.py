"""The landing page: whether the agent is well, what is wrong with whose model, and where the rest is."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.web.html import Html, facts, join, render, table
from detectors.measurement import Stage, Status
from exporters.snapshot import IncidentView, Snapshot, StreamStatus, WindowResults

LINKS = (
    ("/metrics", "Metrics"),
    ("/api/v1/incidents", "Open incidents"),
    ("/api/v1/incidents?state=all", "All incidents"),
    ("/-/healthy", "Live"),
    ("/-/ready", "Ready"),
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Wachter</title>
<style>{style}</style>
</head>
<body>
<header><h1>Wachter</h1><p class="state {mood}">{state}</p><nav>{links}</nav></header>
<main>
<section><h2>Open incidents</h2>
{incidents}
</section>
<section><h2>Models</h2>
{models}
</section>
<section><h2>Agent</h2>
{agent}
</section>
</main>
</body>
</html>
"""

STYLE = Html("""
:root { --ink: #1c2430; --quiet: #5c6875; --line: #d9dfe6; --ground: #fbfcfd; --good: #1a7f4b; --bad: #b3261e;
  --warn: #9a5b00; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --quiet: #98a3b0; --line: #323b46; --ground: #14181d;
  --good: #57c98a; --bad: #ff8a80; --warn: #f2b457; --link: #7db8f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem; color: var(--ink); background: var(--ground);
  font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
nav { margin-left: auto; display: flex; flex-wrap: wrap; gap: 1rem; padding-bottom: .75rem; }
a { color: var(--link); } a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.state { margin: 0; } .good { color: var(--good); } .bad, .critical { color: var(--bad); } .warning { color: var(--warn); }
.quiet, dt { color: var(--quiet); }
article { border: 1px solid var(--line); border-left: .3rem solid currentColor; border-radius: .3rem; padding: .75rem 1rem;
  margin: .75rem 0; } article > * { color: var(--ink); } article h3 { font-size: 1rem; margin: 0; }
article ul { margin: .5rem 0 0; padding-left: 1.2rem; } article p { margin: .25rem 0 0; color: var(--quiet); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { white-space: nowrap; } th { color: var(--quiet); font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .5rem 1.5rem; margin: 0; }
dd { margin: 0; overflow-wrap: anywhere; }
""")


def landing_page(snapshot: Snapshot, not_live: str) -> str:
    """The page, as HTML."""
    why_not = not_live or snapshot.not_ready
    return render(
        PAGE,
        style=STYLE,
        mood="bad" if why_not else "good",
        state=why_not or "ready",
        links=join((render('<a href="{}">{}</a>', path, name) for path, name in LINKS), " "),
        incidents=_incidents(snapshot),
        models=_models(snapshot),
        agent=_agent(snapshot),
    )


def moment(at_us: int) -> str:
    """For instance ``2026-11-23 20:00 UTC``."""
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"


def _incidents(snapshot: Snapshot) -> Html:
    shown = [_incident(incident) for incident in snapshot.incidents if incident.state != "resolved"]
    return join(shown) if shown else render("<p class=quiet>None.</p>")


def _incident(incident: IncidentView) -> Html:
    acknowledged = f", acknowledged by {incident.acknowledged_by}" if incident.acknowledged_by else ""
    return render(
        '<article class="{severity}"><h3><a href="/api/v1/incidents/{id}">{headline}</a></h3>\n'
        "<p>{severity}, {track} of {stream}, open since {opened}{acknowledged}</p>\n{explanation}</article>",
        severity=incident.severity,
        id=incident.id,
        headline=incident.headline,
        track=incident.track.value,
        stream=incident.stream,
        opened=moment(incident.opened_us),
        acknowledged=acknowledged,
        explanation=_bullets(incident.explanation[:10]),
    )


def _bullets(lines: tuple[str, ...]) -> Html:
    return render("<ul>{}</ul>", join(render("<li>{}</li>", line) for line in lines)) if lines else Html("")


def _models(snapshot: Snapshot) -> Html:
    rows = [_stream_row(stream) for stream in snapshot.streams]
    heads = ("Stream", "Latest window ends", "Verdicts", "Labelled window ends", "Verdicts with labels")
    return render('<div class="scroll">{}</div>', table(heads, rows, "No window has been measured yet."))


def _stream_row(stream: StreamStatus) -> tuple[object, ...]:
    cells: list[object] = [str(stream.key)]
    for stage in Stage:
        final = [w for w in stream.windows if w.stage is stage and not w.provisional]
        cells += [moment(final[-1].end_us), _verdicts(final[-1])] if final else ["none yet", ""]
    return tuple(cells)


def _verdicts(window: WindowResults) -> str:
    """For instance ``1 warning, 19 ok``; what is worst comes first."""
    found = [result.status for result in window.results]
    order = (Status.CRITICAL, Status.WARNING, Status.INSUFFICIENT_DATA, Status.OK)
    counts = [f"{found.count(status)} {status.value.replace('_', ' ')}" for status in order if status in found]
    return ", ".join(counts) + (" (partial window)" if window.partial else "")


def _agent(snapshot: Snapshot) -> Html:
    counters = snapshot.counters
    source = snapshot.source
    return facts(
        {
            "Version": snapshot.build.version,
            "Running since": moment(snapshot.started_us),
            "Source": f"{source.state}: {source.message}" if source.message else source.state,
            "Partitions": len(source.partitions),
            "Lag, records": sum(partition.lag_records or 0 for partition in source.partitions),
            "Received": counters.received,
            "Accepted": counters.accepted,
            "Rejected": sum(counters.rejected.values()),
            "Duplicate": counters.duplicates,
            "Late": counters.late,
            "Waiting to be told": sum(receiver.waiting for receiver in snapshot.receivers),
            "State on disk, bytes": sum(snapshot.state_bytes.values()),
        }
    )
