"""An e-mail about incidents: plain text, and the same as HTML.

Its Message-ID is made of the number of the delivery, so that a message which is repeated because its answer was lost is
recognised as the same; all messages about one incident are one thread (RFC 5322, References).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from exporters.notice import Notice
from exporters.wording import behind, facts, link, paragraph, sentence, title

LONG_LINES = SMTP.clone(max_line_length=998)
"""A subject on one line, as RFC 5322 allows: folded at 78, ``email`` begins some of them with an empty line."""
RULE = "\n\n" + "-" * 72 + "\n\n"


def compose(
    notices: Sequence[Notice],
    *,
    sender: str,
    to: Sequence[str],
    delivery: int,
    now_us: int,
    external_url: str = "",
) -> EmailMessage:
    """The message.

    Args:
        notices: at least one; several make one message.
        delivery: number of the first row of the outbox that it tells.
    """
    subject = f"[Wachter] {title(notices)}"
    mail = EmailMessage(policy=LONG_LINES if subject.isascii() else SMTP)
    mail["Subject"] = subject
    mail["From"] = Address(display_name="Wachter", addr_spec=sender)
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_us // 1_000_000, UTC))
    domain = sender.rpartition("@")[2]
    mail["Message-ID"] = f"<wachter.{notices[0].incident_id}.{delivery}@{domain}>"
    mail["References"] = f"<wachter.{notices[0].incident_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(RULE.join(paragraph(notice, external_url) for notice in notices) + "\n")
    mail.add_alternative("".join(_html(notice, external_url) for notice in notices), subtype="html")
    return mail


def _html(notice: Notice, external_url: str) -> str:
    rows = "".join(f"<tr><th align=left>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in facts(notice).items())
    listed = "".join(f"<li>{escape(line)}</li>" for line in behind(notice))
    address = escape(link(notice, external_url), quote=True)
    parts = (
        f"<h2>{escape(sentence(notice))}</h2>",
        f"<table>{rows}</table>",
        f"<ul>{listed}</ul>" if listed else "",
        f'<p><a href="{address}">Open the incident</a></p>' if address else "",
    )
    return "".join(parts)
