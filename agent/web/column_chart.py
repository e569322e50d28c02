"""A column beside its reference as inline SVG: shares of events per range or per level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from agent.web.html import Html, join, render
from exporters.dossier import ColumnPicture

WIDTH = 320
BAR_HEIGHT = 110
ROW_HEIGHT = 30
MOST_ROWS = 14
MOST_BARS = 40
MOST_CHARACTERS = 34


def column_chart(picture: ColumnPicture) -> Html:
    """A column's cells as shares: now beside the reference."""
    now, then = _shares(picture.current), _shares(picture.reference)
    label = f"{picture.column}: shares of events by {'range' if picture.numeric else 'level'}, now and in the reference"
    if picture.numeric:
        body, height = _upright(*(_merged(shares, picture.flaws) for shares in (now, then))), BAR_HEIGHT + 4
    else:
        rows = list(_rows(picture, now, then))
        body, height = join(_lying(at, *row) for at, row in enumerate(rows)), ROW_HEIGHT * len(rows) + 4
    return render('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>', WIDTH, height, label, body)


def most_changed(picture: ColumnPicture, most: int = 5) -> list[tuple[str, float, float | None]]:
    """Name, share now, share in the reference of the cells that changed most."""
    now, then = _shares(picture.current), _shares(picture.reference)
    rows = [(name, now[at], then[at] if then else None) for at, name in enumerate(picture.cells)]
    moved = [row for row in rows if row[1] != (row[2] or 0.0)]
    return sorted(moved, key=lambda row: -abs(row[1] - (row[2] or 0.0)))[:most]


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts] if total else []


def _merged(shares: Sequence[float], flaws: int) -> list[float]:
    """Neighbouring ranges together, so that bars stay wide enough to be seen; flaws stay apart."""
    ranges = shares[flaws:]
    step = max(1, math.ceil(len(ranges) / MOST_BARS))
    return [*shares[:flaws], *(sum(ranges[at : at + step]) for at in range(0, len(ranges), step))]


def _upright(now: Sequence[float], then: Sequence[float]) -> Html:
    """Bars of the reference behind, narrower bars of now before them."""
    if not now:
        return render('<text x="0" y="20">no events</text>')
    top, step = max((*now, *then)) or 1.0, WIDTH / len(now)
    bars = [_bar("then", at * step, step, share / top) for at, share in enumerate(then)]
    bars += [_bar("now", at * step + step * 0.25, step * 0.5, share / top) for at, share in enumerate(now)]
    return join(bars)


def _bar(kind: str, x: float, width: float, share: float) -> Html:
    height = share * BAR_HEIGHT
    place = (round(x, 1), round(BAR_HEIGHT - height, 1), round(max(width - 1, 1), 1), round(height, 1))
    return render('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', kind, *place)


def _rows(
    picture: ColumnPicture, now: Sequence[float], then: Sequence[float]
) -> Iterator[tuple[str, float, float | None]]:
    """The cells that hold anything, at most fourteen, the largest first."""
    rows = [(name, now[at] if now else 0.0, then[at] if then else None) for at, name in enumerate(picture.cells)]
    held = [row for row in rows if row[1] or row[2]]
    yield from sorted(held, key=lambda row: -max(row[1], row[2] or 0.0))[:MOST_ROWS]


def _lying(at: int, name: str, now: float, then: float | None) -> Html:
    y = ROW_HEIGHT * at
    return render(
        '<text x="0" y="{}">{}</text><rect class="now" x="0" y="{}" width="{}" height="7"/>'
        '<rect class="then" x="0" y="{}" width="{}" height="5"/>',
        y + 11,
        f"{name if len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1] + '…'}  {100 * now:.1f} %",
        y + 15,
        round(now * (WIDTH - 2), 1),
        y + 22,
        round((then or 0.0) * (WIDTH - 2), 1),
    )
