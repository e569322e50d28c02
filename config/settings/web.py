"""The web config file: who may talk to the agent over HTTP, and how.

Its format is that of Prometheus exporter-toolkit (docs/web-configuration.md there), which Prometheus, Alertmanager and the
exporters share, so that ``promtool check web-config`` checks it too. What Python's ssl cannot do is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, ValidationError, ValidationInfo, field_validator

from config.errors import SettingsError
from config.section import Duration, InputFile, Name, Names, Section, mistake, relative_to
from config.settings.document import read_document
from config.settings.problems import explain, in_file_order

BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
MAX_COST = 15
"""Checking a password costs 2^cost rounds; at 15 about two seconds of one core."""
CLIENT_AUTH_TYPES = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{name}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for name, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    )
}
"""Cipher suites of TLS 1.2 with forward secrecy, by the names of RFC 5289 and 7905, as OpenSSL calls them."""
HEADERS = (
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
    "Content-Security-Policy",
)
BEGIN = "Begin with tls_server_config: or basic_auth_users:, see docs/security.md."

HeaderValue = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[\x20-\x7e]*$")]


class TlsServer(Section):
    """``tls_server_config``: certificate of the agent, certificates of clients."""

    cert_file: InputFile
    """Certificate of the agent with its chain, PEM."""
    key_file: InputFile
    """Its key, PEM, without a password."""
    client_ca_file: InputFile | None = None
    """Authorities whose client certificates are believed, PEM."""
    client_auth_type: str = Field(default="NoClientCert", validate_default=True)
    """Whether clients show a certificate."""
    client_allowed_sans: Names = ()
    """Names in the client's certificate of which it must have one; without any, all that the authorities signed."""
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    cipher_suites: Names = ()
    """Suites of TLS 1.2; without any, all in ``CIPHERS``."""
    prefer_server_cipher_suites: bool = True

    @field_validator("client_auth_type")
    @classmethod
    def _can_be_done(cls, value: str, info: ValidationInfo) -> str:
        if value not in CLIENT_AUTH_TYPES:
            raise mistake(f"{value!r} is not supported", f"Write one of: {', '.join(CLIENT_AUTH_TYPES)}.")
        asks = value != "NoClientCert"
        if "client_ca_file" in info.data and asks != (info.data["client_ca_file"] is not None):
            raise mistake(
                "client_ca_file and client_auth_type belong together", f"Give both, as {CLIENT_AUTH_TYPES[2]}."
            )
        return value

    @field_validator("client_allowed_sans")
    @classmethod
    def _needs_certificates(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("client_auth_type", value) == "NoClientCert":
            raise mistake("no client shows a certificate", f"Set client_auth_type: {CLIENT_AUTH_TYPES[2]}.")
        return value

    @field_validator("cipher_suites")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for suite in value:
            if suite not in CIPHERS:
                raise mistake(f"{suite!r} is not supported", f"Choose of: {', '.join(CIPHERS)}.")
        return value

    @property
    def requires_certificate(self) -> bool:
        """Whether nobody gets in without a client certificate."""
        return self.client_auth_type == "RequireAndVerifyClientCert"


class HttpServer(Section):
    """``http_server_config``."""

    http2: bool = True
    """Taken for compatibility: the agent speaks HTTP/1.1."""
    headers: dict[str, HeaderValue] = Field(default_factory=dict)
    """Headers of every answer."""

    @field_validator("headers")
    @classmethod
    def _allowed(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in HEADERS:
                raise mistake(f"the header {name!r} cannot be set here", f"Choose of: {', '.join(HEADERS)}.")
        return value


class RateLimit(Section):
    """``rate_limit``: a bucket for all requests together; without an interval, none."""

    interval_us: Duration = 0
    """Time after which one more request is let in."""
    burst: int = Field(default=0, ge=0, validate_default=True)
    """How many may come at once."""

    @field_validator("burst")
    @classmethod
    def _lets_some_in(cls, value: int, info: ValidationInfo) -> int:
        if value == 0 and info.data.get("interval_us", 0) > 0:
            raise mistake("nothing would ever be let in", "Set burst to at least 1.")
        return value


class WebConfig(Section):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    rate_limit: RateLimit = RateLimit()
    basic_auth_users: dict[Name, SecretStr] = Field(default_factory=dict)
    """Password hashes by user, made by ``htpasswd -nBC 10 ""``."""

    @field_validator("basic_auth_users")
    @classmethod
    def _are_hashes(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for user, hashed in value.items():
            if ":" in user:
                raise mistake(f"the user {user!r} holds a colon", "Basic authentication has no way to send it.")
            found = BCRYPT.fullmatch(hashed.get_secret_value())
            if found is None or not 4 <= int(found[1]) <= MAX_COST:
                raise mistake(
                    f"what is given for {user!r} is not a bcrypt hash of a cost from 4 to {MAX_COST}",
                    'Make one: htpasswd -nBC 10 "" | tr -d ":\\n".',
                )
        return value

    @property
    def knows_people(self) -> bool:
        """Whether it says who may come in: nobody does without a password or a certificate."""
        certified = self.tls_server_config is not None and self.tls_server_config.requires_certificate
        return certified or bool(self.basic_auth_users)


def load_web_config(path: Path) -> WebConfig:
    """Read a web config file; files that it names are relative to its directory.

    Raises:
        SettingsError: with every mistake, its path led by the name of the file.
    """
    document = read_document(path, BEGIN)
    problems = list(document.problems)
    try:
        with relative_to(path.parent):
            config = WebConfig(**document.data)
    except ValidationError as error:
        problems += explain(error, document, WebConfig)
    if problems:
        raise SettingsError(tuple(replace(one, path=f"{path}: {one.path}") for one in in_file_order(problems)))
    return config
