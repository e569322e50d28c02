"""What stands above a report: what it is made of, and where its numbers differ from ours, and why."""

from __future__ import annotations

from collections.abc import Iterator

from agent.clock import iso
from agent.reports.rows_of import Read
from agent.web.html import Html, join, render
from detectors.columns import StreamKey

NOTE = """<section style="font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto;
 padding: .5rem 1.25rem; color: #1c2430; background: #fff">
<h1 style="font-size: 1.3rem">{title}</h1>
<p>Evidently {version} over rows that the event log of Wachter holds. What calls people, and what an incident rests on, are
the measurements of Wachter; this report is a second opinion, and a closer look at the columns.</p>
<ul>{made_of}</ul>
<details open><summary><strong>Where its numbers differ from those of Wachter, and why</strong></summary>
<ul>{differences}</ul></details>
</section>
"""

DIFFERENCES = (
    "Reference. Wachter compares with the tables of the reference file of the settings, which hold no rows. Here "
    "rows of the log stand in for it (above), so even the same measure gives another number.",
    "Binning. Wachter counts numbers into cells that the reference fixed once, with cells of their own for missing "
    "and invalid values. Evidently bins both samples together for each report, and leaves missing values out.",
    "Measures and tests. Wachter judges the Jensen-Shannon distance of every column. Evidently chooses by kind and "
    "by the size of the reference: up to 1000 rows Kolmogorov-Smirnov, chi-square or Z tests by their p-values, "
    "above that the Wasserstein distance in standard deviations and the Jensen-Shannon distance, against a fixed "
    "threshold of 0.1.",
    "Decision. Wachter decides by an interval, corrected for what chance alone adds and for the number of "
    "measurements, and only where it lies wholly beyond the tolerance. Evidently compares the point, each column "
    "for itself: small samples drift more often here.",
    "Sample. Wachter counts every accepted event. Here at most {most} rows of each stretch are read, chosen by the "
    "hash of their ids.",
    "Labels. Wachter judges performance once the horizon has passed, and only where enough labels came. Here the "
    "rows that have a label in the log are used, whatever their share.",
    "Texts. At most 50 levels of a category are kept apart, the rest is one level; signs of markup in texts are "
    "replaced.",
)
UNREAD = {
    "absent": "the log keeps no payloads of them",
    "erased": "their payloads were erased",
    "sealed": "their payloads are sealed, and their keys are not here",
    "changed": "their payloads are not what the log commits to; run wachter log verify",
    "undecoded": "these settings cannot read their payloads",
}


def note(
    title: str, version: str, stream: StreamKey, parts: tuple[Read, Read], chosen: str, most: int, remarks: list[str]
) -> Html:
    """The text, as HTML.

    Args:
        parts: window and reference; chosen: why this reference.
        remarks: what else is to be said of this report.
    """
    window, reference = parts
    made_of = [f"Stream {stream}."]
    made_of += [*_of("Window", window), *_of("Reference", reference), chosen, *remarks]
    return render(
        NOTE,
        title=title,
        version=version,
        made_of=_list(made_of),
        differences=_list([text.replace("{most}", str(most)) for text in DIFFERENCES]),
    )


def _of(name: str, read: Read) -> Iterator[str]:
    sampled = "" if read.is_whole else ", chosen by the hash of their ids"
    yield (
        f"{name}: {iso(read.start_us)} to {iso(read.end_us)}, {len(read)} rows of {read.events} accepted events "
        f"that the log holds of the model in that time{sampled}."
    )
    for why, count in sorted(read.unread.items()):
        if count:
            yield f"{name}: {count} events are not among them: {UNREAD[why]}."


def _list(texts: list[str]) -> Html:
    return join(render("<li>{}</li>", text) for text in texts)
