"""``receivers``: who is told about incidents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.section import InputFile, Name, Section, Url, Urls, at_least, read_secret
from config.settings.thresholds import TrackName

ALL_TRACKS: tuple[TrackName, ...] = ("harm", "health", "agent")


class AlertmanagerReceiver(Section):
    """Prometheus Alertmanager, API v2. Every member of a cluster is told, never a load balancer."""

    type: Literal["alertmanager"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    urls: Annotated[Urls, at_least(1)]
    """All members of the cluster."""
    resend_seconds: int = Field(default=60, ge=5, le=240)
    """A firing alert is sent again this often; it must stay well below Alertmanager's ``resolve_timeout``."""
    headers: dict[Name, SecretStr] = Field(default_factory=dict)
    """Further headers, as an authorisation; their values are treated as secrets."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    external_url: Url | None = None
    """Where people reach this agent; alerts then link to their incident."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for an answer."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""


class WebhookReceiver(Section):
    """Any HTTP receiver that understands Alertmanager's webhook JSON, version 4."""

    type: Literal["webhook"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    url: Url
    """Where to post."""
    secret_file: InputFile | None = None
    """A file that holds the key of the signature header."""
    secret: SecretStr | None = Field(default=None, validate_default=True)
    """The key itself; without any, messages are not signed."""
    headers: dict[Name, SecretStr] = Field(default_factory=dict)
    """Further headers, as an authorisation; their values are treated as secrets."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    external_url: Url | None = None
    """Where people reach this agent; messages then link to their incident."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for an answer."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""

    @field_validator("secret")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return read_secret(value, info.data.get("secret_file"), "secret")


Receiver = AlertmanagerReceiver | WebhookReceiver
