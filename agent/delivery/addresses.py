"""Connections to receivers, and to nothing that hides behind their names.

A name that anybody could have registered (``hooks.example.com``) must lead to a public address, or a change in the DNS
would turn the agent's messages against the inner network. The address that was looked up and judged is the one that is
connected to; there is no second look-up. Names that say themselves that they are inner ones lead where they lead: an IP
address, a name without a dot (``alertmanager``), and the suffixes reserved for it. ``allow_private`` is for all others.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time

from config.errors import DeliveryError

INNER_SUFFIXES = (
    ".localhost",
    ".local",
    ".internal",
    ".svc",
    ".lan",
    ".home.arpa",
    ".test",
)
"""RFC 6761, 6762, 8375, ICANN's ``internal``, and what clusters use: none of them is ever public."""


def is_inner_name(host: str) -> bool:
    """Whether a host says by its spelling that it is an address or of the inner network."""
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(INNER_SUFFIXES) or _is_address(name)


def _is_address(name: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


def is_public(address: str) -> bool:
    """Whether anybody on the internet could be reached there. An IPv4 address inside an IPv6 one is judged by itself."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inside is not None:
            return is_public(str(inside))
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def connect(host: str, port: int, deadline: float, allow_private: bool = False) -> socket.socket:
    """Connect to the first address of a host that answers.

    Args:
        deadline: by ``time.monotonic``.
        allow_private: whether a public name may lead to an inner address.

    Raises:
        DeliveryError: the name leads to inner addresses only, and must not; retriable, since names are mended elsewhere.
        OSError: there is no such name, or nobody answers.
        TimeoutError: not in time.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(where[0]) for *_, where in found]
    if not (allow_private or is_inner_name(host)):
        addresses = [address for address in addresses if is_public(address)]
        if not addresses:
            raise DeliveryError(
                f"{host}: the name leads to an inner address, and nothing is sent there; if it is right, set allow_private",
                retriable=True,
            )
    return _first_that_answers(addresses, port, deadline)


def _first_that_answers(addresses: list[str], port: int, deadline: float) -> socket.socket:
    failed: OSError = OSError("the name leads to no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=seconds_left(deadline))
        except OSError as error:
            failed = error
    raise failed


def seconds_left(deadline: float) -> float:
    """Seconds until the deadline; a socket time-out of 0 would mean something else."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
