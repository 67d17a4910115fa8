"""Says in words how two versions of a desk's settings, or of the page rules, differ; setting by setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..desk_settings import DeskSettings
from ..form_settings import key, names_of
from ..page_rules import PageRule
from ..translation import gettext as _
from ..translation import noop as N_
from ..triggers import labels as trigger_labels
from . import form_labels, labels

FORM = "form_"
"""Before the name of what the form says, as in the settings form's inputs."""

LONG = 80
"""A text with more characters is shown as an excerpt of what changed, and in full when it is unfolded."""

AROUND = 3
"""How many words an excerpt shows before and after what changed."""

_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "reply_within": ("reply_within", "reply_unit"),
    "office_days": ("office_days", "opens", "closes", "time_zone"),
}
"""Parts of the form settings that mean something only together."""

LISTS = {
    "email": (N_("Address added"), N_("Address removed")),
    "triggers": (N_("Trigger added"), N_("Trigger removed")),
    "rules": (N_("Rule added"), N_("Rule removed")),
}


class Excerpt(NamedTuple):
    """What changed in a long text, between the words around it."""

    lead: str
    before: str
    after: str
    tail: str


class Difference(NamedTuple):
    """How one setting differs.

    Arguments:
        name: of the setting; those of the form have :data:`FORM` in front.
        before, after: its values as text.
        excerpt: what changed, if the texts are long.
    """

    name: str
    label: str
    before: str
    after: str
    excerpt: Excerpt | None = None


def differences(before: DeskSettings, after: DeskSettings) -> list[Difference]:
    """Each setting that differs, in the order of the settings page."""
    found: list[Difference] = []
    for name in names_of_both(before, after):
        if value_of(before, name) != value_of(after, name):
            found += _of_list(name, before, after) or [compared(name, before, after)]
    return found


def names_of_both(one: DeskSettings, other: DeskSettings) -> list[str]:
    """The names of all settings that can differ; those of the form have :data:`FORM` in front."""
    tags = dict.fromkeys(("", *one.form.languages, *other.form.languages))
    texts = [FORM + key(name, tag) for tag in tags for name in names_of(tag)]
    return [
        *(name for name in labels.SETTINGS if name != "form"),
        *texts,
        *(FORM + name for name in form_labels.PARTS),
    ]


def value_of(settings: DeskSettings, name: str) -> Any:
    """A setting's value; equal values look the same to people."""
    if not name.startswith(FORM):
        return getattr(settings, name)
    form, own = settings.form, name.removeprefix(FORM)
    if own in form_labels.PARTS:
        # Office hours without days are none, whatever the time zone, and so is a time to reply without a number.
        return tuple(getattr(form, part) for part in _TOGETHER.get(own, (own,))) if getattr(form, own) else None
    text, _dash, tag = own.partition("--")
    return form.texts.get(tag, {}).get(text, "")


def with_value(settings: DeskSettings, name: str, source: DeskSettings) -> DeskSettings:
    """The settings, with one value of other ones."""
    if not name.startswith(FORM):
        return replace(settings, **{name: getattr(source, name)})
    own = name.removeprefix(FORM)
    if own in form_labels.PARTS:
        parts: dict[str, Any] = {part: getattr(source.form, part) for part in _TOGETHER.get(own, (own,))}
        return replace(settings, form=replace(settings.form, **parts))
    text, _dash, tag = own.partition("--")
    texts = {**settings.form.texts, tag: {**settings.form.texts.get(tag, {}), text: value_of(source, name)}}
    filled = {tag: {text: said for text, said in own_texts.items() if said} for tag, own_texts in texts.items()}
    # In the order in which the form lists them.
    kept = {tag: {text: said[text] for text in names_of(tag) if text in said} for tag, said in filled.items() if said}
    return replace(settings, form=replace(settings.form, texts=kept))


def compared(name: str, before: DeskSettings, after: DeskSettings) -> Difference:
    """A setting's label, and its values in both."""
    one, other = shown(before, name), shown(after, name)
    return Difference(name, label_of(name), one, other, excerpt(one, other))


def label_of(name: str) -> str:
    """What a setting is called."""
    if not name.startswith(FORM):
        return _(labels.SETTINGS[name])
    return form_labels.label(name.removeprefix(FORM))


def shown(settings: DeskSettings, name: str) -> str:
    """A setting's value as text."""
    if not name.startswith(FORM):
        return labels.value(settings, name)
    return form_labels.value(settings.form, name.removeprefix(FORM)) or _("default")


def excerpt(before: str, after: str) -> Excerpt | None:
    """What changed in a text, with a few words around it; None: both are short."""
    if max(len(before), len(after)) <= LONG:
        return None
    one, other = before.split(), after.split()
    most = min(len(one), len(other))
    lead = next((at for at in range(most) if one[at] != other[at]), most)
    rest = most - lead
    tail = next((at for at in range(rest) if one[-1 - at] != other[-1 - at]), rest)
    first, last = one[:lead], one[len(one) - tail :]
    return Excerpt(
        _shortened(first, keeps_end=True),
        _folded(" ".join(one[lead : len(one) - tail])),
        _folded(" ".join(other[lead : len(other) - tail])),
        _shortened(last, keeps_end=False),
    )


def of_rules(
    before: Iterable[PageRule], after: Iterable[PageRule], desk_name: Callable[[str], str]
) -> list[Difference]:
    """How two lists of page rules differ.

    Arguments:
        desk_name: what a desk is called.
    """
    one, other = ([f"{rule.pattern} → {desk_name(rule.desk)}" for rule in rules] for rules in (before, after))
    found = _lines("rules", one, other)
    if [rule for rule in one if rule in other] != [rule for rule in other if rule in one]:
        found.append(Difference("rules", _("Order of the rules"), "; ".join(one), "; ".join(other)))
    return found


def _folded(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 1].rstrip()}…"


def _shortened(words: list[str], *, keeps_end: bool) -> str:
    if len(words) <= AROUND:
        return " ".join(words)
    return f"… {' '.join(words[-AROUND:])}" if keeps_end else f"{' '.join(words[:AROUND])} …"


def _of_list(name: str, before: DeskSettings, after: DeskSettings) -> list[Difference]:
    """What was added to a list and removed from it; none, where one value took the place of the other."""
    if name == "email":
        one, other = list(before.recipients), list(after.recipients)
    elif name == "triggers":
        one, other = ([trigger_labels([trigger]) for trigger in side.triggers] for side in (before, after))
    else:
        return []
    return _lines(name, one, other) if max(len(one), len(other)) > 1 else []


def _lines(name: str, one: list[str], other: list[str]) -> list[Difference]:
    added, removed = LISTS[name]
    return [
        *(Difference(name, _(removed), item, "") for item in one if item not in other),
        *(Difference(name, _(added), "", item) for item in other if item not in one),
    ]
