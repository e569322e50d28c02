"""The fault proxy does what it says, to connections that are no Kafka."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import FaultProxy


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Before a server that answers everything with the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_echo, args=(server,), daemon=True)
        thread.start()
        with FaultProxy(f"127.0.0.1:{server.getsockname()[1]}") as started:
            yield started
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(20)
            try:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)
            except OSError:
                continue


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def ask(connection: socket.socket, data: bytes = b"hello") -> bytes:
    connection.sendall(data)
    return connection.recv(1 << 16)


def test_it_forwards_and_delays(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection) == b"hello"
        proxy.delay(0.1)
        began = time.monotonic()
        assert ask(connection) == b"hello"
        assert time.monotonic() - began >= 0.2


def test_what_hangs_goes_on_when_it_is_healed(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.hang()
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            ask(connection)
        connection.settimeout(20)
        proxy.heal()
        assert connection.recv(100) == b"hello"


def test_a_cut_resets_connections_and_takes_new_ones(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection) == b"hello"
        proxy.cut()
        assert is_over(connection)
    with connect(proxy) as again:
        assert ask(again) == b"hello"


def test_refusing_ends_with_healing(proxy: FaultProxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as connection:
        assert ask(connection) == b"hello"


def test_an_answer_is_truncated_once(proxy: FaultProxy) -> None:
    proxy.truncate(3)
    with connect(proxy) as connection:
        assert ask(connection) == b"hel"
        assert is_over(connection)
    with connect(proxy) as again:
        assert ask(again) == b"hello"


def test_a_truncated_answer_ends_its_connection_although_all_is_healed_meanwhile(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that lived on would have a hole, as no network makes one."""
    drain = asyncio.StreamWriter.drain

    async def healed_meanwhile(writer: asyncio.StreamWriter) -> None:
        await drain(writer)
        if writer.get_extra_info("sockname")[1] == proxy.port:  # the answer's way
            proxy._left = None

    monkeypatch.setattr(asyncio.StreamWriter, "drain", healed_meanwhile)
    proxy.truncate(3)
    with connect(proxy) as connection:
        assert ask(connection) == b"hel"
        assert is_over(connection)


def is_over(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True
