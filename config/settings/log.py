"""``log``: the event log, in which every event and decision of the agent is an entry that cannot be changed unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from config.section import Duration, InputFile, Name, Section, mistake, read_secret
from config.sendable import Endpoint, Headers
from config.units import DAY_US, SECOND_US


def _check_name(name: str) -> str:
    if "+" in name or any(character.isspace() for character in name):
        raise mistake(f"{name!r} holds a space or a plus", "Signed notes forbid both; write wachter/scoring, say.")
    return name


LogName = Annotated[Name, AfterValidator(_check_name)]


class FileCopy(Section):
    """Checkpoints to a file elsewhere, as on a mounted share; it always holds the newest one."""

    type: Literal["file"]
    path: Path
    """Where to write. Relative paths are relative to the working directory."""


class WebhookCopy(Section):
    """Checkpoints to an HTTP receiver, as text."""

    type: Literal["webhook"]
    url: Endpoint
    """Where to post."""
    secret_file: InputFile | None = None
    """A file that holds the key of the signature header."""
    secret: SecretStr | None = Field(default=None, validate_default=True)
    """The key itself; without any, the header is left out. The checkpoint is signed in any case."""
    headers: Headers = Field(default_factory=dict)
    """Further headers, as an authorisation; their values are treated as secrets."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for an answer."""

    @field_validator("secret")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return read_secret(value, info.data.get("secret_file"), "secret")


class KafkaCopy(Section):
    """Checkpoints to a topic of the brokers that events come from."""

    type: Literal["kafka"]
    topic: Name
    """The topic; it must exist."""


CheckpointCopy = FileCopy | WebhookCopy | KafkaCopy


class LogSettings(Section):
    """The event log: what was consumed, measured, decided and changed, tamper-evident."""

    enabled: bool = True
    """Whether it is written."""
    directory: Path | None = None
    """Where; without it, ``log`` in the state directory."""
    key_file: Path | None = None
    """The signing key; made at the first start where it is missing. Without it, ``log.key`` in the state directory."""
    name: LogName | None = None
    """What checkpoints call the log, without spaces and plus signs; without it, ``wachter/`` and the consumer group. A log
    that has begun keeps its name."""
    payloads: Literal["plain", "sealed", "none"] = "plain"
    """Records kept beside the log: as they came, sealed under a key per person, or none."""
    cadence_us: Duration = Field(default=10 * SECOND_US, gt=0)
    """How often a checkpoint is signed at most; after a change of an incident, within a second."""
    retention_us: Duration = Field(default=184 * DAY_US, gt=0)
    """How long a month is kept after its end, where no hold lies on it."""
    checkpoints: tuple[Annotated[CheckpointCopy, Field(discriminator="type")], ...] = ()
    """Where each new checkpoint is sent: copies that whoever can write the log cannot change."""
