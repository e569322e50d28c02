from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.delivery import addresses
from agent.delivery.addresses import connect, is_inner_name, is_public
from agent.delivery.post import post
from config.errors import DeliveryError
from exporters.request import PostRequest

INNER = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "2002:0a00:0001::1",
    "64:ff9b::7f00:1",
)
Leads = Callable[[str], None]


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Every name leads to these addresses; returns the list of those that were connected to."""

    def set_up(*found: str) -> list[str]:
        connected: list[str] = []

        def connects(address: tuple[str, int], timeout: float) -> Any:
            connected.append(address[0])
            raise ConnectionRefusedError

        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
        monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: answer)
        monkeypatch.setattr(addresses.socket, "create_connection", connects)
        return connected

    return set_up


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_not_public_in_whatever_form(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "alertmanager", "am.monitoring.svc", "am.x.svc.cluster.local", "10.0.0.1", "::1", "x.internal"],
)
def test_a_host_may_say_itself_that_it_is_an_inner_one(host: str) -> None:
    assert is_inner_name(host)


@pytest.mark.parametrize(
    "host", ["hooks.slack.com", "localhost.example.com", "127.0.0.1.nip.io", "internal.example.org"]
)
def test_a_name_that_anybody_may_register_is_not_an_inner_one(host: str) -> None:
    assert not is_inner_name(host)


def test_a_public_name_that_leads_inside_is_not_connected_to(leads: Callable[..., list[str]]) -> None:
    connected = leads("169.254.169.254")
    with pytest.raises(DeliveryError, match="inner address") as caught:
        connect("hooks.example.com", 443, time.monotonic() + 5)
    assert caught.value.retriable
    assert connected == []


def test_of_several_addresses_only_the_public_ones_are_tried(leads: Callable[..., list[str]]) -> None:
    connected = leads("10.0.0.1", "93.184.215.14", "::1")
    with pytest.raises(ConnectionRefusedError):
        connect("hooks.example.com", 443, time.monotonic() + 5)
    assert connected == ["93.184.215.14"]


def test_the_settings_may_allow_it(leads: Callable[..., list[str]]) -> None:
    connected = leads("10.0.0.1")
    with pytest.raises(ConnectionRefusedError):
        connect("hooks.example.com", 443, time.monotonic() + 5, allow_private=True)
    assert connected == ["10.0.0.1"]


def test_the_address_that_was_judged_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may answer the first question with a public address, the second with an inner one."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    asked: list[str] = []

    def look_up(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        address = host if host[0].isdigit() else next(answers)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connects(address: tuple[str, int], timeout: float) -> Any:
        assert address[0] == "93.184.215.14"
        raise ConnectionRefusedError

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(addresses.socket, "create_connection", connects)
    with pytest.raises(ConnectionRefusedError):
        connect("hooks.example.com", 443, time.monotonic() + 5)
    assert asked == ["hooks.example.com"]


def test_a_post_goes_the_same_way(leads: Callable[..., list[str]]) -> None:
    leads("192.168.0.1")
    with pytest.raises(DeliveryError, match="allow_private"):
        post(PostRequest("https://hooks.example.com/T000/secret", b"{}", {}), 5)
