"""What is read from a socket before it is looked at."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from kafka import errors
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from agent.kafka import receiving
from agent.kafka.receiving import PIECE_BYTES, install, receive


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * PIECE_BYTES)
        yield ours, theirs


def test_both_transports_of_the_client_receive_like_this() -> None:
    install()
    assert KafkaTCPTransport._sock_recv is KafkaSSLTransport._sock_recv is receive


def test_no_more_than_two_pieces_are_held_however_much_waits(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    sent = bytes(range(256)) * (3 * PIECE_BYTES // 256)
    theirs.sendall(sent)
    got = []
    while sum(map(len, got)) < len(sent):
        data, error = receive(SimpleNamespace(_sock=ours))
        assert error is None
        assert 0 < len(data) < 2 * PIECE_BYTES
        got.append(data)
    assert b"".join(got) == sent


def test_nothing_is_no_error(ends: tuple[socket.socket, socket.socket]) -> None:
    assert receive(SimpleNamespace(_sock=ends[0])) == (b"", None)


def test_what_came_before_the_end_is_handed_out_before_the_end_is_told(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.sendall(b"last words")
    theirs.close()
    assert receive(SimpleNamespace(_sock=ours)) == (b"last words", None)
    data, error = receive(SimpleNamespace(_sock=ours))
    assert data == b""
    assert isinstance(error, errors.KafkaConnectionError)


def test_a_broken_socket_is_an_error(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = ends
    ours.close()
    data, error = receive(SimpleNamespace(_sock=ours))
    assert data == b""
    assert isinstance(error, errors.KafkaConnectionError)


def test_a_peer_that_says_nothing_is_not_waited_for_when_hands_are_shaken(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would wait for ever, and with it whatever was to be sent on the connection."""
    monkeypatch.setattr(receiving, "HANDSHAKE_SECONDS", 0.05)
    install()
    net = NetworkSelector()
    transport = KafkaSSLTransport(net, ends[0], host="broker", ssl_context=ssl.create_default_context())
    try:
        with pytest.raises(errors.KafkaTimeoutError):
            net.run(transport.handshake)
        assert transport._sock.fileno() == -1
    finally:
        net.close()
