"""The web config file: what exporter-toolkit takes is taken, what cannot be done is refused by name."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import SettingsError
from config.settings import from_mapping
from config.settings.web import WebConfig, load_web_config
from tests.config import sample
from tests.parts.monitoring import require

HASH = "$2b$04$QBcha9QdhNBLEtbvUR3T0uCsepGxzsgCsfDFW602KFn7qgrIGDmIi"
"""Of ``alice123``."""
FULL = {
    "tls_server_config": {
        "cert_file": "cert.pem",
        "key_file": "key.pem",
        "client_ca_file": "ca.pem",
        "client_auth_type": "RequireAndVerifyClientCert",
        "min_version": "TLS12",
        "max_version": "TLS13",
        "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        "prefer_server_cipher_suites": True,
    },
    "http_server_config": {"http2": False, "headers": {"X-Frame-Options": "deny"}},
    "basic_auth_users": {"alice": HASH},
}


def write(directory: Path, content: Any) -> Path:
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (directory / name).touch()
    file = directory / "web.yml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def mistakes(directory: Path, content: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_web_config(write(directory, content))
    return str(caught.value)


def test_a_whole_file_is_read_and_files_are_relative_to_it(tmp_path: Path) -> None:
    config = load_web_config(write(tmp_path, FULL))
    assert config.tls_server_config is not None
    assert config.tls_server_config.cert_file == tmp_path / "cert.pem"
    assert config.tls_server_config.requires_certificate
    assert config.basic_auth_users["alice"].get_secret_value() == HASH
    assert config.http_server_config.headers == {"X-Frame-Options": "deny"}


@pytest.mark.parts
def test_promtool_takes_what_is_taken_here(tmp_path: Path) -> None:
    (promtool,) = require("promtool")
    file = write(tmp_path, FULL)
    certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    certificate += ["-subj", "/CN=x", "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(certificate, check=True, capture_output=True)
    (tmp_path / "ca.pem").write_bytes((tmp_path / "cert.pem").read_bytes())
    done = subprocess.run([promtool, "check", "web-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rate_limit_has_an_interval_and_a_burst(tmp_path: Path) -> None:
    limit = load_web_config(write(tmp_path, {"rate_limit": {"interval": "100ms", "burst": 20}})).rate_limit
    assert (limit.interval_us, limit.burst) == (100_000, 20)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "basic_auth_users:"),
        ({"basic_auth_user": {}}, "Did you mean basic_auth_users?"),
        ({"basic_auth_users": {"a": "secret"}}, "not a bcrypt hash"),
        ({"basic_auth_users": {"a": HASH.replace("$04$", "$31$")}}, "cost from 4 to 15"),
        ({"basic_auth_users": {"a:b": HASH}}, "holds a colon"),
        ({"rate_limit": {"interval": "1s"}}, "nothing would ever be let in"),
        ({"http_server_config": {"headers": {"Server": "x"}}}, "'Server' cannot be set here"),
        ({"tls_server_config": {"cert_file": "cert.pem"}}, "key_file"),
        ({"tls_server_config": {"cert_file": "nowhere.pem", "key_file": "key.pem"}}, "there is no file"),
        ({"tls_server_config": FULL["tls_server_config"] | {"min_version": "TLS10"}}, "TLS12"),
        ({"tls_server_config": FULL["tls_server_config"] | {"cipher_suites": ["TLS_RSA_X"]}}, "'TLS_RSA_X'"),
        (
            {"tls_server_config": FULL["tls_server_config"] | {"client_auth_type": "RequireAnyClientCert"}},
            "not supported",
        ),
        ({"tls_server_config": FULL["tls_server_config"] | {"client_auth_type": "NoClientCert"}}, "belong together"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_what_to_do(tmp_path: Path, content: Any, said: str) -> None:
    text = mistakes(tmp_path, content)
    assert str(tmp_path / "web.yml") in text
    assert said in text


def test_no_mistake_repeats_a_password_or_a_hash(tmp_path: Path) -> None:
    wrong = {"basic_auth_users": {"a": "hunter2", "b": ["hunter2"], "c": {"hunter2": "hunter2"}}}
    assert "hunter2" not in mistakes(tmp_path, wrong)
    assert HASH not in repr(load_web_config(write(tmp_path, FULL)))


@pytest.mark.parametrize(
    ("config", "known"),
    [({}, False), ({"basic_auth_users": {"a": HASH}}, True), ({"http_server_config": {"http2": True}}, False)],
)
def test_people_are_known_by_passwords_or_certificates(config: dict[str, Any], known: bool) -> None:
    assert WebConfig(**config).knows_people is known


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "agent.example"])
def test_an_address_that_others_reach_is_refused_with_the_remedy(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match=r"listen\.web_config, or set listen\.insecure: true"):
        from_mapping(sample.settings(listen={"host": host}))
    assert from_mapping(sample.settings(listen={"host": host, "insecure": True})).listen.insecure
    file = write(tmp_path, FULL)
    assert from_mapping(sample.settings(listen={"host": host, "web_config": str(file)})).listen.web_config == file


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_loopback_needs_no_users(host: str) -> None:
    assert from_mapping(sample.settings(listen={"host": host})).listen.web_config is None
