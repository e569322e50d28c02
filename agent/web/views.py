"""What the server may ask the agent: a snapshot, and some questions. All callables are safe to call from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.reports.of_incidents import IncidentReports
from agent.state.acts import ActKind, Settled
from config.settings import Settings
from exporters.dossier import Dossier
from exporters.snapshot import Reload, Snapshot

Act = Callable[[ActKind, str, str, str, int | None], Settled | None]
"""(kind, incident id, actor, comment, end of a silence or ``None``) -> what became of it; ``None`` while the loop has not
answered."""


@dataclass(frozen=True, slots=True)
class Views:
    """The agent, as the server sees it.

    Attributes:
        snapshot: the latest; never ``None``, an agent that starts shows one that says so.
        not_live: why the loop does not tick; empty while it does.
        reload: reads the settings again and says how it went.
        find_incident: the whole record of an incident as the state has it now; ``None`` where there is none.
        dossier: what is known about an incident beyond its record, for somebody of this name; reads disks.
        settings: those in effect.
        act: see ``Act``.
        reports: starts reports about incidents and knows them; ``None`` where there are none.
    """

    snapshot: Callable[[], Snapshot]
    not_live: Callable[[], str]
    reload: Callable[[], Reload]
    find_incident: Callable[[str], Mapping[str, object] | None]
    act: Act
    dossier: Callable[[Mapping[str, object], str], Dossier]
    settings: Callable[[], Settings]
    reports: IncidentReports | None = None
