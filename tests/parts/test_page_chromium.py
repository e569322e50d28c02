"""The pages in a real Chromium: a person's way through them without JavaScript, and what axe-core says of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.reports.launch import PYTHON
from agent.web.server import WebServer
from tests.agent.web.responder import Responder
from tests.parts.browser import Tab, browsing, chromium, provision_axe

pytestmark = pytest.mark.parts
ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".parts" / "peers" / "bin" / "python"
REPORT_SECONDS = 240.0
TAB, ENTER = ("Tab", 9), ("Enter", 13, "\r")


@pytest.fixture(scope="module")
def responder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Responder]:
    made = Responder(tmp_path_factory.mktemp("responder"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(responder: Responder) -> Iterator[WebServer]:
    with responder.serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if chromium() is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def axe() -> None:
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here, which fetches axe-core")
    try:
        provision_axe()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm could not fetch axe-core (exit {error.returncode}); is its registry reachable?")


def paths(responder: Responder) -> dict[str, str]:
    harm, health = (responder.incident(track)["id"] for track in ("harm", "health"))
    return {
        "list": "/?state=all",
        "harm": f"/incidents/{harm}",
        "health": f"/incidents/{health}",
        "model": "/models/lending/credit",
        "missing": "/incidents/none",
    }


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_axe_finds_no_serious_violation(
    tab: Tab, server: WebServer, responder: Responder, width: int, dark: bool, tmp_path: Path
) -> None:
    tab.script(on=True)
    tab.look(width, dark=dark)
    for name, path in paths(responder).items():
        tab.goto(f"http://127.0.0.1:{server.port}{path}")
        assert tab.serious_violations() == [], name
        tab.picture(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 1_000


def test_no_page_is_wider_than_a_telephone(tab: Tab, server: WebServer, responder: Responder) -> None:
    tab.script(on=True)
    tab.look(390)
    for name, path in paths(responder).items():
        tab.goto(f"http://127.0.0.1:{server.port}{path}")
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_the_keyboard_leads_from_the_list_to_an_incident(tab: Tab, server: WebServer) -> None:
    tab.script(on=False)
    tab.look(1280)
    tab.goto(f"http://127.0.0.1:{server.port}/")
    for _ in range(40):
        tab.press(*TAB)
        if tab.has(".headline a:focus"):
            break
    tab.follow(lambda: tab.press(*ENTER))
    assert tab.has("#act")


def test_a_person_acknowledges_and_resolves_without_javascript(
    tab: Tab, server: WebServer, responder: Responder
) -> None:
    tab.script(on=False)
    tab.look(1280)
    tab.goto(f"http://127.0.0.1:{server.port}/?severity=critical")
    tab.click(".headline a")
    tab.type("#actor", "Ada Night-Shift")
    tab.type("#comment", "looking <i>into</i> it")
    tab.click('button[formaction$="/ack"]')
    page = tab.text()
    assert "Acknowledged. It stays open" in page
    assert "<strong>acknowledged by Ada Night-Shift</strong>" in page
    assert "looking &lt;i&gt;into&lt;/i&gt; it" in page
    assert not tab.has('button[formaction$="/ack"]')
    tab.click('button[formaction$="/silence"]')
    assert "Silenced. Nobody is called" in tab.text()
    tab.click('button[formaction$="/resolve"]')
    assert "Resolved. If the model is still bad" in tab.text()
    assert not tab.has("button[formaction]")
    kinds = [entry["kind"] for entry in responder.incident("harm")["timeline"]]
    assert kinds[-3:] == ["acknowledged", "silenced", "resolved"]
    acted = responder.incident("harm")["timeline"][-1]
    assert acted["actor"] == "Ada Night-Shift"
    tab.click('nav a[href="/"]')
    assert "critical" not in tab.text().partition("<ol")[2].partition("</ol>")[0]


def test_the_log_has_what_a_person_did_and_the_page_names_the_entry(
    tab: Tab, server: WebServer, responder: Responder
) -> None:
    incident = responder.incident("health")["id"]
    tab.script(on=False)
    tab.goto(f"http://127.0.0.1:{server.port}/incidents/{incident}")
    tab.type("#actor", "Grace")
    tab.type("#comment", "known campaign")
    tab.click("form button:not([formaction])")
    line = tab.text().partition("<strong>commented by Grace</strong>")[2].partition("</li>")[0]
    assert "log entry 2026-01/" in line
    assert "known campaign" in line


@pytest.mark.slow
@pytest.mark.timeout(480)
@pytest.mark.skipif(not PEERS.is_file(), reason="Evidently's environment is not here; make parts makes it")
def test_a_person_starts_a_report_and_is_led_to_it_without_javascript(
    tab: Tab, server: WebServer, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON, str(PEERS))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLCONFIGDIR", os.devnull)
    path = f"/incidents/{responder.incident('harm')['id']}"
    tab.script(on=False)
    tab.goto(f"http://127.0.0.1:{server.port}{path}")
    tab.click('form[action$="/report"] button')
    assert "This page looks again by itself." in tab.text()
    tab.until_at(f"{path}/report/file", REPORT_SECONDS)
    assert "Evidently" in tab.text()
    tab.goto(f"http://127.0.0.1:{server.port}{path}")
    tab.script(on=True)
    tab.click(f'a[href="{path}/report/file"]')
    tab.until("document.querySelectorAll('svg, canvas').length > 0")
    assert tab.evaluate("window.origin") == "null"
