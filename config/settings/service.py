"""``listen``, ``state``, ``limits``, ``exposition``: the agent itself."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from config.section import ByteSize, InputFile, Name, Names, Section, mistake
from config.units import BYTES


def is_loopback(host: str) -> bool:
    """Whether an address, or the name ``localhost``, is reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Listen(Section):
    """Where metrics, health and incidents are served."""

    host: Name = "127.0.0.1"
    """Address to bind; loopback unless you choose otherwise."""
    port: int = Field(default=9464, ge=0, le=65535)
    """TCP port; 0 takes a free one."""
    web_config: InputFile | None = None
    """TLS, client certificates and users, in the format of Prometheus exporter-toolkit; read again when it changes."""
    actors: Names = ()
    """Users who may acknowledge, comment, silence, resolve and reload; all others only read."""
    insecure: bool = Field(default=False, validate_default=True)
    """Serve an address that others reach though nobody is asked who he is; they may read, and act only from loopback."""

    @field_validator("insecure")
    @classmethod
    def _is_meant(cls, value: bool, info: ValidationInfo) -> bool:
        host = info.data.get("host")
        if host is None or value or is_loopback(host) or info.data.get("web_config") is not None:
            return value
        raise mistake(
            f"others reach {host}, and nobody would be asked who he is",
            "Name users or certificates in listen.web_config, or set listen.insecure: true.",
        )


class StateSettings(Section):
    """What must survive a restart."""

    directory: Path = Path("wachter-state")
    """One process owns it. Relative paths are relative to the working directory."""
    max_join_bytes: ByteSize = 8 * BYTES["GiB"]
    """Size of the label join on disk; beyond it new windows keep an unbiased sample of ids."""
    history_days: int = Field(default=90, ge=1)
    """How long measurements are kept."""
    max_reject_bytes: ByteSize = 64 * BYTES["MiB"]
    """Size of the store of rejected records; the oldest leave first."""
    max_rejects: int = Field(default=10_000, ge=1)
    """Most rejected records kept."""


class Limits(Section):
    """Bounds. Reaching one is a metric, never a crash."""

    max_message_bytes: ByteSize = BYTES["MiB"]
    """A larger message is rejected as ``too_large``."""
    max_open_panes: int | None = Field(default=None, ge=1)
    """Most panes a stream may hold open; without it, three windows' worth."""
    max_streams: int = Field(default=100, ge=1)
    """Most streams (system, model, version, segment) watched."""
    max_series: int = Field(default=10_000, ge=100)
    """Most series exposed to Prometheus; the others are dropped and counted."""
    max_pending_labels: int = Field(default=1_000_000, ge=0)
    """Most labels waiting for their prediction."""
    max_outbox: int = Field(default=10_000, ge=1)
    """Most messages waiting for receivers; then finished incidents leave first."""
    memory_bytes: ByteSize = 512 * BYTES["MiB"]
    """Resident memory of the process; beyond it nothing more is fetched until it is below 90 %, or one batch at a time."""


class Exposition(Section):
    """What ``/metrics`` shows beyond the deciding measures."""

    measures: Names = ()
    """Further measures to expose per column, as ``psi``."""
    cells: bool = False
    """Expose the cells of the histograms."""
    protected_labels: Names = ()
    """Protected attributes, declared by some model, whose groups may appear as labels."""
