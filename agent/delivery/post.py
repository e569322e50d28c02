"""One HTTP POST with one deadline.

The deadline covers the whole exchange, also against a receiver that answers one byte a second. No redirect is followed, no
proxy of the environment is used, at most 64 KiB of an answer are read: a message goes where the settings say, or nowhere.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import h11

from agent.delivery.addresses import connect, seconds_left
from config.errors import DeliveryError
from exporters.request import PostRequest, PostResponse

MAX_ANSWER_BYTES = 64 * 1024
_CHUNK_BYTES = 16 * 1024
UNSENDABLE = "a header or the address of the settings cannot be sent; mend it and reload"


def post(request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
    """Send a request and return the answer, whatever its status.

    Raises:
        DeliveryError: no connection, no trust, no complete answer in time, a name that leads to the inner network, or a
            header or address that HTTP cannot carry; all retriable, and none repeats a header.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        with _connected(request, deadline, ca_file) as connection:
            return _exchange(connection, request, deadline)
    except TimeoutError:
        raise _failed(request.url, f"no complete answer within {timeout_seconds:g} s") from None
    except h11.LocalProtocolError:  # its text quotes the header, which is a secret
        raise _failed(request.url, UNSENDABLE) from None
    except (OSError, h11.ProtocolError) as error:  # before ValueError: a certificate that is not trusted is both
        raise _failed(request.url, f"{type(error).__name__}: {error}") from None
    except ValueError as error:  # a port that is none, a name that no DNS takes, letters that HTTP does not know
        raise _failed(request.url, f"{UNSENDABLE} ({type(error).__name__})") from None


def _failed(url: str, what: str) -> DeliveryError:
    host = re.split("[/?#]", url.partition("://")[2])[0].rpartition("@")[2]  # urlsplit raises for some that are wrong
    return DeliveryError(f"{host}: {what}", retriable=True)


@contextlib.contextmanager
def _connected(request: PostRequest, deadline: float, ca_file: str | None) -> Iterator[socket.socket]:
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connect(host, port, deadline, request.allow_private))
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            connection.settimeout(seconds_left(deadline))
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname=host))
        yield connection


def _exchange(connection: socket.socket, request: PostRequest, deadline: float) -> PostResponse:
    protocol = h11.Connection(h11.CLIENT)
    events = (_head(request), h11.Data(data=request.body), h11.EndOfMessage())
    connection.settimeout(seconds_left(deadline))
    connection.sendall(b"".join(protocol.send(event) or b"" for event in events))
    return _answer(connection, protocol, deadline)


def _head(request: PostRequest) -> h11.Request:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": "wachter",
        "Connection": "close",
        "Content-Length": str(len(request.body)),
        **request.headers,
    }
    return h11.Request(method="POST", target=target, headers=list(headers.items()))


def _answer(connection: socket.socket, protocol: h11.Connection, deadline: float) -> PostResponse:
    head: h11.Response | None = None
    body = b""
    while len(body) < MAX_ANSWER_BYTES:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            connection.settimeout(seconds_left(deadline))
            protocol.receive_data(connection.recv(_CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("the connection was closed without an answer")
    assert head is not None
    return PostResponse(head.status_code, body.decode(errors="replace").strip(), _retry_after(head))


def _retry_after(head: h11.Response) -> float | None:
    """Seconds of a Retry-After header; its date form is rare and read as absent."""
    for name, value in head.headers:
        if name == b"retry-after" and value.isdigit():
            return float(value)
    return None
