"""The form with which a named person acknowledges, comments, silences or resolves an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.web.forms import TOKEN
from agent.web.html import Html, join, render
from detectors.acts import MAX_ACTOR_CHARACTERS, MAX_COMMENT_CHARACTERS

SILENCES = {"1": "1 hour", "4": "4 hours", "12": "12 hours", "24": "1 day", "72": "3 days", "168": "7 days"}
"""Hours a person may choose from."""

FORM = """<form method="post" action="/incidents/{id}/comment">
<input type="hidden" name="{token_name}" value="{token}">
<div class="fields">{name}</div>
<div><label for="comment">Comment, kept in the timeline and in the log</label>
<textarea id="comment" name="comment" rows="2" maxlength="{longest}">{comment}</textarea></div>
<div class="fields">{buttons}</div>
</form>"""


@dataclass(frozen=True, slots=True)
class ActForm:
    """What the form begins with.

    Attributes:
        token: see ``forms.Tokens``.
        name: of the person, as far as it is known; fixed where somebody has signed in.
        may_act: whether the person may do more than read.
        comment: what was written before, where the act was refused.
    """

    token: str
    name: str = ""
    is_signed_in: bool = False
    may_act: bool = True
    comment: str = ""


def act_form(record: Mapping[str, Any], form: ActForm) -> Html:
    """The form, with the acts that the incident can take; a sentence for those who may only read."""
    if not form.may_act:
        return Html('<p class="quiet">You may read here, and not act: acting takes a right of its own.</p>')
    return render(
        FORM,
        id=record["id"],
        token_name=TOKEN,
        token=form.token,
        name=_name(form),
        longest=MAX_COMMENT_CHARACTERS,
        comment=form.comment,
        buttons=join(_buttons(record)),
    )


def _name(form: ActForm) -> Html:
    if form.is_signed_in:
        return render("<p>You act as <strong>{}</strong>.</p>", form.name)
    return render(
        '<div><label for="actor">Your name</label><input id="actor" name="actor" value="{}" required maxlength="{}" '
        'autocomplete="name"></div>',
        form.name,
        MAX_ACTOR_CHARACTERS,
    )


def _buttons(record: Mapping[str, Any]) -> list[Html]:
    comment = Html("<button>Comment</button>")
    if record["state"] != "open":
        return [comment]
    taken = [] if record["acknowledged"] else [_button(record, "ack", "Acknowledge")]
    return [*taken, comment, _button(record, "resolve", "Resolve"), _silence(record)]


def _button(record: Mapping[str, Any], kind: str, text: str) -> Html:
    return render('<button formaction="/incidents/{}/{}">{}</button>', record["id"], kind, text)


def _silence(record: Mapping[str, Any]) -> Html:
    options = join((render('<option value="{}">{}</option>', hours, text) for hours, text in SILENCES.items()), "")
    return render(
        '<div><label for="hours">Nobody is called for</label><select id="hours" name="hours">{}</select></div>{}',
        options,
        _button(record, "silence", "Silence"),
    )
