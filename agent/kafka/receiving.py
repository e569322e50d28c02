"""Reading from a socket piece by piece, and TLS handshakes that end.

kafka-python 3.0.12 reads until nothing is left, 4 KiB at a time, before it looks at what it has: a broker that sends as
fast as that fills the memory with a response of any size. And it waits for a TLS handshake without limit. What is replaced
in it stands here; ``install`` does it once per process.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

from kafka import errors
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

PIECE_BYTES = 64 << 10
"""Asked for at once, and about the most that is held before it is looked at. TLS hands out no more than 16 KiB at a time; as
that fits, nothing stays behind in its buffer, of which the selector would not know."""

HANDSHAKE_SECONDS = 5.0
"""As long as the client may take to reach its first broker."""

_NOTHING_THERE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def install() -> None:
    """Let both transports of kafka-python receive like this, and TLS shake hands in bounded time; safe twice."""
    KafkaTCPTransport._sock_recv = receive
    KafkaSSLTransport._sock_recv = receive
    KafkaSSLTransport.handshake = handshake


async def handshake(transport: Any) -> None:
    """TLS, within ``HANDSHAKE_SECONDS``. 3.0.12 waits for ever on a peer that takes the connection and says nothing: what
    was to be sent on it waits with it, and at the start so does the caller. It also forgets the socket.

    Raises:
        KafkaTimeoutError, OSError: it did not come about; the socket is closed.
    """
    until = time.monotonic() + HANDSHAKE_SECONDS
    try:
        await _shake_hands(transport, until)
    except BaseException:
        transport._sock.close()
        raise


async def _shake_hands(transport: Any, until: float) -> None:
    while True:
        try:
            transport._sock.do_handshake()
            return
        except ssl.SSLWantReadError:
            await transport._net.wait_read(transport._sock, until)
        except ssl.SSLWantWriteError:
            await transport._net.wait_write(transport._sock, until)


def receive(transport: Any) -> tuple[bytes, Exception | None]:
    """What has come, up to a piece, and why nothing more will come, once all before it was handed out."""
    received: list[bytes] = []
    size = 0
    error: Exception | None = None
    while size < PIECE_BYTES:
        try:
            data = transport._sock.recv(PIECE_BYTES)
        except _NOTHING_THERE:
            break
        except OSError as failed:
            error = errors.KafkaConnectionError(failed)
            break
        if not data:
            error = errors.KafkaConnectionError("socket disconnected")
            break
        received.append(data)
        size += len(data)
    return b"".join(received), None if received else error
