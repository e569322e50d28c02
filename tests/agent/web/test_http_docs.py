from __future__ import annotations

import re
from pathlib import Path

from starlette.routing import Route

from agent.web import access, api, guard
from agent.web.app import Pages, build_app
from exporters.notice import ALERT_NAMES
from tests.agent.web_client import FakeAgent

PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text()


def test_every_path_is_documented() -> None:
    pages = Pages(FakeAgent().views(), lambda: None)  # type: ignore[arg-type,return-value]
    paths = {route.path for route in build_app(pages, []).routes if isinstance(route, Route)}
    pages.close()
    documented = set(re.findall(r"^\| `(/[^`]*)` \|", PAGE, flags=re.MULTILINE))
    acts = {f"/api/v1/incidents/ID/{kind}" for kind in api.ACT_KINDS}
    names = {"{incident_id}": "ID", "{system}": "SYSTEM", "{model}": "MODEL", "{kind}": "ACT"}
    plain = {re.sub(r"{\w+}", lambda found: names[found.group()], path) for path in paths}
    assert documented == plain - {"/api/v1/incidents/ID/ACT"} | acts


def test_every_alert_name_is_documented() -> None:
    assert all(f"`{name}`" in PAGE for name in ALERT_NAMES.values())


def test_the_limits_are_the_documented_ones() -> None:
    assert f"At most {guard.MAX_CONNECTIONS} connections" in PAGE
    assert f"has {guard.REQUEST_SECONDS:g} s to send" in PAGE
    assert f"the body of an act to {api.MAX_BODY_BYTES // 1024} KiB" in PAGE
    assert f"Headers are limited to {access.MAX_HEADER_BYTES // 1024} KiB" in PAGE
