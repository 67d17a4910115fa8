"""Reads a visitor's request: facts and fields.

Cheap checks come first: the size of the body, the number of its fields and their length. The fields' content is
checked once the offer is known to be valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field
from typing import Any

from flask import request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from ..bounded_json import loads
from ..config import Config
from ..conversation import MAX_ID
from ..errors import Invalid, TooLarge
from ..fields import CONSENT, all_fields
from ..site_fields import RESERVED, is_field_name
from ..state import State
from ..text import clean_text
from ..triggers import Facts, reported_facts
from ..uploads import files_too_large
from ..urls import origin_of, parse_url, shortened
from ..web.form_encoding import is_broken
from ..web.requests import is_own_script, page_language, quoted

OFFER_FIELDS = ("question",)
FACTS = tuple(fact.name for fact in reported_facts())
EVENT_FIELDS = ("offer", "event", *FACTS, "thread_id", "answer_id", "page", "desk", "requested")
LEFT_OUT = "left_out"
MAX_NUMBER_FACT = 100_000

MAX_FIELDS = 100
"""The most fields in a body: ours, and those of a site's own templates; beside them, each pair may be left out."""

MOST_TOLD = 10
"""How many wrong fields a response names."""


MULTIPART = "multipart/form-data"
"""The type of a form that may have files."""

_LISTS = {
    "conversation": "a list of question-answer pairs",
    "attachments": "a list of the ids of files",
    LEFT_OUT: "a list of ids",
}

_FLAGS = {"": False, "false": False, "0": False, "true": True, "1": True}
_SURROGATES = re.compile("[\ud800-\udfff]")


class AnswerQuery:
    """Read the query of ``/offer``, and the question in the body of a POST.

    Arguments:
        fields: the same facts from the fields of another request.

    Raises:
        Invalid: the facts make no sense; the error has a message for each field.
    """

    def __init__(self, state: State, fields: Mapping[str, Any] | None = None) -> None:
        self._errors: dict[str, list[str]] = {}
        self._said = request.args.to_dict() if fields is None else {name: str(value) for name, value in fields.items()}
        self.facts = self._facts()
        self.thread_id = self._id("thread_id")
        self.answer_id = self._id("answer_id")
        # With a token that only pages with the bridge have: nobody else may bypass the triggers.
        self.requested = state.is_bridge_mark(self._said.get("requested", "")[:200])
        # Without an answer it is direct anyway. The desk's settings decide whether that is allowed.
        self.is_direct = self._flag("direct")
        self.question = ""
        if request.method == "POST" and fields is None:
            self.question = read_fields(state.config, OFFER_FIELDS).get("question", "")
        # The site decides whether a browser may name it.
        self.named_desk = self._said.get("desk", "")
        page = clean_text(shortened(self._said.get("page", "").partition("#")[0])).replace("\n", " ").strip()
        self.page = page if parse_url(page) is not None else None
        self.language = page_language()
        self.origin = origin_of(self.page) or origin_of(request.headers.get("Referer"))
        if self._errors:
            raise Invalid("Some of these facts are not valid.", fields=self._errors)

    def _facts(self) -> Facts:
        found: dict[str, Any] = {
            fact.name: self._flag(fact.name) if isinstance(fact.default, bool) else self._number(fact)
            for fact in reported_facts()
        }
        return Facts(**found)

    def _number(self, fact: Field[Any]) -> int:
        text = self._said.get(fact.name, "" if fact.default is MISSING else str(fact.default))
        if text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= MAX_NUMBER_FACT:
            return int(text)
        self._errors[fact.name] = [f"{fact.name}: {quoted(text)} is not allowed; use a whole number of 0 or more."]
        return 0

    def _flag(self, name: str) -> bool:
        text = self._said.get(name, "")[:60].lower()
        if text not in _FLAGS:
            self._errors[name] = [f"{name}: {quoted(text)} is not allowed; use true or false."]
        return _FLAGS.get(text, False)

    def _id(self, name: str) -> str | None:
        text = self._said.get(name, "")
        if len(text) <= MAX_ID:
            text = clean_text(text)  # which makes some texts longer
        if len(text) > MAX_ID:
            self._errors[name] = [f"{name}: is {len(text)} characters long; the limit is {MAX_ID}."]
            return None
        return text or None


def ticket_fields(config: Config) -> tuple[str, ...]:
    """The names of a ticket's fields."""
    names = (field.name for field in (*all_fields(config.fields), CONSENT))
    return ("offer", "submission_id", *names, "conversation", LEFT_OUT, "attachments", "website")


def undeclared_inputs(state: State) -> list[str]:
    """The names in a form that a site could declare as fields and has not; others are the form's or the site's own.

    Call :func:`read_fields` first: it limits the size, and checks the names in JSON.
    """
    known = {*RESERVED, state.app.config.get("WTF_CSRF_FIELD_NAME"), *(field.name for field in state.config.fields)}
    names = dict.fromkeys((*request.form, *request.files))
    return [name for name in names if is_field_name(name) and name not in known][:MOST_TOLD]


def _limit_body(size: int, files: int) -> None:
    """Limit this request to ``size`` bytes and those of its files, without changing the site's own limits.

    Raises:
        RequestEntityTooLarge: the body's declared length is larger. Without a declared length, reading it raises this.
    """
    # Not request.max_content_length: Flask before 3.1, and a site's own request class, may have it read-only.
    stream = get_input_stream(request.environ, max_content_length=size + files)
    if "stream" not in request.__dict__:  # else the site has already read the body, within its own limits
        request.stream = stream
    request.max_form_memory_size = size


def read_fields(config: Config, allowed: tuple[str, ...], *, files: int = 0) -> MultiDict[str, Any]:
    """The fields of a POST, from a form or a JSON object; their content is not checked.

    From handoff.js, a JSON object is the form, in fewer octets: it may contain a site's own inputs, and the site's
    functions find everything but the conversation in ``request.form``.

    Arguments:
        files: how many octets a form may have beside its fields, for files.

    Raises:
        TooLarge: the body is larger than KAPA_HANDOFF_MAX_REQUEST_BYTES.
        Invalid: it has more fields than any form of ours, the JSON is not an object, or a field's name or type is not
            allowed.
    """
    files = files if request.mimetype == MULTIPART else 0
    try:
        _limit_body(config.max_request_bytes, files)
        if request.is_json and is_own_script():
            fields = _form_in_json(request.get_data(), MAX_FIELDS + config.max_pairs)
            texts = [(name, value) for name, value in fields.items(multi=True) if isinstance(value, str)]
            # What reading a form sets. In this way, it also works with a request class of the site's own that has it
            # read-only.
            request.__dict__.update(form=ImmutableMultiDict(texts), files=ImmutableMultiDict())
            return fields
        if request.is_json:
            return _json_fields(request.get_data(), allowed)
        # werkzeug counts the parts of a multipart form itself, and no others.
        most = MAX_FIELDS + (config.max_pairs if LEFT_OUT in allowed else 0)
        if request.mimetype == "application/x-www-form-urlencoded":
            if request.get_data().count(b"&") >= most:
                raise _too_many_fields(most)
            if is_broken(request.get_data()):
                raise Invalid("The request's body is not encoded as a form.")
        # Older versions of Werkzeug do not add up the fields of a form with files.
        if files and sum(len(value) for _, value in request.form.items(multi=True)) > config.max_request_bytes:
            raise TooLarge
        return request.form
    except RequestEntityTooLarge:
        raise TooLarge(files_too_large() if files else None) from None


def _too_many_fields(most: int) -> Invalid:
    return Invalid(f"The request has too many fields; the limit is {most}.")


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        body = loads(data)  # not the site's JSON provider, since the format is ours
    except ValueError:
        raise Invalid("The request's body is not valid JSON.") from None
    except RecursionError:
        raise Invalid("The request's body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise Invalid("The request's body must be a JSON object.")
    return body


def _form_in_json(data: bytes, most: int) -> MultiDict[str, Any]:
    """The entries of a form; a name with several has a list of them. The conversation is a list of its own."""
    body = _json_object(data)
    values = {name: value if isinstance(value, list) else [value] for name, value in body.items()}
    fields: MultiDict[str, Any] = MultiDict()
    if isinstance(body.get("conversation"), list):
        fields["conversation"] = values.pop("conversation")
    if sum(map(len, values.values())) > most:
        raise _too_many_fields(most)
    for name, texts in values.items():
        for text in texts:
            if isinstance(text, str):
                fields.add(_encodable(name), _encodable(text))
            elif text is not None:
                raise Invalid("Some fields of the request are not valid.", fields={name[:100]: ["Must be text."]})
    return fields


def _json_fields(data: bytes, allowed: tuple[str, ...]) -> MultiDict[str, Any]:
    body = _json_object(data)
    errors: dict[str, list[str]] = {}
    for name, value in body.items():
        if len(errors) == MOST_TOLD:
            break
        if name not in allowed:
            errors[_encodable(name[:100])] = [f"There is no such field; use {', '.join(allowed)}."]
        elif value is not None and not _has_type(name, value):
            errors[name] = [f"Must be {_LISTS.get(name, 'text')}."]
    if errors:
        raise Invalid("Some fields of the request are not valid.", fields=errors)
    # One value for each field, as a list is the conversation itself; but each pair that is left out is a value.
    values = [
        (name, value)
        for name, found in body.items()
        for value in (found if name == LEFT_OUT and isinstance(found, list) else [found])
    ]
    return MultiDict(
        [(name, _encodable(value) if isinstance(value, str) else value) for name, value in values if value is not None]
    )


def _has_type(name: str, value: object) -> bool:
    """Whether a field may have this value in JSON: text, lists where a field is one, facts as they are."""
    if name in _LISTS and isinstance(value, list):
        return name != LEFT_OUT or all(isinstance(item, str) for item in value)
    return isinstance(value, (str, int) if name in FACTS else str)  # true and false are an int, too


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can contain but a response cannot."""
    return text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
