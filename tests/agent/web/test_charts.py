from __future__ import annotations

import re
from dataclasses import replace

from agent.web.column_chart import MOST_BARS, column_chart, most_changed
from agent.web.interval_chart import HEIGHT, interval_chart
from exporters.dossier import ColumnPicture, Judged, Trend


def window(effect: float | None, lower: float | None, upper: float | None, verdict: str = "ok") -> Judged:
    return Judged(
        "auc", "", "performance", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 10,
        effect=effect, lower=lower, upper=upper, tolerance=0.1, verdict=verdict,
    )  # fmt: skip


def heights(svg: str, kind: str) -> list[float]:
    return [float(found) for found in re.findall(rf'class="{kind}"[^>]* height="([\d.]+)"', svg)]


def test_shape_and_not_only_colour_says_what_was_decided() -> None:
    windows = (
        window(0.0, -0.1, 0.05),
        window(0.05, -0.2, 0.4, "insufficient_data"),
        window(0.3, 0.2, 0.4, "critical"),
        window(None, None, None),
    )
    svg = interval_chart(Trend("auc", "", windows))
    assert (svg.count('class="dot"'), svg.count('class="hollow"'), svg.count('class="breach dot"')) == (1, 1, 1)
    assert "Auc over 3 windows, 1 of them out of tolerance; tolerance 0.1" in svg
    assert "tolerance 0.1</text>" in svg


def test_a_window_that_was_judged_with_others_tells_what_the_effect_rests_on() -> None:
    alone, together = window(0.0, -0.1, 0.05), replace(window(0.05, -0.2, 0.4), judged_n=70)
    svg = interval_chart(Trend("auc", "", (alone, together)))
    assert (svg.count("n = 10,"), svg.count("n = 70,")) == (1, 1)


def test_an_interval_that_goes_far_is_cut_so_that_the_others_stay_readable() -> None:
    svg = interval_chart(Trend("auc", "", (window(0.1, 0.05, 0.15), window(0.1, -90.0, 90.0))))
    ends = [float(y) for y in re.findall(r'y[12]="([-\d.]+)"', svg)]
    assert all(0 <= y <= HEIGHT for y in ends)
    first = re.search(r'class="span" x1="\S+" x2="\S+" y1="([\d.]+)" y2="([\d.]+)"', svg)
    assert first is not None
    assert float(first.group(1)) - float(first.group(2)) > 20


def test_windows_that_all_stand_still_have_a_picture_too() -> None:
    assert "<circle" in interval_chart(Trend("auc", "", (window(0.0, 0.0, 0.0),)))
    assert interval_chart(Trend("auc", "", (window(None, None, None),))) == ""


def test_a_column_of_numbers_has_a_bar_per_range_and_neighbours_together_where_there_are_many() -> None:
    few = ColumnPicture("x", True, ("missing", "below 1", "1 or more"), 1, (0, 5, 5), (1, 1, 8))
    assert heights(column_chart(few), "now") == [13.8, 13.8, 110.0]
    many = ColumnPicture("x", True, tuple(f"c{n}" for n in range(130)), 2, (1,) * 130, (1,) * 130)
    assert len(heights(column_chart(many), "now")) <= MOST_BARS + 2


def test_a_column_of_levels_names_them_escaped() -> None:
    picture = ColumnPicture("p", False, ("missing", "<b>", "other", "never"), 1, (0, 9, 1, 0), (0, 1, 9, 0))
    svg = column_chart(picture)
    assert "&lt;b&gt;  10.0 %" in svg
    assert "never" not in svg  # neither now nor then


def test_what_changed_most_comes_first() -> None:
    picture = ColumnPicture("p", False, ("a", "b", "c"), 0, (5, 4, 1), (1, 4, 5))
    assert [name for name, *_ in most_changed(picture, 2)] == ["a", "c"]


def test_a_window_without_events_has_no_bars() -> None:
    assert "no events" in column_chart(ColumnPicture("x", True, ("a",), 0, (0,), (0,)))
