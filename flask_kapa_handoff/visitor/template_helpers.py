"""The Jinja helpers: script tag, button, Kapa's tag."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable

from flask import has_request_context, request
from htmx_flask.requests import HtmxHeaders
from markupsafe import Markup, escape

from ..conversation import Conversation
from ..errors import ConfigurationError, Invalid, Unavailable
from ..hook_checks import wrong_part
from ..offers import Offer, offer_for
from ..settings import DEFAULT_DESK, DeskSettings, serving_settings
from ..state import current_state
from ..translation import ENGLISH, current_language, speak
from ..triggers import TABLE
from ..web.csp import response_nonce
from ..web.form_words import look
from ..web.language import language_of_site_page, shown_button_text
from ..web.urls import is_own_page, static_url, visitor_url
from .decisions import record_rendered
from .desk_choice import Named, choose_desk, is_known
from .rendering import render_for_visitor

KAPA_BUNDLE = "https://widget.kapa.ai/kapa-widget.bundle.js"
BRIDGES = ("takeover", "button")
HANDOFF_ATTRIBUTES = (
    "handoff_email",
    "handoff_button_text",
    "handoff_triggers",
    "handoff_conversation_length_threshold",
)
KNOWN_TO_KAPA = frozenset(row.name for row in TABLE.values() if row.kapa_knows)
_logger = logging.getLogger(__name__)


def kapa_handoff_script(*, bridge: str | None = None, desk: str | None = None, nonce: str | None = None) -> Markup:
    """The tags that load the visitor's style and script. Makes no query without a desk; the text is built once.

    Arguments:
        bridge: for a page with Kapa's widget or SDK. ``takeover``: the handoffs that its own form sends become
            tickets of this site; ``button``: it also gets this package's button. None: no bridge.
        desk: the desk of this page, which must not be internal; None: see docs/desks.md.
        nonce: of the page's Content-Security-Policy; None: from KAPA_HANDOFF_CSP_NONCE, or Flask-Talisman.
    """
    state = current_state()
    _check_desk("kapa_handoff_script", desk)
    nonce = nonce or response_nonce(state)
    # The bridge's token is made with the app's key, which may change while the app runs.
    key = (state.mount, bridge and state.bridge_mark(), bridge, desk, nonce is None)
    tags = state.tags.get(key)
    if tags is None:
        mark = "" if nonce is None else ' nonce="{nonce}"'
        tags = state.tags[key] = _tags(bridge, desk, static_url, mark)
    # already escaped
    return Markup(tags if nonce is None else tags.replace("{nonce}", str(escape(nonce))))  # noqa: S704


def _check_desk(helper: str, desk: object) -> None:
    """Report a page that names a desk that does not exist, or is internal. The page itself must not fail."""
    state = current_state()
    if desk not in (None, DEFAULT_DESK) and (desks := state.known_desks) is not None:
        is_known(state, desks, Named(desk, helper=helper))


def static_page_tags(*, bridge: str | None = None, desk: str | None = None, origin: str = "") -> str:
    """The tags of :func:`kapa_handoff_script`, one per line, for a page that this app does not render.

    Their addresses have no content hash, so that a page that was built long ago gets each new version.

    Arguments:
        origin: the site that runs the app, such as ``https://help.example.com``, for a page of another origin.
    """
    tags = _tags(bridge, desk, lambda filename: f"{origin}{visitor_url('static')}/{filename}")
    return tags.replace("><script", ">\n<script")


def _tags(bridge: str | None, desk: str | None, address: Callable[[str], str], mark: str = "") -> str:
    chosen = "" if desk is None else f' data-desk="{escape(desk)}"'
    tags = (
        f'<link rel="stylesheet" href="{escape(address("handoff.css"))}"{mark}>'
        f'<script defer src="{escape(address("handoff.js"))}"{chosen}{mark}></script>'
    )
    return tags if bridge is None else tags + _bridge_tags(bridge, address, mark, chosen)


def kapa_handoff_style_url() -> str:
    """The address of ``handoff.css``, with a hash of its content for caches."""
    return static_url("handoff.css")


def kapa_handoff_script_url() -> str:
    """The address of ``handoff.js``, with a hash of its content for caches."""
    return static_url("handoff.js")


def _bridge_tags(bridge: str, address: Callable[[str], str], mark: str, chosen: str = "") -> str:
    if bridge not in BRIDGES:
        raise ValueError(f"bridge: {bridge!r} is not allowed; use {' or '.join(BRIDGES)}")
    said = f'data-bridge="{bridge}" data-requested="{current_state().bridge_mark()}"{chosen}'
    return (
        # Not deferred, so that later scripts can call Kapa().
        f'<script src="{escape(address("kapa.js"))}"{mark}></script>'
        f'<script defer src="{escape(address("bridge.js"))}" {said}{mark}></script>'
    )


def kapa_handoff_button(
    conversation: Conversation | None, desk: str | None = None, language: str | None = None
) -> Markup:
    """The button under a conversation's last answer; empty if the answer does not qualify.

    Arguments:
        conversation: the thread up to and including the answer; None: no button.
        desk: the desk that takes the ticket, maybe an internal one; None: see docs/desks.md.
        language: the page's language, such as ``de``, for the button and its form; None: the visitor's.
    """
    if conversation is None:
        return Markup()
    if not isinstance(conversation, Conversation):
        raise TypeError(f"kapa_handoff_button() takes a Conversation or None, not {type(conversation).__name__}")
    try:
        return _button(conversation, desk, language)
    except (ConfigurationError, Invalid, Unavailable) as error:
        # The answer matters more than the button, so the site's page must not fail with it.
        _logger.error("The handoff button is left out: %s", error)
        return Markup()
    except (AttributeError, TypeError):
        if not (wrong := wrong_part(conversation)):
            raise
        _logger.error("The handoff button is left out: in the conversation that it was given, %s.", wrong)
        return Markup()


def _button(conversation: Conversation, desk: object, language: str | None) -> Markup:
    state, page = current_state(), _visited_page()
    chosen = choose_desk(
        state, state.known_desks, Named(desk, may_be_internal=True, helper="kapa_handoff_button"), page
    )
    with state.database.read() as connection:
        settings = serving_settings(connection, state.config, chosen)
    asks, named = state.asks_for_human(settings), str(language) if language else None
    offer = offer_for(conversation, settings, page=page, asks=asks, language=named)
    if has_request_context():  # else it may be a page that is made once, for everybody
        record_rendered(state, conversation, offer, settings.desk, page, asks)
    if offer is None:
        return Markup()
    # If the site loads the transcript itself, the page need not contain it.
    carried = None if state.hooks.keeps_threads and conversation.thread_id else conversation
    with speak(language_of_site_page(named)):
        return render_button(offer, settings, carried)


def _visited_page() -> str | None:
    """The address in the visitor's browser; for an htmx fragment, it differs from the request's own address."""
    if not has_request_context():
        return None
    shown = (HtmxHeaders(request.headers).current_url or "").partition("#")[0]
    return shown if is_own_page(shown) else _address_of_request()


def _address_of_request() -> str | None:
    try:
        return request.url
    except ValueError:  # a Host header such as xn--a cannot be decoded
        return None


def render_button(offer: Offer, settings: DeskSettings, conversation: Conversation | None = None) -> Markup:
    """The button's fragment: a form that works without script."""
    state = current_state()
    return Markup(  # noqa: S704 - a rendered template
        render_for_visitor(
            "_button",
            {
                "form_url": visitor_url("form"),
                "offer": state.offer_signer().sign(offer),
                "button_text": shown_button_text(settings, directly=not offer.facts.pairs),
                "conversation": json.dumps(conversation.as_json()) if conversation else None,
                "thread_id": offer.thread_id,
                "thread_key": _thread_key(offer, conversation),
                "answer_id": offer.answer_id,
                "desk": offer.desk,
                "look": look(settings.form),
                "radius": settings.form.radius,
            },
        )
    )


def _thread_key(offer: Offer, conversation: Conversation | None) -> str | None:
    """By what a browser recognises a thread that has no id, as long as it begins with the same pair."""
    if offer.thread_id or not conversation or not conversation.pairs:
        return None
    first = conversation.pairs[0]
    return hashlib.sha256(ascii((first.id, first.question, first.answer)).encode()).hexdigest()[:32]


def kapa_widget(website_id: str, nonce: str | None = None, desk: str | None = None, **attributes: object) -> Markup:
    """Kapa's own script tag, with the handoff attributes for the admin's settings, and the bridge.

    Makes no query for up to 5 seconds, after which a change of the settings shows.

    Arguments:
        website_id: Kapa's id of the site.
        nonce: of the page's Content-Security-Policy; None: from KAPA_HANDOFF_CSP_NONCE, or Flask-Talisman.
        desk: the desk of this page, which must not be internal; None: see docs/desks.md.
        attributes: any of Kapa's ``data-`` attributes, with underscores for hyphens: ``project_name="Acme"``. The four
            ``handoff_`` ones come from the settings, and are omitted if no ticket can be sent. Without a ``language``,
            it is the visitor's; with one, the button's text is in it, too.

    Raises:
        ValueError: ``website_id`` is empty.
    """
    if not website_id:
        raise ValueError("kapa_widget(): the website id is missing; each Kapa project has one")
    with speak(language_of_site_page(attributes.get("language"))):
        language = _language_attribute()
        handoff, chosen = _handoff_attributes(desk)
    others = {name: value for name, value in attributes.items() if name not in handoff}
    values: dict[str, object] = {"website_id": website_id, **language, **others, **handoff}
    data = "".join(
        f' data-{escape(name.replace("_", "-"))}="{_attribute(value)}"'
        for name, value in values.items()
        if value is not None
    )
    nonce = nonce or response_nonce(current_state())
    mark = "" if nonce is None else f' nonce="{escape(nonce)}"'
    tag = f'<script async src="{KAPA_BUNDLE}"{data}{mark}></script>'
    said = "" if desk is None else f' data-desk="{escape(chosen)}"'
    return Markup(tag + _bridge_tags("takeover", static_url, mark, said))  # noqa: S704 - escaped above


def _attribute(value: object) -> str:
    # Markup, such as a translated text, is not escaped again, but its quotes must not end the attribute.
    return str(escape(str(value).lower() if isinstance(value, bool) else value)).replace('"', "&#34;")


def _language_attribute() -> dict[str, object]:
    """Kapa's own form speaks the current language; it knows languages without a script or a country."""
    language = current_language()
    return {} if language is ENGLISH else {"language": language.locale.language}


def _handoff_attributes(desk: object) -> tuple[dict[str, object], str]:
    """Kapa's attributes for the desk that serves this page, in the current language, and the desk's name."""
    state = current_state()
    desks = state.known_desks
    chosen = choose_desk(state, desks, Named(desk, helper="kapa_widget"), _visited_page())
    settings = None if desks is None else desks.serving(chosen)
    triggers = [] if settings is None else [name for name in settings.triggers if name in KNOWN_TO_KAPA]
    # Without its triggers, the widget would show its form under every answer.
    if settings is None or not settings.takes_tickets or not triggers:
        return dict.fromkeys(HANDOFF_ATTRIBUTES), chosen
    # Kapa knows one address. Where its form's tickets go, the bridge decides with this site.
    values = (settings.recipients[0], shown_button_text(settings), ",".join(triggers), settings.threshold)
    return dict(zip(HANDOFF_ATTRIBUTES, values, strict=True)), chosen


HELPERS = (
    kapa_handoff_script,
    kapa_handoff_style_url,
    kapa_handoff_script_url,
    kapa_handoff_button,
    kapa_widget,
)
