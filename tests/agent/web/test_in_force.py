"""The web config is read again when it changes; a bad one changes nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from agent.web.in_force import LOOK_SECONDS, InForce
from config.errors import SettingsError
from tests.agent.web.secured import AS_ADA, USERS, ask_securely, listen, over_tls, serving_with, trusting
from tests.agent.web_client import ask
from tests.parts.certificates import Certificates


class Watch:
    """A monotonic clock that is turned by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def create(directory: Path) -> Certificates:
    directory.mkdir(exist_ok=True)
    return Certificates.create(directory)


def users_of(web: InForce) -> list[str]:
    return sorted(web.current().config.basic_auth_users)


def test_a_changed_file_is_in_force_within_a_second(tmp_path: Path, watch: Watch) -> None:
    web = InForce(listen(tmp_path, {"basic_auth_users": USERS}), watch)
    listen(tmp_path, {"basic_auth_users": {"ada": USERS["ada"]}})
    assert users_of(web) == ["ada", "scraper"]
    watch.seconds += LOOK_SECONDS
    assert users_of(web) == ["ada"]


@pytest.mark.parametrize("content", ["", "basic_auth_users: {ada: plain}", "{", "tls_server_config: {}"])
def test_a_bad_file_is_said_and_the_former_stays_until_it_is_mended(tmp_path: Path, watch: Watch, content: str) -> None:
    web = InForce(listen(tmp_path, {"basic_auth_users": USERS}), watch)
    (tmp_path / "web.yml").write_text(content)
    watch.seconds += LOOK_SECONDS
    assert users_of(web) == ["ada", "scraper"]
    assert "web.yml" in web.trouble
    listen(tmp_path, {"basic_auth_users": {"ada": USERS["ada"]}})
    watch.seconds += LOOK_SECONDS
    assert users_of(web) == ["ada"]
    assert web.trouble == ""


def test_a_file_that_vanished_locks_nobody_in_and_nobody_out(tmp_path: Path, watch: Watch) -> None:
    web = InForce(listen(tmp_path, {"basic_auth_users": USERS}), watch)
    (tmp_path / "web.yml").unlink()
    watch.seconds += LOOK_SECONDS
    assert users_of(web) == ["ada", "scraper"]
    assert web.trouble


def test_tls_is_not_lost_by_a_change(tmp_path: Path, watch: Watch) -> None:
    web = InForce(listen(tmp_path, over_tls(create(tmp_path / "a"))), watch)
    listen(tmp_path, {"basic_auth_users": USERS})
    watch.seconds += LOOK_SECONDS
    assert web.current().context is not None
    assert "Start the agent again" in web.trouble


def test_a_certificate_that_was_renewed_is_shown_to_the_next_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.in_force.LOOK_SECONDS", 0.0)
    before = create(tmp_path / "pair")
    trusts_before = trusting(before)
    with serving_with(listen(tmp_path, over_tls(before))) as (_, server):
        assert ask_securely(server, "/-/healthy", trusts_before).status == 200
        after = create(tmp_path / "pair")
        assert ask_securely(server, "/-/healthy", trusting(after)).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask_securely(server, "/-/healthy", trusts_before)


def test_a_half_renewed_pair_keeps_the_former(tmp_path: Path, watch: Watch) -> None:
    pair = create(tmp_path / "pair")
    web = InForce(listen(tmp_path, over_tls(pair)), watch)
    former = web.current().context
    pair.certificate.write_bytes(create(tmp_path / "other").certificate.read_bytes())
    watch.seconds += LOOK_SECONDS
    assert web.current().context is former
    assert "KEY_VALUES_MISMATCH" in web.trouble
    pair.key.write_bytes((tmp_path / "other" / "key.pem").read_bytes())
    watch.seconds += LOOK_SECONDS
    assert web.current().context is not former


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem"])
def test_certificates_that_cannot_be_used_are_named_without_their_content(tmp_path: Path, broken: str) -> None:
    pair = create(tmp_path / "pair")
    (tmp_path / "pair" / broken).write_text("hunter2")
    with pytest.raises(SettingsError, match=r"web\.yml: tls_server_config: the certificates cannot be used") as caught:
        InForce(listen(tmp_path, over_tls(pair)))
    assert "hunter2" not in str(caught.value)


def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    pair = create(tmp_path / "pair")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"x")
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    with pytest.raises(SettingsError, match="without a password"):
        InForce(listen(tmp_path, over_tls(pair)))


def test_a_user_who_was_removed_is_out_also_on_an_open_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.in_force.LOOK_SECONDS", 0.0)
    with serving_with(listen(tmp_path, {"basic_auth_users": USERS})) as (_, server):
        assert ask(server, "/", headers=AS_ADA).status == 200
        (tmp_path / "web.yml").write_text(yaml.safe_dump({"basic_auth_users": {"scraper": USERS["scraper"]}}))
        assert ask(server, "/", headers=AS_ADA).status == 401


def test_the_server_says_why_the_file_is_not_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.in_force.LOOK_SECONDS", 0.0)
    with serving_with(listen(tmp_path, {"basic_auth_users": USERS})) as (_, server):
        assert server.web_config_trouble == ""
        (tmp_path / "web.yml").write_text("{")
        assert ask(server, "/-/healthy").status == 200
        assert "web.yml" in server.web_config_trouble
