"""A reload takes how windows are judged and told, and refuses what they are counted by."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.clock import FixedClock
from agent.flow.contexts import Contexts
from agent.reloading import Reloaded, Reloader
from config.settings import load
from tests.agent.stage import SYSTEM, Stage, events, model_of

MODEL: dict[str, Any] = model_of(labels={"horizon": "1h"}, segments="country")
BASE: dict[str, Any] = {
    "source": {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"], "clock": "events"},
    "systems": [{"id": SYSTEM, "owner": "team", "purpose": "test", "models": [MODEL]}],
}
Reload = Callable[[Callable[[dict[str, Any]], object]], Reloaded]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump(BASE))
    return path


@pytest.fixture
def reload(path: Path) -> Reload:
    """Change the file, and read it again."""
    settings = load(path, {})
    reloader = Reloader(path, settings, Contexts(settings), FixedClock(5))

    def change(how: Callable[[dict[str, Any]], object]) -> Reloaded:
        changed = copy.deepcopy(BASE)
        how(changed)
        path.write_text(yaml.safe_dump(changed))
        reloader.request_soon()
        reloaded = reloader.take()
        assert reloaded is not None
        return reloaded

    return change


def model(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["systems"][0]["models"][0]
    return found


@pytest.mark.parametrize(
    "how",
    [
        lambda data: model(data).update(thresholds={"missing_share": {"tolerance": 0.5}}),
        lambda data: data.update(false_alarm_budget=0.2),
        lambda data: data.update(severities={"harm": "warning"}),
        lambda data: data.update(receivers=[{"type": "webhook", "name": "w", "url": "http://127.0.0.1:9"}]),
        lambda data: data["systems"][0].update(owner="another team"),
    ],
    ids=["thresholds", "budget", "severities", "receivers", "owner"],
)
def test_what_judges_and_tells_may_change(reload: Reload, how: Callable[[dict[str, Any]], object]) -> None:
    reloaded = reload(how)
    assert reloaded.report.successful
    assert reloaded.settings is not None
    assert reloaded.contexts is not None


@pytest.mark.parametrize(
    ("how", "named"),
    [
        (lambda data: data["source"].update(topics=["other"]), "source"),
        (lambda data: data.update(limits={"max_streams": 5}), "limits"),
        (lambda data: model(data).update(columns={"x": "number", "y": "number"}), "columns"),
        (lambda data: model(data).update(window={"length": "2h"}), "windows"),
        (lambda data: model(data).update(name="another"), "another"),
        (lambda data: model(data).update(labels={"horizon": "2h"}), "label horizon"),
        (lambda data: model(data).update(segments="region"), "segments"),
        (lambda data: model(data).update(detectors={"bias": False}), "detectors"),
        (lambda data: data["systems"][0].update(lateness="5m"), "lateness"),
    ],
    ids=["source", "limits", "columns", "window", "model", "horizon", "segments", "detectors", "lateness"],
)
def test_what_windows_are_counted_by_needs_a_restart(
    reload: Reload, how: Callable[[dict[str, Any]], object], named: str
) -> None:
    reloaded = reload(how)
    assert not reloaded.report.successful
    assert reloaded.settings is None
    assert "restart needed" in reloaded.report.message
    assert named in reloaded.report.message


def test_a_broken_file_is_refused_with_its_mistakes_and_the_old_settings_stay(reload: Reload) -> None:
    reloaded = reload(lambda data: model(data).update(task="guess", window={"length": "soon"}))
    assert not reloaded.report.successful
    assert reloaded.settings is None
    assert "task" in reloaded.report.message
    assert "window.length" in reloaded.report.message


def test_nobody_asked_nothing_is_read(path: Path) -> None:
    settings = load(path, {})
    reloader = Reloader(path, settings, Contexts(settings), FixedClock(5))
    path.unlink()
    assert reloader.take() is None


def test_a_reload_goes_on_with_the_windows_as_they_are(stage: Stage) -> None:
    stage.run(*events("a", 0, 90, 90))
    stage.step.use(stage.settings, Contexts(stage.settings))
    stage.run(*events("b", 90, 200, 110)).finish()
    assert stage.classes() == (200, 200, 0, 0, 0)
    assert list(stage.volumes().values()) == [60, 60, 60, 20]


def test_a_signal_waits_for_no_lock_that_the_loop_may_hold(path: Path) -> None:
    """The handler runs in the loop's thread: it once waited for ever for a lock that the loop it had interrupted held."""
    settings = load(path, {})
    reloader = Reloader(path, settings, Contexts(settings), FixedClock(5))
    handler = threading.Thread(target=reloader.request_soon, daemon=True)
    with ExitStack() as held:
        for event in {part for part in vars(reloader).values() if isinstance(part, threading.Event)}:
            held.enter_context(event._cond)  # type: ignore[attr-defined]
        held.enter_context(reloader._lock)
        handler.start()
        handler.join(5)
        assert not handler.is_alive()


def test_whoever_asks_while_the_file_is_read_is_answered_by_the_next_reading(path: Path) -> None:
    """The answer was that of the file as it had been before."""
    settings = load(path, {})
    reloader = Reloader(path, settings, Contexts(settings), FixedClock(5))
    answers: list[object] = []
    asking = threading.Thread(target=lambda: answers.append(reloader.request()))
    reloader.request_soon()
    before = reloader.take()
    assert before is not None
    path.write_text("broken: [")
    asking.start()
    while not reloader._wanted:
        time.sleep(0.001)
    reloader.answer(before.report)
    after = reloader.take()
    assert after is not None
    reloader.answer(after.report)
    asking.join(10)
    assert answers == [after.report]
    assert not after.report.successful


def test_who_may_act_changes_without_a_restart_but_not_where_it_listens(reload: Reload, tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("{basic_auth_users: {}}")
    reloaded = reload(lambda data: data.update(listen={"actors": ["ada"]}))
    assert reloaded.settings is not None
    assert reloaded.settings.listen.actors == ("ada",)
    assert "restart needed: listen" in reload(lambda data: data.update(listen={"web_config": "web.yml"})).report.message
    both = reload(lambda data: data.update(listen={"web_config": "web.yml", "actors": ["eve"]}))
    assert "'eve' is none of the users" in both.report.message
