"""The lower half of an incident's page: columns, data quality, example events, timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.clock import time_us
from agent.web.column_chart import column_chart, most_changed
from agent.web.html import Html, join, render, table
from agent.web.interval_chart import name_of
from agent.web.shell import long_list, scroll
from agent.web.times import moment, of_record
from detectors.incident import REASONS
from detectors.names import number
from exporters.dossier import ColumnPicture, Example, Judged, LogEntry, Pictures

Record = Mapping[str, Any]
MOST_LINES = 20


def columns_part(record: Record, pictures: Pictures | None) -> Html:
    """What moved, in words, and each column beside its reference."""
    said = record["explanation"][len(record["findings"]) :]
    words = render("<ul>{}</ul>", join(render("<li>{}</li>", line) for line in said)) if said else Html("")
    if pictures is None or not pictures.columns:
        return render('{}<p class="quiet">No picture of the columns was kept.</p>', words)
    return render(
        '{}<p class="quiet"><span class="key now"></span>window from {} to {} <span class="key then"></span>reference. '
        'Columns that are named above come first, then those that changed most.</p><div class="columns">{}</div>',
        words,
        moment(pictures.window_start_us),
        moment(pictures.window_end_us),
        join(_column(picture) for picture in pictures.columns),
    )


def _column(picture: ColumnPicture) -> Html:
    changed = most_changed(picture)
    rows = [(name, _share(now), "" if then is None else _share(then)) for name, now, then in changed]
    ends = f"from {picture.cells[picture.flaws]} to {picture.cells[-1]}" if picture.numeric else "most frequent first"
    return render(
        '<figure><figcaption>{}</figcaption>{}<p class="quiet">{}</p>'
        '<details class="wrap"><summary>What changed most</summary>{}</details></figure>',
        picture.column,
        column_chart(picture),
        ends,
        table(("Cell", "Now", "Reference"), rows, "Nothing."),
    )


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def quality_part(quality: Sequence[Judged], missing: Mapping[str, str]) -> Html:
    """What was measured about the data in the same window, what is worst first."""
    if not quality:
        why = missing.get("quality", "nothing was measured about the data of this window, or it is not kept any more")
        return render('<p class="quiet">None: {}.</p>', why)
    order = {"critical": 0, "warning": 1, "insufficient_data": 2, "ok": 3}
    ranked = sorted(quality, key=lambda one: (order.get(one.verdict, 4), -(one.effect or 0.0), one.metric, one.subject))
    judged = sum(bool(one.verdict) for one in ranked)
    bad = sum(one.verdict in ("critical", "warning") for one in ranked)
    rows = [
        (name_of(one.metric, one.subject), "" if one.value is None else number(one.value), one.n,
         "" if one.tolerance is None else number(one.tolerance), (one.verdict or "informs").replace("_", " "))
        for one in ranked
    ]  # fmt: skip
    shown = table(("Measure", "Value", "n", "Tolerance", "Verdict"), rows[: max(bad, 8)], "None.")
    rest = rows[max(bad, 8) :]
    more = (
        render(
            "<details><summary>{} more</summary>{}</details>",
            len(rest),
            scroll(table(("Measure", "Value", "n", "Tolerance", "Verdict"), rest, ""), "More about the data"),
        )
        if rest
        else Html("")
    )
    return render(
        "<p>{} of {} judged measures of the same window are out of tolerance.</p>{}{}",
        bad, judged, scroll(shown, "Data quality"), more,
    )  # fmt: skip


def examples_part(examples: Iterable[Example], most: int, missing: Mapping[str, str]) -> Html:
    """Events of the window, as the log has them."""
    shown = [_example(example) for example in examples]
    if not shown:
        why = missing.get("examples") or (
            "the settings show none" if most == 0 else "the log holds none of this window"
        )
        return render('<p class="quiet">None: {}.</p>', why)
    return render(
        '<p class="quiet">Accepted events of the latest window, read back from the event log. Values are masked, but for '
        "fields that the settings reveal (<code>page.reveal</code>).</p>{}",
        join(shown),
    )


def _example(example: Example) -> Html:
    topic, partition, offset = example.source
    body = (
        scroll(table(("Field", "Value"), example.fields, "No fields."), f"Fields of {example.event_id}")
        if not example.unreadable
        else render('<p class="quiet">{}.</p>', example.unreadable)
    )
    return render(
        "<details><summary>{} at {}{}</summary><p>{}, partition {}, offset {}; log entry <code>{}</code>; "
        "<code>wachter log show {}</code>{}</p>{}</details>",
        example.event_id,
        moment(example.at_us),
        f", answer {example.output}" if example.output is not None else "",
        topic,
        partition,
        offset,
        example.where,
        example.event_id,
        "; outside its declared range" if example.envelope == "outside" else "",
        body,
    )


def timeline_part(record: Record, entries: Sequence[LogEntry], missing: Mapping[str, str]) -> Html:
    """What happened, newest first, with who did it and where the log has it."""
    numbers = _log_numbers(record["timeline"], entries)
    items = [_entry(entry, where) for entry, where in zip(record["timeline"], numbers, strict=True)]
    omitted = record["timeline_omitted"]
    note = (
        render("<p class=quiet>{} entries in between are left out here; the log has them.</p>", omitted)
        if omitted
        else ""
    )
    why = missing.get("entries", "")
    unlogged = render('<p class="quiet">No log entries: {}.</p>', why) if why else ""
    return render(
        '<p class="quiet">Times are event time; acts are stamped with the watermark.</p>{}{}{}',
        note,
        unlogged,
        long_list("ol", "timeline", items[::-1], MOST_LINES),
    )


def _log_numbers(timeline: Sequence[Mapping[str, Any]], entries: Sequence[LogEntry]) -> list[str]:
    """The entry of each line of the timeline: the next one of its kind and time; empty where the log has none."""
    waiting = [entry for entry in entries if not entry.kind.startswith("act ")]
    numbers = []
    for line in timeline:
        at_us = time_us(line["at"])
        found = next((entry for entry in waiting if (entry.kind, entry.at_us) == (line["kind"], at_us)), None)
        if found is not None:
            waiting.remove(found)
        numbers.append(found.where if found else "")
    return numbers


def _entry(entry: Mapping[str, Any], where: str) -> Html:
    who = f" by {entry['actor']}" if entry["actor"] else ""
    until = f", until {of_record(entry['until'])}" if entry.get("until") else ""
    what = f": {', '.join(entry['findings'])}" if entry["findings"] else ""
    return render(
        "<li><strong>{}{}</strong>{}{} <span class=quiet>{}; {}{}</span>{}</li>",
        entry["kind"],
        who,
        until,
        what,
        of_record(entry["at"]),
        REASONS.get(entry["reason"], entry["reason"]),
        f"; log entry {where}" if where else "",
        render("<p>{}</p>", entry["text"]) if entry["text"] else "",
    )
