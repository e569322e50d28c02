"""Texts that go over a wire to receivers: what HTTP, SMTP and the DNS cannot carry is a mistake when the settings load.

Without that it would come out when somebody must be told. Headers and passwords are secrets: no mistake repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from config.section import COMMAS, Name, Url, is_host, mistake

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_FIELD = re.compile(r"([\x21-\x7e]+([ \t]+[\x21-\x7e]+)*)?")
_LINE = re.compile(r"[\x20-\x7e]*")


def check_endpoint(url: str) -> str:
    """An address that messages are posted to, as a browser would write it into a request line (RFC 9112, 3.2)."""
    if not _VISIBLE.fullmatch(url):
        raise mistake(
            "the address holds a space, a control character or a letter beyond ASCII",
            "Write such letters of a path as %C3%B6, and a host by its xn-- name.",
        )
    return url


def check_header(value: SecretStr, key: str) -> SecretStr:
    """The value of a header (RFC 9110, 5.5, without its obsolete letters)."""
    if not _FIELD.fullmatch(value.get_secret_value()):
        raise mistake(
            f"{key} holds a line break, a control character, a letter beyond ASCII, or a space at an end",
            "Write it on one line, in quotes; a | of YAML adds a line break.",
        )
    return value


def check_password(value: SecretStr) -> SecretStr:
    """A password that SMTP's log-ins carry: Python's smtplib sends ASCII only."""
    if not _LINE.fullmatch(value.get_secret_value()):
        raise mistake(
            "the password holds a line break, a control character or a letter beyond ASCII, which cannot be sent",
            "Set another one at the mail server, or write it on one line.",
        )
    return value


def _check_headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise mistake(
                "a name in it is not the name of a header", "Write letters, digits and -, as in X-Team: risk."
            )
        check_header(value, f"the value of {name}")
    return headers


def _check_user(user: str) -> str:
    if not _LINE.fullmatch(user):
        raise mistake(f"{user!r} holds letters beyond ASCII, which cannot be sent", "Ask for another user.")
    return user


def _check_host(host: str) -> str:
    if not is_host(host):
        raise mistake(f"{host!r} is not the name of a host", "Write a name or an address, as in mail.example.org.")
    return host


def _check_mail_address(address: str) -> str:
    if not _is_plain(address):
        raise mistake(f"{address!r} is not a plain e-mail address", "Write it in ASCII, as in ml@example.org.")
    return address


def _is_plain(address: str) -> bool:
    """One address without a display name, a comment or quotes, which mail servers take without SMTPUTF8."""
    name, at, domain = address.rpartition("@")
    if (
        not (name and at and domain)
        or not _VISIBLE.fullmatch(address)
        or any(letter in address for letter in ',;<>"()')
    ):
        return False
    try:
        Address(addr_spec=address)
    except (ValueError, MessageError):
        return False
    return True


Endpoint = Annotated[Url, AfterValidator(check_endpoint)]
"""An address that is posted to; addresses that people follow are a ``Url``."""

Endpoints = Annotated[tuple[Endpoint, ...], COMMAS]

Host = Annotated[Name, AfterValidator(_check_host)]
Headers = Annotated[dict[Name, SecretStr], AfterValidator(_check_headers)]
MailUser = Annotated[Name, AfterValidator(_check_user)]
MailAddress = Annotated[Name, AfterValidator(_check_mail_address)]
MailAddresses = Annotated[tuple[MailAddress, ...], COMMAS]
