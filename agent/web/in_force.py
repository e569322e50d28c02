"""The web config in force: read again when one of its files changes; a bad one is said, and the former stays."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from config.errors import Problem, SettingsError
from config.settings.service import Listen, is_loopback
from config.settings.web import CIPHERS, TlsServer, WebConfig, load_web_config

LOOK_SECONDS = 1.0
VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Web:
    """A web config, and the TLS context made from it; without TLS ``None``."""

    config: WebConfig
    context: ssl.SSLContext | None = None


def read_web(listen: Listen) -> Web:
    """What the settings say about who may come in.

    Raises:
        SettingsError: the file or what it names cannot be used, or leaves open an address that others reach.
    """
    if listen.web_config is None:
        return Web(WebConfig())
    config = load_web_config(listen.web_config)
    if not config.knows_people and not listen.insecure and not is_loopback(listen.host):
        what = f"others reach {listen.host}, and {listen.web_config} asks nobody who he is"
        remedy = "Add basic_auth_users or RequireAndVerifyClientCert there, or set listen.insecure: true."
        raise SettingsError((Problem("listen.web_config", what, remedy),))
    _check_actors(listen, config)
    tls = config.tls_server_config
    return Web(config, None if tls is None else tls_context(tls, listen.web_config))


class InForce:
    """``current`` belongs to the server's loop; it looks at the files at most once a second."""

    def __init__(self, listen: Listen, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises:
        SettingsError: see ``read_web``.
        """
        self._listen = listen
        self._monotonic = monotonic
        self._looked = monotonic()
        self._web = read_web(listen)
        self._stamps = self._stamp()
        self.trouble = ""
        """Why the file as it stands is not in force; empty while it is."""

    def current(self) -> Web:
        """The web config in force."""
        now = self._monotonic()
        if self._listen.web_config is None or now - self._looked < LOOK_SECONDS:
            return self._web
        self._looked = now
        stamps = self._stamp()
        if stamps != self._stamps:
            self._stamps = stamps
            self._read_again()
        return self._web

    def _read_again(self) -> None:
        try:
            web = read_web(self._listen)
            if (web.context is None) != (self._web.context is None):
                what = "tls_server_config was added or removed"
                raise SettingsError((Problem("listen.web_config", what, "Start the agent again."),))
        except SettingsError as error:
            self.trouble = str(error)
            log.error("web_config_not_read", why=self.trouble, consequence="the former stays in force")
            return
        self._web, self.trouble = web, ""
        self._stamps = self._stamp()  # it may name other files now
        log.info("web_config_read", users=len(web.config.basic_auth_users), tls=web.context is not None)

    def _stamp(self) -> tuple[tuple[int, ...], ...]:
        """What changes with the files, also where a link is turned as Kubernetes does."""
        tls = self._web.config.tls_server_config
        named = () if tls is None else (tls.cert_file, tls.key_file, tls.client_ca_file)
        return tuple(_stamp(path) for path in (self._listen.web_config, *named) if path is not None)


def tls_context(tls: TlsServer, file: Path) -> ssl.SSLContext:
    """The context of a server.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = VERSIONS[tls.min_version], VERSIONS[tls.max_version]
    context.set_ciphers(":".join(CIPHERS[suite] for suite in tls.cipher_suites or CIPHERS))
    context.set_alpn_protocols(["http/1.1"])
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")  # never ask on a terminal
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        what = f"the certificates cannot be used ({reason})"
        remedy = "They must be PEM, the key without a password and that of the certificate."
        raise SettingsError((Problem(f"{file}: tls_server_config", what, remedy),)) from None
    context.verify_mode = VERIFY[tls.client_auth_type]
    return context


def _check_actors(listen: Listen, config: WebConfig) -> None:
    """Names of actors are users; where clients have certificates, they may also be in those."""
    tls = config.tls_server_config
    if tls is not None and tls.client_ca_file is not None:
        return
    unknown = [name for name in listen.actors if name not in config.basic_auth_users]
    if unknown:
        what = f"{unknown[0]!r} is none of the users of {listen.web_config}"
        raise SettingsError((Problem("listen.actors", what, "Add the user there, or correct the name here."),))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
