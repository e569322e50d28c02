"""The ways to receivers, one class each: a message in the form that the receiver expects, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.delivery.apprise import notify
from agent.delivery.mail import MailServer, send_mail
from agent.delivery.target import Channel, Parcel, Target
from config.errors import DeliveryError
from exporters import email, slack
from exporters.alertmanager import post_alert
from exporters.pagerduty import post_event
from exporters.request import expect_taken
from exporters.webhook import post_message
from exporters.wording import paragraph, standing_of, title


class Alertmanager:
    """Alertmanager's API v2."""

    def send(self, parcel: Parcel) -> str:
        target = parcel.target
        for notice in parcel.notices:
            request = post_alert(
                target.url, notice, parcel.now_us, target.resend_us, dict(target.headers), target.external_url
            )
            expect_taken(parcel.ask(request))
        return ""


class Webhook:
    """Alertmanager's webhook, version 4, signed."""

    def send(self, parcel: Parcel) -> str:
        target = parcel.target
        for due in parcel.dues:
            request = post_message(
                target.url,
                due.notice,
                receiver=target.receiver,
                delivery=due.sequence,
                now_us=parcel.now_us,
                headers=dict(target.headers),
                secret=target.secret,
                external_url=target.external_url,
            )
            expect_taken(parcel.ask(request))
        return ""


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """PagerDuty's Events API v2."""

    routing_key: str = field(repr=False)

    def send(self, parcel: Parcel) -> str:
        for notice in parcel.notices:
            request = post_event(parcel.target.url, notice, self.routing_key, parcel.target.external_url)
            expect_taken(parcel.ask(request))
        return ""


@dataclass(frozen=True, slots=True)
class SlackWebhook:
    """An incoming webhook: every message is a new one."""

    url: str = field(repr=False)

    def send(self, parcel: Parcel) -> str:
        request = slack.post_to_webhook(self.url, parcel.notices, parcel.target.external_url)
        expect_taken(parcel.ask(request))
        return ""


@dataclass(frozen=True, slots=True)
class SlackBot:
    """A bot: one message per call, kept up to date; where it was deleted meanwhile, a new one."""

    api_url: str
    channel: str
    token: str = field(repr=False)

    def send(self, parcel: Parcel) -> str:
        try:
            return self._write(parcel, parcel.handle)
        except DeliveryError as error:
            if parcel.handle and slack.is_gone(error):
                return self._write(parcel, "")
            raise

    def _write(self, parcel: Parcel, handle: str) -> str:
        (notice,) = parcel.notices
        request = slack.post_as_bot(self.api_url, self.token, self.channel, notice, handle, parcel.target.external_url)
        return slack.expect_written(parcel.ask(request))


@dataclass(frozen=True, slots=True)
class Email:
    """A mail server."""

    server: MailServer
    sender: str
    to: tuple[str, ...]

    def send(self, parcel: Parcel) -> str:
        mail = email.compose(
            parcel.notices,
            sender=self.sender,
            to=self.to,
            delivery=parcel.dues[0].sequence,
            now_us=parcel.now_us,
            external_url=parcel.target.external_url,
        )
        still_to = parcel.dues[0].still_to
        send_mail(mail, self.server, parcel.target.timeout_seconds, still_to.recipients if still_to else self.to)
        return ""


@dataclass(frozen=True, slots=True)
class Apprise:
    """One of the services that Apprise knows."""

    url: str = field(repr=False)
    notify: Callable[[str, str, str, str, float], None] = notify

    def send(self, parcel: Parcel) -> str:
        text = "\n\n".join(paragraph(notice, parcel.target.external_url) for notice in parcel.notices)
        kind = APPRISE_KINDS[standing_of(parcel.notices[0])]
        self.notify(self.url, f"Wachter: {title(parcel.notices)}", text, kind, parcel.target.timeout_seconds)
        return ""


APPRISE_KINDS: Final = {"firing": "failure", "acknowledged": "warning", "resolved": "success"}
ALERTMANAGER: Final = Alertmanager()
WEBHOOK: Final = Webhook()


def channel_of(target: Target) -> Channel:
    """The way to a target."""
    if target.channel is not None:
        return target.channel
    return ALERTMANAGER if target.standing else WEBHOOK
