"""A measure over time as inline SVG: each window's interval against the tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.web.html import Html, join, render
from agent.web.times import of_record
from detectors.names import capitalised, number, spoken
from exporters.dossier import Judged, Trend

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 96, 14, 34


class _Scale(NamedTuple):
    """From values to pixels, upwards."""

    low: float
    high: float

    def y(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def name_of(metric: str, subject: str) -> str:
    """For instance ``Jensen-Shannon distance (income)``."""
    return f"{capitalised(spoken(metric))}{f' ({subject})' if subject else ''}"


def interval_chart(trend: Trend) -> Html:
    """Each window's effect with its interval, and the tolerance as a line: the verdict, to look at."""
    windows = [window for window in trend.windows if window.effect is not None]
    if not windows:
        return Html("")
    tolerance = next((w.tolerance for w in reversed(windows) if w.tolerance is not None), None)
    scale = _scale(windows, tolerance)
    step = (WIDTH - LEFT - RIGHT) / len(windows)
    marks = join(_mark(window, LEFT + step * (at + 0.5), scale) for at, window in enumerate(windows))
    return render(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{axis}{limit}{marks}{times}</svg>',
        w=WIDTH,
        h=HEIGHT,
        label=_summary(trend, windows, tolerance),
        axis=_axis(scale),
        limit=_limit(scale, tolerance),
        marks=marks,
        times=_times(windows),
    )


def _scale(windows: Sequence[Judged], tolerance: float | None) -> _Scale:
    lows = [w.lower if w.lower is not None else w.effect or 0.0 for w in windows]
    highs = [w.upper if w.upper is not None else w.effect or 0.0 for w in windows]
    points = [w.effect or 0.0 for w in windows]
    low = min(0.0, *lows, *points)
    wide = 3 * max(*points, tolerance or 0.0, 0.0)
    high = max(tolerance or 0.0, *points, min(max(highs), wide) if wide > 0 else max(highs))
    return _Scale(max(low, -high) if high > 0 else low, high * 1.08 if high > low else low + 1.0)


def _mark(window: Judged, x: float, scale: _Scale) -> Html:
    breach = " breach" if window.verdict in ("critical", "warning") else ""
    undecided = window.verdict == "insufficient_data"
    lower = window.lower if window.lower is not None else window.effect
    upper = window.upper if window.upper is not None else window.effect
    assert window.effect is not None
    assert lower is not None
    assert upper is not None
    return render(
        '<g><title>{title}</title><line class="span{breach}" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>{point}</g>',
        title=_said(window),
        breach=breach,
        x=round(x, 1),
        low=scale.y(lower),
        high=scale.y(upper),
        point=_point(x, scale.y(window.effect), breach, undecided),
    )


def _point(x: float, y: float, breach: str, undecided: bool) -> Html:
    """A diamond is out of tolerance, a ring is undecided, a dot is neither: shape says it, not only colour."""
    if breach:
        corners = f"{x:.1f},{y - 6:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 6:.1f} {x - 6:.1f},{y:.1f}"
        return render('<polygon class="breach dot" points="{}"/>', corners)
    kind = "hollow" if undecided else "dot"
    return render('<circle class="{}" cx="{}" cy="{}" r="4"/>', kind, round(x, 1), y)


def _said(window: Judged) -> str:
    verdict = f", {window.verdict.replace('_', ' ')}" if window.verdict else ""
    span = f"{number(window.lower)} to {number(window.upper)}" if None not in (window.lower, window.upper) else ""  # type: ignore[arg-type]
    n = window.n if window.judged_n is None else window.judged_n
    return f"{of_record(window.start)}: {number(window.effect or 0.0)} ({span}), n = {n}{verdict}"


def _axis(scale: _Scale) -> Html:
    values = (scale.low, (scale.low + scale.high) / 2, scale.high / 1.08)
    return join(
        render(
            '<line class="axis" x1="{}" x2="{}" y1="{y}" y2="{y}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            LEFT, WIDTH - RIGHT, LEFT - 6, scale.y(value) + 4, f"{value:.2g}", y=scale.y(value),
        )
        for value in values
    )  # fmt: skip


def _limit(scale: _Scale, tolerance: float | None) -> Html:
    if tolerance is None:
        return Html("")
    y = scale.y(tolerance)
    return render(
        '<line class="tolerance" x1="{}" x2="{}" y1="{y}" y2="{y}"/><text class="limit" x="{}" y="{}">tolerance {}</text>',
        LEFT, WIDTH - RIGHT, WIDTH - RIGHT + 6, y + 4, number(tolerance), y=y,
    )  # fmt: skip


def _times(windows: Sequence[Judged]) -> Html:
    first, last = of_record(windows[0].start), of_record(windows[-1].end)
    y = HEIGHT - 8
    return render(
        '<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>',
        LEFT, y, f"from {first}", WIDTH - RIGHT, y, f"to {last}",
    )  # fmt: skip


def _summary(trend: Trend, windows: Sequence[Judged], tolerance: float | None) -> str:
    breaches = sum(window.verdict in ("critical", "warning") for window in windows)
    limit = "" if tolerance is None else f"; tolerance {number(tolerance)}"
    return f"{name_of(trend.metric, trend.subject)} over {len(windows)} windows, {breaches} of them out of tolerance{limit}"
