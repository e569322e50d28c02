"""Reloading the settings: thresholds, severities, receivers and secrets, never what fixes the tables."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from agent.clock import Clock
from agent.flow.contexts import Contexts
from agent.web.in_force import read_web
from config.errors import SettingsError
from config.settings import Settings, load
from exporters.snapshot import Reload

ANSWER_SECONDS = 10.0
RESTART_NEEDED = ("source", "listen", "state", "log", "limits", "mappings")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload brought; ``settings`` and ``contexts`` are None where the old ones stay."""

    report: Reload
    settings: Settings | None = None
    contexts: Contexts | None = None


class Reloader:
    """``request`` may be called from any thread, ``take`` and ``answer`` belong to the loop's."""

    def __init__(self, path: Path, settings: Settings, contexts: Contexts, clock: Clock) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock
        self._digests = contexts.digests()
        self._last_success_us = clock.now_us()
        self._wanted = False
        self._waiting = self._answering = threading.Event()
        self._lock = threading.Lock()
        self._report: Reload | None = None

    def request_soon(self) -> None:
        """Ask for a reload without waiting for it; also in a signal handler, which must take no lock: the loop that it
        interrupts may hold it."""
        self._wanted = True

    def request(self) -> Reload:
        """Ask for a reload and wait for how it went."""
        with self._lock:
            answered = self._waiting = threading.Event()
            self._wanted = True
            if answered.wait(ANSWER_SECONDS) and self._report is not None:
                return self._report
        return Reload(False, self._clock.now_us(), self._last_success_us, "the loop has not answered in time")

    def take(self) -> Reloaded | None:
        """Read the settings if somebody asked for it."""
        if not self._wanted:
            return None
        self._wanted = False
        self._answering = self._waiting  # who asks from here on is answered by the next reading
        now_us = self._clock.now_us()
        try:
            settings = load(self._path)
            contexts = Contexts(settings)
            read_web(settings.listen)
        except SettingsError as error:
            return Reloaded(Reload(False, now_us, self._last_success_us, str(error)))
        changed = self._fixed_parts_changed(settings, contexts)
        if changed:
            message = f"restart needed: {', '.join(changed)} cannot change while the agent runs. The old settings stay"
            return Reloaded(Reload(False, now_us, self._last_success_us, message))
        self._last_success_us = now_us
        self._settings = settings
        return Reloaded(Reload(True, now_us, now_us, "the settings were read"), settings, contexts)

    def answer(self, report: Reload) -> None:
        """Tell whoever waits."""
        self._report = report
        self._answering.set()

    def _fixed_parts_changed(self, settings: Settings, contexts: Contexts) -> list[str]:
        before = self._settings
        changed = [name for name in RESTART_NEEDED if getattr(before, name) != getattr(_aside(settings, before), name)]
        now = contexts.digests()
        tables = [name for name in sorted({*now, *self._digests}) if now.get(name) != self._digests.get(name)]
        return [
            *changed,
            *(f"columns, windows or reference of {name}" for name in tables),
            *_differences(_counted_by(before), _counted_by(settings)),
        ]


def _aside(settings: Settings, before: Settings) -> Settings:
    """The settings with the actors of before: those may change at any time."""
    listen = settings.listen.model_copy(update={"actors": before.listen.actors})
    return settings.model_copy(update={"listen": listen})


def _counted_by(settings: Settings) -> dict[str, object]:
    """What decides, beside the layout, which events and labels are counted where and when."""
    fixed: dict[str, object] = {}
    for system in settings.systems:
        fixed[f"lateness of {system.id}"] = system.lateness_us
        for model in system.models:
            labels = model.labels
            name = f"{system.id}/{model.name}"
            fixed[f"label horizon of {name}"] = (labels.horizon_us, labels.in_event) if labels else None
            fixed[f"segments of {name}"] = model.segments
            fixed[f"detectors of {name}"] = model.detectors
    return fixed


def _differences(before: dict[str, object], now: dict[str, object]) -> list[str]:
    return [name for name in before if name in now and before[name] != now[name]]
