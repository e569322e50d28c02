"""A mail server on loopback that keeps what it is handed, with STARTTLS, TLS and a log-in where they are asked for."""

from __future__ import annotations

import base64
import email
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default


@dataclass
class SmtpSink:
    """Attributes:
    trust: the server's side of TLS; None speaks in the clear.
    tls_at_once: as on port 465; else it is offered as STARTTLS.
    login: (user, password) that is asked for.
    answers: what is answered to a command instead of its usual answer; refusals: the same to a recipient.
    mute: after the greeting nothing is answered, but a letter now and then.
    """

    port: int = 0
    trust: ssl.SSLContext | None = None
    tls_at_once: bool = False
    login: tuple[str, str] | None = None
    answers: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    mute: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    encrypted: bool = False


@contextmanager
def smtp_sink(**changes: object) -> Iterator[SmtpSink]:
    sink = SmtpSink(**changes)  # type: ignore[arg-type]
    listener = socket.create_server(("127.0.0.1", 0))
    sink.port = listener.getsockname()[1]
    thread = threading.Thread(target=_serve, args=(sink, listener), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _serve(sink: SmtpSink, listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError, ValueError):
            _Conversation(sink, connection).hold()


class _Conversation:
    def __init__(self, sink: SmtpSink, connection: socket.socket) -> None:
        self.sink = sink
        self.connection = connection
        if sink.trust is not None and sink.tls_at_once:
            self._encrypt()
        self.lines = self.connection.makefile("rb")

    def _encrypt(self) -> None:
        assert self.sink.trust is not None
        self.connection = self.sink.trust.wrap_socket(self.connection, server_side=True)
        self.sink.encrypted = True

    def say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    def hold(self) -> None:
        try:
            self.say("220 sink")
            while (line := self.lines.readline()) and self._answer(line.decode().rstrip("\r\n")):
                continue
        finally:
            self.lines.close()
            if self.connection.fileno() >= 0:
                self.connection.close()

    def _answer(self, line: str) -> bool:
        self.sink.seen.append(line)
        word = line.partition(" ")[0].upper()
        while self.sink.mute:
            self.connection.sendall(b"2")
            threading.Event().wait(0.05)
        if word in self.sink.answers:
            self.say(self.sink.answers[word])
        elif word == "EHLO":
            self._offer()
        elif word == "STARTTLS":
            self.say("220 go ahead")
            self.lines.close()
            self._encrypt()
            self.lines = self.connection.makefile("rb")
        elif word == "AUTH":
            self.say("235 welcome" if self._knows(line) else "535 wrong password")
        elif word == "DATA":
            self.say("354 end with a dot")
            self._keep()
            self.say("250 kept")
        elif word == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say(self._recipient(line) if word == "RCPT" else "250 ok")
        return True

    def _recipient(self, line: str) -> str:
        who = line.partition("<")[2].partition(">")[0]
        if who in self.sink.refusals:
            return self.sink.refusals[who]
        self.sink.recipients.append(who)
        return "250 ok"

    def _offer(self) -> None:
        offers = ["sink"]
        if self.sink.trust is not None and not self.sink.encrypted:
            offers.append("STARTTLS")
        if self.sink.login is not None:
            offers.append("AUTH PLAIN")
        for i, offer in enumerate(offers):
            self.say(f"250{' ' if i == len(offers) - 1 else '-'}{offer}")

    def _knows(self, line: str) -> bool:
        _, user, password = base64.b64decode(line.split()[-1]).decode().split("\0")
        return (user, password) == self.sink.login

    def _keep(self) -> None:
        body = b""
        while (line := self.lines.readline()) not in (b".\r\n", b""):
            body += line.removeprefix(b".") if line.startswith(b"..") else line
        mail = email.message_from_bytes(body, policy=default)
        assert isinstance(mail, EmailMessage)
        self.sink.mails.append(mail)
