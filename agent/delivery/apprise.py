"""Apprise, the extra: loaded when the first message is sent, and never following a redirect.

Apprise looks names up by itself, so the rule about inner addresses cannot be held for it: its addresses come from the
settings and lead where they lead.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from config.errors import DeliveryError


def notify(url: str, title: str, body: str, kind: str, timeout_seconds: float) -> None:
    """Send one message.

    Args:
        url: an address of Apprise; it is a secret and appears in no error.
        kind: ``failure``, ``warning`` or ``success``.

    Raises:
        DeliveryError: the extra is missing, the address is none, or the service did not take it; all but the second are
            retriable.
    """
    apprise = _load()
    asset = apprise.AppriseAsset(app_id="Wachter", app_desc="Wachter", secure_logging=True)
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise DeliveryError("Apprise does not know the address; see its list of services", retriable=False)
    service.redirects = False
    service.socket_connect_timeout = service.socket_read_timeout = timeout_seconds
    try:
        taken = service.notify(body=body, title=title, notify_type=apprise.NotifyType(kind), body_format="text")
    except Exception as error:
        raise DeliveryError(f"Apprise failed: {type(error).__name__}", retriable=True) from None
    if not taken:
        raise DeliveryError("the service did not take the message; Apprise does not say why", retriable=True)


def _load() -> ModuleType:
    try:
        return importlib.import_module("apprise")
    except ImportError:
        what = "Apprise is not installed. Run in the checkout of Wachter: pip install '.[apprise]'"
        raise DeliveryError(what, retriable=True) from None
