"""Forms: reading what one sent, and tokens that show that it came from a page of this agent.

A token is HMAC-SHA256 of the browser's own random cookie, under a key that lives as long as the process. A page of another
site cannot read the cookie (HttpOnly, SameSite=Strict) nor the token, and a browser sends it neither with a foreign form.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from agent.web.api import Refused, read_body

COOKIE = "wachter-form"
NAME_COOKIE = "wachter-name"
TOKEN = "token"  # noqa: S105 - the name of a field
NAME_SECONDS = 30 * 86_400
_FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 20


class Tokens:
    """Makes and checks tokens; owned by the server."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def of(self, cookie: str) -> str:
        """The token of a browser."""
        return hmac.new(self._key, cookie.encode(), "sha256").hexdigest()

    def check(self, request: Request, fields: Mapping[str, str]) -> None:
        """See that a form came from a page that this process served to the same browser.

        Raises:
            Refused: it did not, or the agent was started again since.
        """
        cookie = request.cookies.get(COOKIE, "")
        if not cookie or not hmac.compare_digest(self.of(cookie).encode(), fields.get(TOKEN, "").encode()):
            raise Refused(
                403, "this form is no longer good: the agent was started again, or cookies are refused. Try again"
            )


def browser_of(request: Request) -> str:
    """The cookie of a browser; a new one for one that has none, to be set with ``remember``."""
    return request.cookies.get(COOKIE, "") or secrets.token_hex(16)


def remember(response: Response, request: Request, cookie: str) -> None:
    """Set the cookie where the browser has none."""
    if COOKIE not in request.cookies:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, path="/", secure=secure, httponly=True, samesite="strict")


def remember_name(response: Response, request: Request, name: str) -> None:
    """Spare a person to type the name again."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        NAME_COOKIE, quote(name), NAME_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
    )


def signed_in(request: Request) -> str:
    """The name under which a guard before us let the person in (``scope["user"].display_name``); else empty."""
    return str(getattr(request.scope.get("user"), "display_name", "") or "")


def may_act(request: Request) -> bool:
    """Whether the guard takes from this person what changes something (``scope["user"].may_act``); yes where none says."""
    return bool(getattr(request.scope.get("user"), "may_act", True))


def name_of(request: Request) -> str:
    """The person's name as far as it is known: signed in, or typed before."""
    return signed_in(request) or unquote(request.cookies.get(NAME_COOKIE, ""))


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, lines ending as they do elsewhere; of one that comes twice the last.

    Raises:
        Refused: it is no form, or too large.
    """
    body = await read_body(request, _FORM, "form", f"send a form, as {_FORM}")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refused(400, "the form cannot be read") from None
    return {name: value.replace("\r\n", "\n") for name, value in fields}
