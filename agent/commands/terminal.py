"""The terminal: text of events and of people may hold what steers one, and is shown as text."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agent.visible import visible


class Console(RichConsole):
    """Rich's, whose own colours come through and those of the text do not."""

    def render_str(self, text: str, **how: Any) -> Text:
        """As Rich does it; made visible before it is measured, so that tables keep their shape."""
        return super().render_str(visible(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does it; ``Text`` objects too are made visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def visible_values(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: every text of a line made visible."""
    for name, value in event.items():
        event[name] = visible(value) if isinstance(value, str) else value
    return event
