from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from agent.web.html import Html, join, render, table
from agent.web.scrape import Scraped, negotiate, takes_gzip
from exporters.exposition import ExpositionOptions, Format
from exporters.snapshot import Counters, Snapshot
from tests.exporters.sample import SNAPSHOT

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,*/*;q=0.8", Format.TEXT),
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OPENMETRICS-TEXT", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.9", Format.TEXT),
        ("application/openmetrics-text;q=nonsense", Format.TEXT),
        (",;,;;q=", Format.TEXT),
    ],
)
def test_a_scraper_gets_the_format_it_likes_best(accept: str, expected: Format) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_gzip_is_for_those_who_take_it(accept: str, expected: bool) -> None:
    assert takes_gzip(accept) is expected


def test_the_exposition_is_rendered_at_most_once_a_second() -> None:
    now = 0.0
    asked: list[Snapshot] = []

    def snapshot() -> Snapshot:
        asked.append(replace(SNAPSHOT, counters=Counters(received=len(asked) + 1)))
        return asked[-1]

    scraped = Scraped(snapshot, ExpositionOptions, lambda: now)
    first = scraped.body(Format.TEXT, packed=False)
    now = 0.9
    assert scraped.body(Format.TEXT, packed=False) is first
    assert gzip.decompress(scraped.body(Format.TEXT, packed=True)) == first
    assert len(asked) == 1
    now = 1.0
    assert b"wachter_events_received_total 2.0" in scraped.body(Format.TEXT, packed=False)


def test_html_escapes_every_value_that_is_not_html_already() -> None:
    assert render('<a title="{}">{}</a>', '"<', Html("<b>x</b>")) == '<a title="&quot;&lt;"><b>x</b></a>'
    assert join([render("{}", "&")] * 2, "") == "&amp;&amp;"
    assert "<td>&lt;script&gt;</td>" in table(["a"], [["<script>"]], "none")
    assert table(["a"], [], "none <yet>") == "<p class=quiet>none &lt;yet&gt;</p>"
