"""One message over SMTP with one deadline, encrypted unless the settings say otherwise.

Connections go where ``addresses.connect`` lets them. A server that does not offer STARTTLS where it is asked for is told
nothing: neither the password nor the message leaves in the clear.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from agent.delivery.addresses import connect, seconds_left
from agent.delivery.target import RecipientsRefused
from config.errors import DeliveryError
from exporters.request import quotable

FINAL = range(500, 600)
NOT_FINAL = frozenset({530, 534, 535, 538, 454})
"""What is wrong with the log-in may be mended by a reload; the message waits for it."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where messages are handed in, and how."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    allow_private: bool = False


def send_mail(mail: EmailMessage, server: MailServer, timeout_seconds: float, to: Sequence[str] = ()) -> None:
    """Hand a message in.

    Args:
        to: whom it is for; empty for everybody in its header.

    Raises:
        RecipientsRefused: some were, or all of them for a time.
        DeliveryError: it was not taken. An answer of 5xx is final, but for log-ins; everything else is retriable.
    """
    recipients = tuple(to) or tuple(address.addr_spec for address in mail["To"].addresses)
    deadline = time.monotonic() + timeout_seconds
    try:
        with _session(server, deadline) as smtp:
            if server.username is not None:
                smtp.login(server.username, server.password or "")
            refused = smtp.send_message(mail, to_addrs=recipients)
    except smtplib.SMTPRecipientsRefused as error:
        raise _nobody_took(server, recipients, error.recipients) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(server, error.smtp_code, error.smtp_error) from None
    except TimeoutError:
        raise _failed(server, f"not taken within {timeout_seconds:g} s") from None
    except (OSError, smtplib.SMTPException) as error:
        late = time.monotonic() >= deadline
        what = f"not taken within {timeout_seconds:g} s" if late else f"{type(error).__name__}: {_words(error)}"
        raise _failed(server, what) from None
    except ValueError as error:  # letters that SMTP does not know; the text of the error would show them
        what = f"what the settings say cannot be sent; mend it and reload ({type(error).__name__})"
        raise _failed(server, what) from None
    if refused:
        raise _refused(server, refused, [who for who in refused if _is_retriable(refused[who][0])], taken=True)


class _Session(smtplib.SMTP):
    """smtplib over a socket that is connected already."""

    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        super().__init__(local_hostname=_own_name(connection))  # without one it would ask the DNS for it
        self.sock = connection
        self._host = server.host  # the name that STARTTLS checks the certificate for
        code, text = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)


@contextmanager
def _session(server: MailServer, deadline: float) -> Iterator[smtplib.SMTP]:
    with ExitStack() as stack:
        connection = stack.enter_context(connect(server.host, server.port, deadline, server.allow_private))
        connection.settimeout(seconds_left(deadline))
        _hang_up_at(deadline, connection, stack)
        if server.security == "tls":
            connection = stack.enter_context(_trust(server).wrap_socket(connection, server_hostname=server.host))
        smtp = _Session(server, connection)
        stack.callback(smtp.close)
        if server.security == "starttls":
            smtp.starttls(context=_trust(server))
        yield smtp
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()


def _hang_up_at(deadline: float, connection: socket.socket, stack: ExitStack) -> None:
    """Whatever the session waits for ends at the deadline, also with a server that answers one byte a second."""
    same = stack.enter_context(connection.dup())  # TLS takes the socket itself away
    alarm = threading.Timer(seconds_left(deadline), _hang_up, (same,))
    alarm.daemon = True
    alarm.start()
    stack.callback(alarm.join)
    stack.callback(alarm.cancel)


def _own_name(connection: socket.socket) -> str:
    """The address literal of RFC 5321, 4.1.3."""
    address = str(connection.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _trust(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


Refusals = dict[str, tuple[int, bytes]]
"""Answers by recipient, as smtplib gives them."""


def _nobody_took(server: MailServer, recipients: Sequence[str], refused: Refusals) -> DeliveryError:
    """A server that hangs up answers only for the recipients until then; those behind were not refused."""
    left = [who for who in recipients if who not in refused or _is_retriable(refused[who][0])]
    if not left:
        return _answered(server, *next(iter(refused.values())))
    return _refused(server, refused, left, taken=False)


def _refused(server: MailServer, refused: Refusals, left: Sequence[str], *, taken: bool) -> RecipientsRefused:
    answers = "; ".join(f"{who}: {code} {quotable(_text(said))}" for who, (code, said) in refused.items())
    lost = len(refused.keys() - set(left))
    return RecipientsRefused(
        f"{server.host}: recipients were refused: {answers}", left=tuple(left), lost=lost, taken=taken
    )


def _is_retriable(code: int) -> bool:
    return code not in FINAL or code in NOT_FINAL


def _answered(server: MailServer, code: int, text: bytes | str) -> DeliveryError:
    return DeliveryError(f"{server.host}: {code} was answered: {quotable(_text(text))}", retriable=_is_retriable(code))


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _failed(server: MailServer, what: str) -> DeliveryError:
    return DeliveryError(f"{server.host}: {what}", retriable=True)


def _words(error: Exception) -> str:
    return quotable(str(error))
