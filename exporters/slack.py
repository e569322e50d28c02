"""Slack: blocks of plain text, so that nothing in a message is read as mark-up, a mention or a link.

A bot writes one message per call (``chat.postMessage``) and keeps it up to date (``chat.update``); an incoming webhook can
only write new ones. Slack's API answers 200 with ``{"ok": false, "error": ...}`` where it did not take a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from config.errors import DeliveryError
from exporters.notice import Notice
from exporters.request import PostRequest, PostResponse, expect_taken, quotable
from exporters.wording import behind, facts, link, sentence, standing_of, title

RETRIABLE = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
MAX_SECTION = 2900
MAX_NOTICES = 10
"""Slack takes 50 blocks in a message, and a notice needs up to four."""
MARKS = {"firing": "large_red_square", "acknowledged": "large_yellow_square", "resolved": "large_green_square"}


def message(notices: Sequence[Notice], external_url: str = "") -> dict[str, object]:
    """The body: what a notification shows (``text``), and what the channel shows (``blocks``)."""
    blocks = [block for notice in notices for block in _blocks(notice, external_url)]
    return {
        "text": escape(title(notices)),
        "blocks": blocks,
        "mrkdwn": False,
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escape(text: str) -> str:
    """Slack's three characters; without them there is no link, no mention and no ``<!channel>``."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(notice: Notice, external_url: str) -> list[dict[str, object]]:
    told = standing_of(notice)
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": _plain(f"{told.upper()}: {sentence(notice)}")},
        {"type": "context", "elements": [_plain(" | ".join(f"{n}: {v}" for n, v in facts(notice).items()))]},
    ]
    listed = behind(notice)
    if len(listed) > 1 and told != "resolved":
        blocks.append({"type": "section", "text": _plain("\n".join(listed))})
    address = link(notice, external_url)
    if address:
        button = {"type": "button", "text": _plain("Open the incident"), "url": address}
        blocks.append({"type": "actions", "elements": [button]})
    return blocks


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text[:MAX_SECTION], "emoji": False}


def post_to_webhook(url: str, notices: Sequence[Notice], external_url: str = "") -> PostRequest:
    """The request that tells an incoming webhook."""
    return _request(url, message(notices, external_url), {})


def post_as_bot(
    api_url: str, token: str, channel: str, notice: Notice, handle: str = "", external_url: str = ""
) -> PostRequest:
    """The request that writes a message, or brings the one known as ``channel/ts`` up to date."""
    known_channel, _, ts = handle.rpartition("/")
    body = {"channel": known_channel or channel, **message([notice], external_url)}
    if ts:
        body["ts"] = ts
    method = "chat.update" if ts else "chat.postMessage"
    return _request(f"{api_url.rstrip('/')}/{method}", body, {"Authorization": f"Bearer {token}"})


def _request(url: str, body: Mapping[str, object], headers: Mapping[str, str]) -> PostRequest:
    return PostRequest(
        url=url,
        body=msgspec.json.encode(body),
        headers={"Content-Type": "application/json; charset=utf-8", **headers},
    )


def expect_written(response: PostResponse) -> str:
    """The handle ``channel/ts`` of the message that a bot wrote.

    Raises:
        DeliveryError: it was not taken; retriable where Slack has a bad moment.
    """
    expect_taken(response)
    answer = _read(response.text)
    if answer.get("ok") is True:
        return f"{answer.get('channel', '')}/{answer.get('ts', '')}"
    error = quotable(str(answer.get("error", "no JSON was answered")))
    raise DeliveryError(f"Slack answered {error}", retriable=error in RETRIABLE or "error" not in answer)


def is_gone(error: DeliveryError) -> bool:
    """Whether the message that was to be updated is not there any more."""
    return str(error).removeprefix("Slack answered ") in GONE


def _read(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
