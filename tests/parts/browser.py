"""A headless Chromium of one's own, driven as a person would: through the DevTools protocol, without a driver program.

Elements are found in the DOM and clicked with the mouse or reached with the keyboard, so pages may be walked through with
JavaScript switched off.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
AXE_VERSION = "4.14.1"
AXE_DIRECTORY = ROOT / ".parts" / "axe"
AXE = AXE_DIRECTORY / "node_modules" / "axe-core" / "axe.min.js"
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.05
SERIOUS = ("serious", "critical")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""The machine's: Node knows its own list only, and a registry behind a company's proxy is not on it."""
ATTEMPTS = 3

_TELL = """r => ({passes: r.passes.length, violations: r.violations.map(v => ({id: v.id, impact: v.impact,
    nodes: v.nodes.map(n => n.target.join(" ") + ": " + n.failureSummary)}))})"""
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip


def provision_axe() -> None:
    """Fetch axe-core into ``.parts/axe`` where it is not there.

    Raises:
        subprocess.CalledProcessError, FileNotFoundError: npm cannot fetch it, or there is no npm.
    """
    if AXE.is_file():
        return
    AXE_DIRECTORY.mkdir(parents=True, exist_ok=True)
    options = ("--ignore-scripts", "--no-package-lock", "--no-save", "--silent", "--prefix", str(AXE_DIRECTORY))
    command = ["npm", "install", *options, f"axe-core@{AXE_VERSION}"]
    environment = {"NODE_EXTRA_CA_CERTS": AUTHORITIES, **os.environ}
    for attempt in range(ATTEMPTS):
        done = subprocess.run(command, check=attempt == ATTEMPTS - 1, cwd=AXE_DIRECTORY, env=environment)
        if done.returncode == 0:
            return


def chromium() -> str | None:
    """The path of the browser; ``None`` where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Refused(Exception):
    """The browser cannot do what it was asked."""


class Socket:
    """A WebSocket client for one local peer (RFC 6455): text messages, whole or in fragments."""

    def __init__(self, url: str) -> None:
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self._socket = socket.create_connection((name, int(port)), timeout=WAIT_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(request.encode())
        self._read = self._socket.makefile("rb")
        while self._read.readline() not in (b"\r\n", b""):
            pass

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        length = len(data)
        size = bytes([0x80 | length]) if length < 126 else bytes([0xFF]) + length.to_bytes(8, "big")
        padding = mask * (length // 4 + 1)
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(padding[:length], "big")).to_bytes(length, "big")
        self._socket.sendall(b"\x81" + size + mask + masked)

    def receive(self) -> str:
        whole = b""
        while True:
            first, second = self._read.read(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(self._read.read(2 if length == 126 else 8), "big")
            data = self._read.read(length)
            if first & 0x0F <= 1 or whole:
                whole += data
            if first & 0x80 and first & 0x0F <= 1:
                return whole.decode()

    def close(self) -> None:
        self._read.close()
        self._socket.close()


class Tab:
    """One page of the browser."""

    def __init__(self, url: str) -> None:
        self._socket = Socket(url)
        self._numbers = itertools.count(1)
        for domain in ("Page", "DOM", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser; events that come between are passed over."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.receive())
            if answer.get("id") == number:
                if "error" in answer:
                    raise Refused(f"{method}: {answer['error']}")
                found: dict[str, Any] = answer["result"]
                return found

    def script(self, on: bool) -> None:
        """Let pages run JavaScript, or not, from the next one on."""
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """The size of the screen, and whether its owner likes it dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def goto(self, url: str) -> None:
        """Open a page and wait until it is there."""
        before = self._page()
        self.call("Page.navigate", url=url)
        self._wait_for_another(before)

    def until_at(self, path: str, timeout_seconds: float) -> None:
        """Wait until the page that is shown, which goes on by itself, is at a path."""
        deadline = time.monotonic() + timeout_seconds
        while not (self._url().endswith(path) and self._is_whole()):
            assert time.monotonic() < deadline, f"still at {self._url()}: {self.text()[-500:]}"
            time.sleep(LOOK_SECONDS)

    def text(self) -> str:
        """The page as HTML, as the browser has it."""
        html: str = self._of_root("DOM.getOuterHTML")["outerHTML"]
        return html

    def find(self, selector: str) -> int:
        """The first element that a CSS selector finds."""
        found: int = self._of_root("DOM.querySelector", selector=selector)["nodeId"]
        assert found, f"nothing on the page is {selector}"
        return found

    def has(self, selector: str) -> bool:
        """Whether there is such an element."""
        return bool(self._of_root("DOM.querySelector", selector=selector)["nodeId"])

    def type(self, selector: str, text: str) -> None:
        """Write into a field, in place of what stands there."""
        self.call("DOM.focus", nodeId=self.find(selector))
        self.call("Input.dispatchKeyEvent", type="keyDown", key="a", commands=["selectAll"])
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click the middle of an element, and wait for the page that it leads to."""
        node = self.find(selector)
        self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        x0, y0, x1, _, _, y1, *_ = self.call("DOM.getContentQuads", nodeId=node)["quads"][0]
        self.follow(lambda: self._click_at((x0 + x1) / 2, (y0 + y1) / 2))

    def follow(self, act: Callable[[], object]) -> None:
        """Do something that leads to another page, and wait for it."""
        before = self._page()
        act()
        self._wait_for_another(before)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key; its text where it writes one."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Wait until an expression is true, as of what a page's scripts draw."""
        deadline = time.monotonic() + timeout_seconds
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"not true within {timeout_seconds} s: {expression}"
            time.sleep(LOOK_SECONDS)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def serious_violations(self) -> list[str]:
        """What axe-core holds against the page, of serious or critical impact; JavaScript has to be on."""
        self.call("Runtime.evaluate", expression=AXE.read_text())
        found = self.evaluate(f"axe.run().then({_TELL})")
        assert found["passes"] > 10, "axe-core has not looked at the page"
        return [f"{one['id']}: {one['nodes'][:3]}" for one in found["violations"] if one["impact"] in SERIOUS]

    def close(self) -> None:
        self._socket.close()

    def _click_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def _of_root(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask about the document; while a page is coming, its nodes vanish between two questions."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
            try:
                return self.call(method, nodeId=root, **parameters)
            except Refused:
                if time.monotonic() > deadline:
                    raise

    def _url(self) -> str:
        url: str = self.call("Page.getFrameTree")["frameTree"]["frame"]["url"]
        return url

    def _page(self) -> str:
        """What stands for the page that is loaded now; another one has another."""
        loader: str = self.call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]
        return loader

    def _has_come(self, before: str) -> bool:
        """Whether another page is there, whole."""
        return self._page() != before and self._is_whole()

    def _is_whole(self) -> bool:
        """Whether the page has been read to its end: its DOM ends in ``</html>`` long before."""
        try:
            return bool(self.evaluate("document.readyState === 'complete'"))
        except Refused:  # another page is just taking its place
            return False

    def _wait_for_another(self, before: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._has_come(before):
            assert time.monotonic() < deadline, "no other page has come"
            time.sleep(LOOK_SECONDS)


@contextmanager
def browsing(directory: Path) -> Iterator[Tab]:
    """A browser with one tab, its profile in a directory; ended with the context."""
    program = chromium()
    assert program is not None
    command = [program, *_FLAGS, f"--user-data-dir={directory}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        tab = Tab(_tab_address(directory))
        try:
            yield tab
        finally:
            tab.close()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tab_address(directory: Path) -> str:
    """Where the DevTools of the first tab are."""
    told, deadline = directory / "DevToolsActivePort", time.monotonic() + WAIT_SECONDS
    while True:
        assert time.monotonic() < deadline, "the browser does not start"
        time.sleep(LOOK_SECONDS)
        if not told.is_file() or "\n" not in told.read_text():
            continue
        port = told.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=WAIT_SECONDS) as answer:
            pages = [one for one in json.load(answer) if one["type"] == "page"]
        if pages:
            address: str = pages[0]["webSocketDebuggerUrl"]
            return address
