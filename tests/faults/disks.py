"""Disks that fail: one that is full, a limit on the size of files, and calls that the system answers with an error."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.file_agent import FileAgent, require_tool

Mend = Callable[[], None]


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Mend]:
    """A file system of its own in a directory, so large; what is yielded gives it room."""
    directory.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield lambda: _run("mount", "-o", "remount,size=256M", str(directory))
    finally:
        _run("umount", str(directory))


@contextmanager
def limited_files(agent: FileAgent, max_bytes: int) -> Iterator[Mend]:
    """No file of the running agent may grow beyond this (EFBIG)."""
    prlimit = require_tool("prlimit", "util-linux")
    _run(prlimit, "--pid", str(agent.pid), f"--fsize={max_bytes}:unlimited")
    yield lambda: _run(prlimit, "--pid", str(agent.pid), "--fsize=unlimited")


@contextmanager
def failing_calls(agent: FileAgent, calls: str, error: str, path: Path | None = None) -> Iterator[Mend]:
    """System calls of the running agent, as ``fsync,fdatasync``, fail with an error, as ``EIO``; only on a path if given."""
    strace = require_tool("strace", "strace")
    only = ["-P", str(path)] if path else []
    command = [strace, "-f", "-o", "/dev/null", *only, f"--trace={calls}", f"--inject={calls}:error={error}"]
    tracer = subprocess.Popen([*command, "-p", str(agent.pid)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    assert "attached" in tracer.stderr.readline()

    def mend() -> None:
        tracer.terminate()
        tracer.wait(10)

    try:
        yield mend
    finally:
        mend()
        tracer.stderr.close()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
