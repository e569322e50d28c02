"""What is installed for the tests, and what is said where that cannot be."""

from __future__ import annotations

import subprocess

import pytest

from tests.parts import provision


def unavailable() -> None:
    raise provision.Unavailable("there is no apt here")


def test_parts_that_are_there_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(provision, "_run", lambda *_: pytest.fail("nothing is missing"))
    provision.java()
    provision.prometheus()
    provision.alertmanager()


def test_a_part_that_cannot_be_had_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provision, "PARTS", {"Prometheus": unavailable, "Java": lambda: None})
    monkeypatch.delenv("CI", raising=False)
    assert provision.main() == 0
    assert capsys.readouterr().err == "parts: Prometheus is skipped, and so are its tests: there is no apt here\n"


def test_in_ci_a_part_that_cannot_be_had_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "PARTS", {"Prometheus": unavailable})
    monkeypatch.setenv("CI", "true")
    assert provision.main() == 1


def test_without_root_and_without_sudo_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(provision.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(provision.Unavailable, match="install it yourself"):
        provision.java()


def test_go_is_installed_where_it_is_missing_and_its_modules_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(provision.shutil, "which", lambda name: None)
    monkeypatch.setattr(provision, "_install", done.append)
    monkeypatch.setattr(provision.golang, "provision", lambda: done.append("modules"))
    provision.go()
    assert done == ["golang-go", "modules"]


def test_modules_that_go_cannot_fetch_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> None:
        raise subprocess.CalledProcessError(1, "go mod download")

    monkeypatch.setattr(provision.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(provision.golang, "missing", lambda: "golang.org/x/mod is missing")
    monkeypatch.setattr(provision.golang, "provision", unreachable)
    with pytest.raises(provision.Unavailable, match="is the Go module proxy reachable"):
        provision.go()


def test_a_failing_command_is_named_with_its_last_words() -> None:
    with pytest.raises(provision.Unavailable, match=r"^sh -c .*: no space left$"):
        provision._run(["sh", "-c", "echo no space left >&2; exit 3"])
