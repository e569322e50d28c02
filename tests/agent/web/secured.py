"""A server with users, certificates and actors, and clients that know them."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import yaml

from agent.web.server import WebServer
from config.settings.service import Listen
from tests.agent.web_client import SETTINGS, Answer, FakeAgent, serving
from tests.parts.certificates import Certificates

ADA, SCRAPER = "Ada's password", "scrape me"
USERS = {
    name: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    for name, password in (("ada", ADA), ("scraper", SCRAPER))
}


def basic(user: str, password: str) -> dict[str, str]:
    """The header with which a user signs in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


AS_ADA, AS_SCRAPER = basic("ada", ADA), basic("scraper", SCRAPER)


def listen(directory: Path, web: Mapping[str, Any], **given: Any) -> Listen:
    """Settings whose web config file holds this."""
    file = directory / "web.yml"
    file.write_text(yaml.safe_dump(dict(web)))
    return Listen(web_config=file, **given)


def agent_with(listening: Listen) -> FakeAgent:
    return FakeAgent(settings=SETTINGS.model_copy(update={"listen": listening}))


@contextmanager
def serving_with(listening: Listen) -> Iterator[tuple[FakeAgent, WebServer]]:
    agent = agent_with(listening)
    with serving(agent) as server:
        yield agent, server


def over_tls(certificates: Certificates, **given: str) -> dict[str, Any]:
    """A web config with TLS."""
    return {
        "tls_server_config": {"cert_file": str(certificates.certificate), "key_file": str(certificates.key), **given}
    }


def with_clients(certificates: Certificates, **given: Any) -> dict[str, Any]:
    """A web config that asks clients for a certificate."""
    asks = {"client_ca_file": str(certificates.authority), "client_auth_type": "RequireAndVerifyClientCert"}
    return over_tls(certificates, **asks, **given)


def trusting(certificates: Certificates, shown: Certificates | None = None) -> ssl.SSLContext:
    """A client's context: trusts the authority of one, shows the certificate of the other."""
    context = ssl.create_default_context(cafile=certificates.authority)
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    return context


def ask_securely(
    server: WebServer,
    path: str,
    context: ssl.SSLContext,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, response.read())
    finally:
        connection.close()
