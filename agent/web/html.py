"""HTML without a template engine: every value is escaped and made visible unless it is HTML already."""

from __future__ import annotations

import html
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.visible import visible


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


class _Escaping(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return text if isinstance(value, Html) else html.escape(visible(text))


def render(template: str, /, *args: object, **values: object) -> Html:
    """``str.format`` that escapes, and shows as text what would turn the writing."""
    formatter: string.Formatter = _Escaping()
    return Html(formatter.vformat(template, args, values))


def join(parts: Iterable[Html], separator: str = "\n") -> Html:
    """HTML after HTML."""
    return Html(separator.join(parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> Html:
    """A table, or the sentence that says why there is none."""
    body = [join((render("<td>{}</td>", cell) for cell in row), "") for row in rows]
    if not body:
        return render("<p class=quiet>{}</p>", empty)
    head = join((render("<th>{}</th>", name) for name in heads), "")
    lines = join(render("<tr>{}</tr>", line) for line in body)
    return render("<table><thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>", head, lines)


def facts(pairs: Mapping[str, object]) -> Html:
    """A list of names and values."""
    return render(
        "<dl>\n{}\n</dl>",
        join(render("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in pairs.items()),
    )
