"""What a visitor's request says: facts, fields, and which kind of answer it wants."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from htmx_flask.requests import HtmxHeaders
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from ..bounded_json import loads
from ..config import Config
from ..conversation import MAX_ID, clean_text
from ..errors import Invalid, TooLarge
from ..settings import DEFAULT_DESK
from ..triggers import Facts

TICKET_FIELDS = ("offer", "submission_id", "email", "note", "conversation", "website")
EVENT_FIELDS = ("offer", "event")
MAX_PAIRS_FACT = 100_000

_FLAGS = {"": False, "false": False, "0": False, "true": True, "1": True}


def wants_json() -> bool:
    """Whether the answer is for a program."""
    if request.is_json and "text/html" not in request.accept_mimetypes.values():
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def wants_fragment() -> bool:
    """Whether the answer goes into a page that is open already. A boosted link asks for a whole page."""
    headers = HtmxHeaders(request.headers)
    return request.headers.get("X-Kapa-Handoff") == "fragment" or (bool(headers) and not headers.boosted)


def proxy_unheeded() -> bool:
    """Whether a proxy names the client's address, and the site took the proxy's for it.

    ProxyFix and its like put one of the addresses that the header names into ``REMOTE_ADDR``. A client can make the
    header up, so this is a hint and no proof.
    """
    named = request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded")
    return named is not None and request.remote_addr not in re.findall(r'[^\s,;="\[\]]+', named)


class AnswerQuery:
    """The query of ``GET /offer``.

    Raises:
        Invalid: facts that make no sense, with a message for each field.
    """

    def __init__(self) -> None:
        self._errors: dict[str, list[str]] = {}
        self.facts = Facts(self._pairs(), self._flag("uncertain"), self._flag("downvoted"))
        self.thread_id = self._id("thread_id")
        self.answer_id = self._id("answer_id")
        self.requested = self._flag("requested")
        self.desk = request.args.get("desk") or DEFAULT_DESK
        page = clean_text(request.args.get("page", "")).replace("\n", " ").strip()
        self.page = page if page.lower().startswith(("http://", "https://")) else None
        if self._errors:
            raise Invalid("These facts make no sense.", fields=self._errors)

    def _pairs(self) -> int:
        text = request.args.get("pairs", "")
        if text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_PAIRS_FACT:
            return int(text)
        self._errors["pairs"] = [f"pairs: {text!r} is not allowed; use a whole number of 1 or more."]
        return 1

    def _flag(self, name: str) -> bool:
        text = request.args.get(name, "").lower()
        if text not in _FLAGS:
            self._errors[name] = [f"{name}: {text!r} is not allowed; use true or false."]
        return _FLAGS.get(text, False)

    def _id(self, name: str) -> str | None:
        text = clean_text(request.args.get(name, ""))
        if len(text) > MAX_ID:
            self._errors[name] = [f"{name}: has {len(text)} characters; at most {MAX_ID} are allowed."]
        return text or None


def read_fields(config: Config, allowed: tuple[str, ...]) -> MultiDict[str, Any]:
    """The fields of a POST, from a form or from a JSON object.

    Raises:
        TooLarge: the body is larger than KAPA_HANDOFF_MAX_REQUEST_BYTES.
        Invalid: the JSON is no object, or has other fields than the allowed ones or other types.
    """
    # Per request, so that the site's own limits stay as they are.
    request.max_content_length = config.max_request_bytes
    request.max_form_memory_size = config.max_request_bytes
    try:
        if not request.is_json:
            return request.form
        body = loads(request.get_data())  # not the site's JSON provider: this is our dialect
    except RequestEntityTooLarge:
        raise TooLarge from None
    except ValueError:
        raise Invalid("The request's body is not valid JSON.") from None
    except RecursionError:
        raise Invalid("The request's body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise Invalid("The request's body must be a JSON object.")
    errors = {}
    for name, value in body.items():
        if name not in allowed:
            errors[clean_text(name)[:100]] = [f"There is no such field; use {', '.join(allowed)}."]
        elif (
            value is not None
            and not isinstance(value, str)
            and (name != "conversation" or not isinstance(value, list))
        ):
            errors[name] = ["Must be text." if name != "conversation" else "Must be a list of question-answer pairs."]
    if errors:
        raise Invalid("Something in the request is not right.", fields=errors)
    # One value for each field: a list is the conversation itself, not several values.
    return MultiDict(
        [
            (name, clean_text(value) if isinstance(value, str) else value)
            for name, value in body.items()
            if value is not None
        ]
    )
