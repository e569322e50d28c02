from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from agent.delivery.mail import MailServer, send_mail
from config.errors import DeliveryError
from exporters.email import compose
from tests.agent.delivery.smtp_sink import SmtpSink, smtp_sink
from tests.agent.outbox_stage import firing
from tests.exporters.sample import NOW_US
from tests.parts.certificates import Certificates

PASSWORD = "hunter2-correct-horse"
MAIL = compose([firing()], sender="wachter@example.org", to=["ml@example.org"], delivery=7, now_us=NOW_US)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.create(tmp_path)


@pytest.fixture
def trust(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.keystore)
    return context


@pytest.fixture
def ca_file(certificates: Certificates) -> str:
    return str(certificates.authority)


def server_of(sink: SmtpSink, security: str = "none", **changes: object) -> MailServer:
    return MailServer("localhost", sink.port, security, **changes)  # type: ignore[arg-type]


def test_a_mail_arrives_as_it_was_written() -> None:
    with smtp_sink() as sink:
        send_mail(MAIL, server_of(sink), 5)
    (mail,) = sink.mails
    assert sink.recipients == ["ml@example.org"]
    assert mail["Subject"] == "[Wachter] warning: it broke"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_is_handed_in_encrypted_and_with_the_password(trust: ssl.SSLContext, ca_file: str, security: str) -> None:
    with smtp_sink(trust=trust, tls_at_once=security == "tls", login=("agent", PASSWORD)) as sink:
        send_mail(MAIL, server_of(sink, security, username="agent", password=PASSWORD, ca_file=ca_file), 5)
    assert sink.encrypted
    assert len(sink.mails) == 1


def test_a_server_without_starttls_is_told_neither_password_nor_mail() -> None:
    with smtp_sink(login=("agent", PASSWORD)) as sink, pytest.raises(DeliveryError, match="STARTTLS") as caught:
        send_mail(MAIL, server_of(sink, "starttls", username="agent", password=PASSWORD), 5)
    assert caught.value.retriable
    assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.seen)


def test_a_server_that_nobody_vouches_for_is_told_nothing(trust: ssl.SSLContext) -> None:
    with smtp_sink(trust=trust) as sink, pytest.raises(DeliveryError, match="certificate") as caught:
        send_mail(MAIL, server_of(sink, "starttls"), 5)
    assert caught.value.retriable
    assert sink.mails == []


def test_a_wrong_password_waits_to_be_mended_and_is_not_repeated_in_the_error(
    trust: ssl.SSLContext, ca_file: str
) -> None:
    with smtp_sink(trust=trust, login=("agent", "another")) as sink:
        server = server_of(sink, "starttls", username="agent", password=PASSWORD, ca_file=ca_file)
        with pytest.raises(DeliveryError, match="535") as caught:
            send_mail(MAIL, server, 5)
    assert caught.value.retriable
    assert PASSWORD not in f"{caught.value} {server!r}"


@pytest.mark.parametrize(("answer", "retriable"), [("550 no such user", False), ("451 try again later", True)])
def test_what_a_server_answers_decides_whether_it_is_asked_again(answer: str, retriable: bool) -> None:
    with smtp_sink(answers={"RCPT": answer}) as sink, pytest.raises(DeliveryError, match=answer[:3]) as caught:
        send_mail(MAIL, server_of(sink), 5)
    assert caught.value.retriable is retriable


def test_a_server_that_answers_a_letter_now_and_then_is_left_at_the_deadline() -> None:
    with smtp_sink(mute=True) as sink:
        begun = time.monotonic()
        with pytest.raises(DeliveryError, match=r"not taken within 0\.3 s") as caught:
            send_mail(MAIL, server_of(sink), 0.3)
    assert time.monotonic() - begun < 10
    assert caught.value.retriable


def test_a_server_that_is_not_there_is_asked_again() -> None:
    with smtp_sink() as sink:
        pass
    with pytest.raises(DeliveryError, match="ConnectionRefusedError") as caught:
        send_mail(MAIL, server_of(sink), 5)
    assert caught.value.retriable


def test_a_password_that_smtp_cannot_carry_waits_to_be_mended_and_is_not_in_the_error() -> None:
    with smtp_sink(login=("agent", PASSWORD)) as sink:
        server = server_of(sink, username="agent", password=f"{PASSWORD}-ö")
        with pytest.raises(DeliveryError, match="cannot be sent") as caught:
            send_mail(MAIL, server, 20)
    assert caught.value.retriable
    assert PASSWORD not in str(caught.value)
    assert sink.mails == []


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example.org"])
def test_a_host_that_is_none_waits_to_be_mended(host: str) -> None:
    with pytest.raises(DeliveryError, match="cannot be sent") as caught:
        send_mail(MAIL, MailServer(host, 25), 20)
    assert caught.value.retriable
