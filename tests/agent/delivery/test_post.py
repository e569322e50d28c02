"""One POST against servers that speak the real protocol, and some that do not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.delivery.post import MAX_ANSWER_BYTES, post
from config.errors import DeliveryError
from exporters.request import PostRequest, PostResponse
from tests.parts.certificates import Certificates

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
BODY = b'{"a":1}'
Answer = Callable[[socket.socket], None]


@contextmanager
def receiver(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """A server for one connection: reads the whole request, then does as told."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            request = b""
            while not request.endswith(BODY):
                part = connection.recv(65536)
                if not part:  # whoever asked has given up
                    return
                request += part
            requests.append(request)
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook?a=b", requests
    finally:
        thread.join(5)
        listener.close()


def send(url: str, timeout_seconds: float = 5.0) -> PostResponse:
    return post(PostRequest(url, BODY, {"Content-Type": "application/json", "X-Team": "risk"}), timeout_seconds)


def test_a_request_arrives_as_it_was_made() -> None:
    with receiver(lambda connection: connection.sendall(OK)) as (url, requests):
        send(url)
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert b"X-Team: risk" in head
    assert b"Content-Length: 7" in head
    assert body == BODY


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\ndone",
    ],
    ids=["sized", "after-continue", "chunked", "until-closed"],
)
def test_an_answer_is_read_in_every_form_that_http_has(answer: bytes) -> None:
    with receiver(lambda connection: connection.sendall(answer)) as (url, _):
        response = send(url)
    assert (response.status, response.text) == (200, "done")


def test_a_receiver_may_say_when_to_come_again() -> None:
    busy = b"HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"
    with receiver(lambda connection: connection.sendall(busy)) as (url, _):
        response = send(url)
    assert (response.status, response.retry_after_seconds) == (429, 17.0)


def test_a_redirect_is_an_answer_and_nothing_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        target = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        moved = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        with receiver(lambda connection: connection.sendall(moved)) as (url, _):
            assert send(url).status == 302
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def trickle(connection: socket.socket) -> None:
    """One byte now and then, for ever."""
    try:
        for byte in OK[:-1] * 100:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.02)
    except OSError:
        return


@pytest.mark.parametrize("answer", [trickle, lambda connection: connection.recv(1)], ids=["trickling", "silent"])
def test_one_deadline_covers_the_whole_exchange(answer: Answer) -> None:
    with receiver(answer) as (url, _):
        begun = time.monotonic()
        with pytest.raises(DeliveryError, match=r"no complete answer within 0\.3 s") as caught:
            send(url, timeout_seconds=0.3)
    assert caught.value.retriable
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"]
)
def test_what_is_no_complete_answer_is_tried_again(answer: bytes) -> None:
    with receiver(lambda connection: connection.sendall(answer)) as (url, _), pytest.raises(DeliveryError) as caught:
        send(url)
    assert caught.value.retriable


def test_an_endless_answer_is_read_only_so_far() -> None:
    def endless(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    with receiver(endless) as (url, _):
        response = send(url)
    assert len(response.text) < 2 * MAX_ANSWER_BYTES


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "https://127.0.0.1:1/"])
def test_a_receiver_that_is_not_there_is_tried_again(url: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        send(url, timeout_seconds=5)
    assert caught.value.retriable


def test_a_receiver_with_a_certificate_of_a_named_authority_is_trusted_and_any_other_is_not(tmp_path: Path) -> None:
    certificates = Certificates.create(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        request = PostRequest(f"https://127.0.0.1:{listener.getsockname()[1]}/", BODY, {})
        assert post(request, 5.0, str(certificates.authority)).status == 200
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            post(request, 5.0)
        thread.join(5)


def test_the_password_of_an_address_is_not_in_the_error() -> None:
    with pytest.raises(DeliveryError) as caught:
        send("http://user:s3cret@127.0.0.1:1/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer s3cret\n",
        "Bearer s3cret\nX-More: 1",
        "Bearer s3cret\x00",
        " s3cret",
        "Bearer s3crét",
        "Bearer s3cret\U0001f511",
    ],
    ids=["line break", "two lines", "control character", "blank", "accent", "symbol"],
)
def test_a_header_that_cannot_be_sent_is_not_in_the_error(secret: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        request = PostRequest(f"http://127.0.0.1:{listener.getsockname()[1]}/", BODY, {"Authorization": secret})
        with pytest.raises(DeliveryError, match="a header or the address of the settings cannot be sent") as caught:
            post(request, 20.0)
    assert "s3cr" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__suppress_context__
    assert caught.value.retriable


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/s3cret",
        "http://127.0.0.1:port/s3cret",
        "http://a..b/s3cret",
        f"http://{'a' * 64}.example.org/s3cret",
        "http://[::1/s3cret",
    ],
)
def test_an_address_that_is_none_is_tried_again_until_it_is_mended(url: str) -> None:
    with pytest.raises(DeliveryError, match="cannot be sent") as caught:
        send(url, timeout_seconds=20.0)
    assert "s3cret" not in str(caught.value)
    assert caught.value.retriable


def test_an_address_with_letters_that_http_does_not_know_is_tried_again_until_it_is_mended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(DeliveryError, match="cannot be sent"):
        send(f"http://127.0.0.1:{listener.getsockname()[1]}/hööks", timeout_seconds=20.0)
