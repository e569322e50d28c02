"""``receivers``: who is told about incidents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.section import InputFile, Name, Section, Url, at_least, check_url, mistake, read_secret
from config.sendable import (
    Endpoint,
    Endpoints,
    Headers,
    Host,
    MailAddress,
    MailAddresses,
    MailUser,
    check_endpoint,
    check_header,
    check_password,
)
from config.settings.thresholds import TrackName

ALL_TRACKS: tuple[TrackName, ...] = ("harm", "health", "agent")


class AlertmanagerReceiver(Section):
    """Prometheus Alertmanager, API v2. Every member of a cluster is told, never a load balancer."""

    type: Literal["alertmanager"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    urls: Annotated[Endpoints, at_least(1)]
    """All members of the cluster."""
    resend_seconds: int = Field(default=60, ge=5, le=240)
    """A firing alert is sent again this often; it must stay well below Alertmanager's ``resolve_timeout``."""
    headers: Headers = Field(default_factory=dict)
    """Further headers, as an authorisation; their values are treated as secrets."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    allow_private: bool = False
    """Whether a public name may lead to an address of the inner network."""
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
    url: Endpoint
    """Where to post."""
    secret_file: InputFile | None = None
    """A file that holds the key of the signature header."""
    secret: SecretStr | None = Field(default=None, validate_default=True)
    """The key itself; without any, messages are not signed."""
    headers: Headers = Field(default_factory=dict)
    """Further headers, as an authorisation; their values are treated as secrets."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    allow_private: bool = False
    """Whether a public name may lead to an address of the inner network."""
    per_minute: int | None = Field(default=None, ge=1)
    """Most messages a minute; without it as many as there are."""
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


class PagerDutyReceiver(Section):
    """PagerDuty, Events API v2: each call is an alert of its own, acknowledged and resolved with its incident."""

    type: Literal["pagerduty"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    routing_key_file: InputFile | None = None
    """A file that holds the integration key of the service."""
    routing_key: SecretStr | None = Field(default=None, validate_default=True)
    """The key itself; better given as ``routing_key_file`` or through the environment."""
    url: Endpoint = "https://events.pagerduty.com/v2/enqueue"
    """Where to post; accounts in Europe have ``https://events.eu.pagerduty.com/v2/enqueue``."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    allow_private: bool = False
    """Whether a public name may lead to an address of the inner network."""
    per_minute: int | None = Field(default=120, ge=1)
    """Most messages a minute."""
    external_url: Url | None = None
    """Where people reach this agent; messages then link to their incident."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for an answer."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""

    @field_validator("routing_key")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return _needed(read_secret(value, info.data.get("routing_key_file"), "routing_key"), "routing_key")


class SlackReceiver(Section):
    """Slack: a bot keeps one message per call up to date; an incoming webhook can only write new ones."""

    type: Literal["slack"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    channel: Name | None = None
    """Identity of the channel, as ``C024BE91L``: the bot ``token`` writes there."""
    token_file: InputFile | None = None
    """A file that holds the bot's token, with the scope ``chat:write``."""
    token: SecretStr | None = Field(default=None, validate_default=True)
    """The token itself."""
    webhook_url_file: InputFile | None = None
    """A file that holds the address of an incoming webhook; the address is a secret."""
    webhook_url: SecretStr | None = Field(default=None, validate_default=True)
    """The address itself."""
    api_url: Endpoint = "https://slack.com/api"
    """Base of Slack's API."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    allow_private: bool = False
    """Whether a public name may lead to an address of the inner network."""
    per_minute: int | None = Field(default=50, ge=1)
    """Most messages a minute; Slack takes one a second and channel."""
    external_url: Url | None = None
    """Where people reach this agent; messages then link to their incident."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for an answer."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""

    @field_validator("token")
    @classmethod
    def _token_from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        token = read_secret(value, info.data.get("token_file"), "token")
        if (token is None) != (info.data.get("channel") is None):
            raise mistake("token and channel belong together", "Give both, or webhook_url_file alone.")
        return token if token is None else check_header(token, "the token")

    @field_validator("webhook_url")
    @classmethod
    def _url_from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        url = read_secret(value, info.data.get("webhook_url_file"), "webhook_url")
        if "token" in info.data and (url is None) == (info.data["token"] is None):
            raise mistake(
                "a bot's token or a webhook's address is needed, and one of them only", "See docs/notifications.md."
            )
        if url is not None:
            check_endpoint(check_url(url.get_secret_value()))
        return url


class EmailReceiver(Section):
    """E-mail over SMTP; what gathers while messages wait goes in one."""

    type: Literal["email"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    host: Host
    """The mail server."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port: 587 for ``starttls``, 465 for ``tls``, 25 between servers."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` sends in the clear and refuses a password, unless the server is on loopback."""
    username: MailUser | None = None
    """The user, where the server asks for one."""
    password_file: InputFile | None = None
    """A file that holds the password, read at start and at reload."""
    password: SecretStr | None = Field(default=None, validate_default=True)
    """The password itself; better given as ``password_file`` or through the environment."""
    sender: MailAddress
    """Address that messages come from."""
    to: Annotated[MailAddresses, at_least(1)]
    """Addresses that are told."""
    ca_file: InputFile | None = None
    """Certificates of the authorities to trust, PEM; without it those of the system."""
    allow_private: bool = False
    """Whether a public name may lead to an address of the inner network."""
    per_minute: int | None = Field(default=10, ge=1)
    """Most messages a minute."""
    external_url: Url | None = None
    """Where people reach this agent; messages then link to their incident."""
    timeout_seconds: float = Field(default=30.0, gt=0, le=60)
    """Longest time for one message."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""

    @field_validator("password")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        password = read_secret(value, info.data.get("password_file"), "password")
        if "username" in info.data and (password is None) != (info.data["username"] is None):
            raise mistake("username and password belong together", "Give both, or none where the server asks for none.")
        local = info.data.get("host") in ("localhost", "127.0.0.1", "::1")
        if password is not None and info.data.get("security") == "none" and not local:
            raise mistake("the password would be sent in the clear", "Use security: starttls or tls.")
        return password if password is None else check_password(password)


class AppriseReceiver(Section):
    """Some hundred further services through Apprise, the extra ``apprise``; no redirect is followed."""

    type: Literal["apprise"]
    name: Name
    """Name of the receiver, for metrics and logs."""
    url_file: InputFile | None = None
    """A file that holds one address of Apprise, which carries the secrets of its service."""
    url: SecretStr | None = Field(default=None, validate_default=True)
    """The address itself."""
    per_minute: int | None = Field(default=10, ge=1)
    """Most messages a minute."""
    external_url: Url | None = None
    """Where people reach this agent; messages then link to their incident."""
    timeout_seconds: float = Field(default=20.0, gt=0, le=60)
    """Longest wait for an answer."""
    tracks: tuple[TrackName, ...] = ALL_TRACKS
    """The tracks it is told about."""

    @field_validator("url")
    @classmethod
    def _from_file(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return _needed(read_secret(value, info.data.get("url_file"), "url"), "url")


def _needed(secret: SecretStr | None, key: str) -> SecretStr:
    if secret is None or not secret.get_secret_value():
        raise mistake(f"there is no {key}", f"Give {key}_file, or {key}.")
    return secret


Receiver = AlertmanagerReceiver | WebhookReceiver | PagerDutyReceiver | SlackReceiver | EmailReceiver | AppriseReceiver
