"""``source``: where events come from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from config.section import (
    Brokers,
    Duration,
    InputFile,
    Name,
    Names,
    Section,
    at_least,
    mistake,
    read_secret,
)
from config.units import HOUR_US, MICROSECONDS


def _read_start(value: object) -> object:
    if value in ("earliest", "latest") or isinstance(value, datetime):
        return value
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise mistake(
            f"{value!r} is no start", "Write earliest, latest, or a time with its zone: 2026-01-31T00:00:00Z."
        )
    return time


def _write_start(value: datetime | str) -> str:
    return value.isoformat() if isinstance(value, datetime) else value


Start = Annotated[
    Literal["earliest", "latest"] | datetime,
    PlainValidator(_read_start),
    PlainSerializer(_write_start, return_type=str),
    WithJsonSchema({"anyOf": [{"enum": ["earliest", "latest"]}, {"type": "string", "format": "date-time"}]}),
]


class Tls(Section):
    """Encrypted connections to the brokers. ``tls: {}`` trusts the system's certificate authorities."""

    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    cert_file: InputFile | None = None
    """The client's own certificate, PEM, where the brokers ask for one."""
    key_file: InputFile | None = Field(default=None, validate_default=True)
    """The private key of ``cert_file``, PEM."""
    check_hostname: bool = True
    """Whether a broker's certificate must carry the name it was reached by."""

    @field_validator("key_file")
    @classmethod
    def _key_and_certificate(cls, value: InputFile | None, info: ValidationInfo) -> InputFile | None:
        if "cert_file" in info.data and (value is None) != (info.data["cert_file"] is None):
            raise mistake("cert_file and key_file belong together", "Give both, or neither.")
        return value


class Sasl(Section):
    """A user and a password for the brokers."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    """How the password is proved. PLAIN sends it as it is: use it only with ``tls``."""
    username: Name
    """The user."""
    password_file: InputFile | None = None
    """A file that holds the password, read at start and at reload."""
    password: SecretStr | None = Field(default=None, validate_default=True)
    """The password itself; better given as ``password_file`` or through the environment."""

    @field_validator("password")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        secret = read_secret(value, info.data.get("password_file"), "password")
        if secret is None and "password_file" in info.data:
            raise mistake("there is no password", "Give password_file, or WACHTER_SOURCE__SASL__PASSWORD.")
        return secret


class KafkaSource(Section):
    """Events from Kafka topics."""

    type: Literal["kafka"]
    brokers: Annotated[Brokers, at_least(1)]
    """Addresses to start from, ``host:port``."""
    topics: Annotated[Names, at_least(1)]
    """Topics to read; one member of the group owns all their partitions."""
    group: Name = "wachter"
    """Consumer group; members of one group stand by for each other."""
    start: Start = "earliest"
    """Where to begin on the very first start: ``earliest``, ``latest`` or an ISO time. Later starts resume."""
    on_gap: Literal["earliest", "latest", "fail"] = "earliest"
    """Where to go on when records were deleted before they were read; the gap is counted in any case."""
    clock: Literal["wall", "events"] = "wall"
    """``events`` when history is replayed through Kafka: idle partitions wait for the others, nothing is in the future."""
    instance_id: Name | None = None
    """Name of this member (static membership): a restart within the session time-out causes no hand-over."""
    tls: Tls | None = None
    """Encrypted connections."""
    sasl: Sasl | None = None
    """User and password."""
    idle_timeout_us: Duration = MICROSECONDS["m"]
    """A partition that has stood at its end for this long no longer holds windows open."""
    max_ahead_us: Duration = HOUR_US
    """An event further ahead of this machine's clock is rejected as ``future``."""
    batch_records: int = Field(default=5000, ge=1, le=100_000)
    """Most records of one poll."""
    session_timeout_seconds: int = Field(default=45, ge=6, le=1800)
    """A member that has not been heard of for this long loses its partitions."""
    rebuild_after_seconds: int = Field(default=180, ge=30)
    """After this long without an answer from any broker, connections are built anew from ``brokers``."""


class FileSource(Section):
    """Events from files of JSON lines; for ``wachter replay``."""

    type: Literal["files"]
    paths: Annotated[Names, at_least(1)]
    """Files to read, ``.zst`` too; each is one partition."""
    clock: Literal["events"] = "events"
    """Files are history: the end of all files closes everything."""
    batch_records: int = Field(default=5000, ge=1, le=100_000)
    """Most records of one poll."""


Source = KafkaSource | FileSource
