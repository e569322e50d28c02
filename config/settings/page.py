"""``page``: what the pages for people show beyond measurements."""

from __future__ import annotations

from pydantic import Field

from config.section import Names, Section, Url


class PageSettings(Section):
    """The responders' page."""

    examples: int = Field(default=3, ge=0, le=20)
    """Example events shown with an incident, read back from the event log; 0 shows none."""
    reveal: Names = ()
    """Fields of events, and columns whose levels are categories, that are shown as they are; the others are masked."""
    runbook_url: Url | None = None
    """Where your runbooks are; `{alert}` becomes the name of the alert, in lower case, as headings are linked to."""
    dashboard_url: Url | None = None
    """A dashboard to link to; `{system}`, `{model}` and `{version}` are filled in."""
